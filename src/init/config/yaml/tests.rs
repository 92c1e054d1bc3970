//! Files as people write them.

use super::*;

fn scalar(text: &str) -> Value {
    Value::Scalar(text.to_owned())
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).to_owned()).collect())
}

fn values(text: &str) -> Values {
    read(text).values
}

#[test]
fn keys_of_the_root_are_read() {
    let text = "# dkron\n---\nserver: true   # a server\nNode-Name: 'a''b'\ndata-dir: \"/d\\\"x\"\nbind-addr: 0.0.0.0:8946\n\
                bootstrap-expect: 3\nrpc-port : 007\nempty:\nnothing: ~\nurl: http://x/#y\n\"quoted key\": -1\n\
                retry-join:\n- a\n- \"b c\" # d\n\n- 'c'\njoin: [a, 'b', \"c,d\"]\ntags:\n  dc: x\n  server: false\n\
                mail-payload: |\n  server: false\n\n  # text\n  more\nlog-level: debug\n";
    let read = values(text);
    assert!(read.is_complete());
    let keys: Vec<_> = read.keys().map(|(key, value)| (key, value.clone())).collect();
    let expected = [
        ("server", scalar("true")),
        ("node-name", scalar("a'b")),
        ("data-dir", scalar("/d\"x")),
        ("bind-addr", scalar("0.0.0.0:8946")),
        ("bootstrap-expect", scalar("3")),
        ("rpc-port", Value::Unread),
        ("empty", Value::Null),
        ("nothing", Value::Null),
        ("url", scalar("http://x/#y")),
        ("quoted key", Value::Unread),
        ("retry-join", list(&["a", "b c", "c"])),
        ("join", list(&["a", "b", "c,d"])),
        ("tags", Value::Unread),
        ("mail-payload", Value::Unread),
        ("log-level", scalar("debug")),
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_value_over_several_lines_hides_no_key_and_makes_none() {
    let table = [
        ("a: \"x\nserver: false\n\"\nserver: true\n", Value::Unread),
        ("a: [x,\n  y\n]\nserver: true\n", list(&["x", "y"])),
        ("a: {x: 1,\n server: false}\nserver: true\n", Value::Unread),
        ("a: x\n  y\nserver: true\n", Value::Unread),
        ("a:\n  x\nserver: true\n", Value::Unread),
        ("a: >-\n  x\nserver: true", Value::Unread),
        ("a: !!str x\nserver: true", Value::Unread),
        ("a: &x\n  b: c\nserver: true", Value::Unread),
        ("a:\n  - x\n  - b: c\n    d: e\nserver: true", Value::Unread),
        ("a:\n# no value\nserver: true", Value::Null),
        ("a: #\r\n- x\r\nserver: true\r\n", list(&["x"])),
        ("  a: x\n  server: true\n", scalar("x")),
    ];
    for (text, expected) in table {
        let read = values(text);
        assert!(read.is_complete(), "{text}");
        assert_eq!((read.get("a"), read.get("server")), (Some(&expected), Some(&scalar("true"))), "{text}");
        assert_eq!(read.keys().count(), 2, "{text}");
    }
}

#[test]
fn a_mapping_in_braces_is_read() {
    for text in [
        "{a: b, server: true, join: [x, y], tags: {z: 1}, none: }",
        "---\n{\n  \"a\": \"b\", # c\n  'server': true,\n  join: [x,\n y], tags: {z: [1]}, none\n}\n...\n",
        "--- {a: b,server: true,join: [x,y],tags: {},none: null,}\n",
    ] {
        let read = values(text);
        let keys: Vec<_> = read.keys().map(|(key, value)| (key, value.clone())).collect();
        let expected = [
            ("a", scalar("b")),
            ("server", scalar("true")),
            ("join", list(&["x", "y"])),
            ("tags", Value::Unread),
            ("none", Value::Null),
        ];
        assert_eq!(keys, expected, "{text}");
        assert!(read.is_complete(), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_not_guessed() {
    // (text, keys that are sure)
    let table: [(&str, &[&str]); 9] = [
        ("a: b\n  c: d\ne: f\n", &["a", "e"]),
        ("a: b\n? e\n: f\n", &["a"]),
        ("a: 'b\n", &["a"]),
        ("a: [b\n", &["a"]),
        ("a: b\nc\n", &["a"]),
        ("a: b\n\tc: d\n", &["a"]),
        ("a: b: c\nd: e\n", &["a"]),
        ("a: b\n<<: *x\nc: d\n", &["a"]),
        ("{a: b\n", &[]),
    ];
    for (text, sure) in table {
        let read = values(text);
        assert_eq!(read.keys().map(|(key, _)| key).collect::<Vec<_>>(), sure, "{text}");
        assert_eq!(read.is_complete(), text.starts_with("a: b\n  c"), "{text}");
    }
    for text in [
        "- a\n",
        "[a]\n",
        "&x\na: b\n",
        "!!map\na: b\n",
        "text\n",
        "---\n---\na: b\n",
        "%YAML 1.1\na: b\n",
        "a: b\rc: d\r",
    ] {
        assert!(matches!(read(text).root, Root::Other(_)), "{text}");
        assert!(!values(text).is_complete(), "{text}");
    }
}

#[test]
fn only_the_first_document_counts() {
    for text in ["a: b\n---\nc: d\n", "a: b\n...\nc: d\n", "---\na: b\n--- {c: d}\n", "{a: b}\n---\n{c: d}\n"] {
        let read = values(text);
        assert!(read.is_complete(), "{text}");
        assert_eq!(read.keys().map(|(key, _)| key).collect::<Vec<_>>(), ["a"], "{text}");
    }
}
