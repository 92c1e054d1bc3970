//! What the reader makes of forms, and what it says of what it refuses.

use dkron_ha::documents::{Cause, Format};

use crate::forms::{DROPPED, FILES, KEYS, REFUSED, REFUSED_HERE, SCALARS, STRUCTURES};
use crate::{names, one, read, value, written_out};

#[test]
fn scalars_resolve_as_for_kubectl() {
    for (scalar, json) in SCALARS {
        let read = one(&format!("v: {scalar}"));
        // Text is compared as values, for its escapes; all else to the letter.
        if json.starts_with('"') {
            assert_eq!(value(&read)["v"], value(json), "{scalar:?}");
        } else {
            assert_eq!(read, format!("{{\"v\":{json}}}"), "{scalar:?}");
        }
    }
}

#[test]
fn keys_become_text_as_for_kubectl() {
    for (key, name) in KEYS {
        let end = if key.starts_with('?') { "\n: 1" } else { ": 1" };
        assert_eq!(one(&format!("{key}{end}")), format!("{{{name:?}:1}}"), "{key:?}");
    }
}

#[test]
fn structures_keep_their_shape_and_order() {
    for (yaml, json) in STRUCTURES {
        assert_eq!(one(yaml), *json, "{yaml:?}");
    }
}

#[test]
fn what_kubectl_refuses_or_reads_otherwise_is_refused() {
    for yaml in REFUSED.iter().chain(REFUSED_HERE) {
        assert!(read(yaml).is_err(), "{yaml:?}: {:?}", read(yaml));
    }
}

#[test]
fn files_fall_apart_as_for_kubectl() {
    for (file, expected) in FILES {
        let found = read(&written_out(file));
        assert_eq!(found.as_deref().ok().map(names).as_deref(), *expected, "{file:?}: {found:?}");
    }
}

#[test]
fn nothing_is_dropped_without_a_word() {
    for (file, _) in DROPPED {
        assert!(read(&written_out(file)).is_err(), "{file:?}");
    }
}

#[test]
fn json_keeps_the_authors_own_text() {
    let first = "{\"b\": 1.10,\n  \"a\": [1e3, 12345678901234567890123, -0],\"b\":\"\\u0041\\/\"}";
    let documents = read(&format!("\n {first}\n\n{{\"c\":1.0}}")).unwrap();
    let found: Vec<_> =
        documents.iter().map(|document| (document.json.as_str(), document.format, document.line)).collect();
    assert_eq!(found, [(first, Format::Json, 2), ("{\"c\":1.0}", Format::Json, 5)]);
}

#[test]
fn a_document_knows_where_it_began_and_how_it_was_written() {
    let text = "{\"a\": 1}\n---\n# about b\n\nb: 2\n---\n---\n{\"c\": 1.10}\n";
    let found: Vec<_> =
        read(text).unwrap().into_iter().map(|document| (document.json, document.format, document.line)).collect();
    assert_eq!(
        found,
        [
            (r#"{"a": 1}"#.to_owned(), Format::Json, 1),
            (r#"{"b":2}"#.to_owned(), Format::Yaml, 5),
            (r#"{"c":1.1}"#.to_owned(), Format::Yaml, 8),
        ]
    );
}

#[test]
fn errors_name_place_and_cause() {
    for (text, message) in [
        ("a: 1\n---\nb: 'c\n", "line 3, column 4: not valid YAML: unclosed quote"),
        ("a:\n\tb: 1\n", "line 2, column 2: not valid YAML: tabs disallowed within this context (block indentation)"),
        ("a: b\n---x\n", "line 2, column 1: only a comment may follow `---` on its line, not `x`"),
        ("a: 1\n---\n\n- b\n", "line 4, column 1: a Kubernetes object is a map, and this document is a list"),
        ("{\"a\": 1}\n 7\n", "line 2, column 2: a Kubernetes object is a map, and this document is a number"),
        ("a: !!int x", "line 1, column 10: `x` is not a !!int"),
        ("a: [b, .INF]", "line 1, column 8: `.inf` is not a number that JSON has; as text it needs quotes"),
        (
            "a: é\u{7}",
            "line 1, column 5: the character U+0007 is not allowed in YAML; in double quotes it can be written as an escape",
        ),
        (
            "a: \"\u{2028}\"",
            "line 1, column 5: the character U+2028 would be a line break for kubectl; write it as an escape in double quotes",
        ),
        ("a: 1\n...\nb: 2", "line 3, column 1: the document ended before this; separate documents by a line `---`"),
        ("a: &x\n  b: *x", "line 2, column 6: this alias is inside the node it stands for"),
        ("a: *x", "line 1, column 4: not valid YAML: while parsing node, found unknown anchor"),
        ("a:\n  <<: 1", "line 2, column 7: `<<` merges a map or a list of maps only"),
        ("~: 1", "line 1, column 1: null cannot be the key of a map"),
        ("a: [http://b/?c]", "line 1, column 5: text with a `?` needs quotes inside brackets"),
        ("{\"a\": 1} {\"b\": 2} {\"c\": }", "line 1, column 25: not valid JSON: expected value"),
        ("{\"a\": [1,\n", "line 2, column 1: not valid JSON: EOF while parsing a value"),
        (
            "{a: \"b\"\n c: 1}",
            "line 2, column 2: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), message, "{text:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_place() {
    let error = dkron_ha::documents::read(b"a: 1\nb: \xc3\xa9\xff").unwrap_err();
    assert_eq!((error.at.line, error.at.column, error.cause), (2, 5, Cause::NotUtf8));
}
