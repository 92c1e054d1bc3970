//! Configuration files, read and merged by the wrapper and judged by whole parsers: whatever the parser takes, the wrapper
//! reads alike as far as it reads at all, and a merged text says the same and one thing more.
//!
//! Texts are put together from lines that are easy and lines that are traps; most of them are broken, and then nothing may
//! panic.

use dkron_ha::documents;
use dkron_ha::init::config::{Format, INTERVAL, KEY, Merged, Value, merge};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json};

const YAML: [&str; 64] = [
    "server: true",
    "node-name: a-0 # name",
    "Bind-Addr: 0.0.0.0:8946",
    "bootstrap-expect: 3",
    "data-dir: '/d''d'",
    "encrypt: \"a\\\"b\\\\c==\"",
    "http-addr: \":8080\"",
    "retry-join:",
    "- a-0.a",
    "- \"b # c\"",
    "  - c:8946",
    "  - 'd' # e",
    "join: [x, 'y', \"z,\", ]",
    "join2: [x,",
    "  y, [z]",
    "]",
    "tags:",
    "  dc: x",
    "  reconcileinterval: 9s",
    "  server: false",
    "tags2: {a: b, c: {d: e}}",
    "tags3: {a: b,",
    " c: d}",
    "mail-payload: |",
    "mail-folded: >-",
    "  text: of a mail",
    "    # no comment",
    "mail-subject: \"over",
    "  two lines\"",
    "plain: over",
    "  two lines",
    "url: http://a:1/#b",
    "empty:",
    "nothing: ~",
    "number: 007",
    "float: 1.50",
    "underscore: 1_000",
    "'quoted key': x",
    "\"escaped\\tkey\": x",
    "reconcileinterval: 5s",
    "ReconcileInterval: 6s",
    "\"reconcileinterval\": 7s",
    "anchor: &a x",
    "alias: *a",
    "base: &b",
    "<<: *b",
    "tagged: !!str 5",
    "? complex",
    ": value",
    "bad: x: y",
    "# comment",
    "  # deeper comment",
    "# reconcileinterval: 8s",
    "",
    "   ",
    "---",
    "--- # begin",
    "...",
    "--- {a: b, server: true}",
    "{a: b, \"c\":\"d\", e: [f]}",
    "{a: b,",
    "c: 'd'}",
    "{}",
    "- item",
];

const TOML: [&str; 36] = [
    "server = true",
    "node-name = \"a-0\" # name",
    "\"Bind-Addr\" = '0.0.0.0:8946'",
    "bootstrap-expect=3",
    "data-dir = \"/d\\\"d\"",
    "encrypt = 'a\\b'",
    "retry-join = [\"a\", 'b']",
    "join = [",
    "  \"x\", # first",
    "  \"y, z\",",
    "]",
    "empty = []",
    "numbers = [1, 2]",
    "port = 6868",
    "big = 1_000",
    "hex = 0xff",
    "float = 1.5",
    "date = 2026-01-02",
    "payload = \"\"\"",
    "server = false",
    "\"\"\"",
    "literal = '''x",
    "y'''",
    "quotes = \"\"\"a\"\"\"\"\"",
    "tags.dc = \"x\"",
    "inline = { a = 1, reconcileinterval = \"9s\" }",
    "reconcileinterval = \"5s\"",
    "ReconcileInterval = '6s'",
    "# reconcileinterval = \"8s\"",
    "[tags]",
    "[[list]]",
    "reconcileinterval.x = 1",
    "",
    "  indented = true",
    "# comment",
    "unicode = \"\\u0061\"",
];

const JSON: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "\n",
    " ",
    "\"server\": true",
    "\"Node-Name\":\"a-0\"",
    "\"data-dir\" : \"/d\\\"d\\\\\"",
    "\"retry-join\": [\"a\", \"b,c\"]",
    "\"join\": [1, [2]]",
    "\"tags\": {\"a\": \"b\", \"reconcileinterval\": 1}",
    "\"expect\": 3",
    "\"float\": -1.5e3",
    "\"none\": null",
    "\"unicode\": \"\\u00e9\\ud83d\\ude00 é\"",
    "\"reconcileinterval\": \"5s\"",
    "\"RECONCILEINTERVAL\": 6",
    "\"\\u0072econcileinterval\": 7",
    "\"#\": \"// no comment\"",
    "\"\"",
    "true",
];

/// The root of a text as a whole parser reads it; `None` if it refuses the text or the root is no mapping.
fn parsed(format: Format, text: &str) -> Option<Map<String, Json>> {
    let read = match format {
        Format::Yaml => {
            // kubectl takes a file that begins with a brace for JSON, dkron does not.
            let begin =
                if text.trim_start_matches(['\u{feff}', ' ', '\r', '\n']).starts_with('{') { "---\n" } else { "" };
            let documents = documents::read([begin, text].concat().as_bytes()).ok()?;
            match documents.first() {
                Some(first) => serde_json::from_str(&first.json).ok()?,
                None => Json::Object(Map::new()),
            }
        }
        Format::Json => serde_json::from_str(text).ok()?,
        _ => serde_json::to_value(toml::from_str::<toml::Table>(text).ok()?).ok()?,
    };
    match read {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

/// Whether the wrapper's reading of a value is the parser's.
fn agrees(value: &Value, parsed: &Json) -> bool {
    let scalar = |text: &str, parsed: &Json| match parsed {
        Json::String(string) => string == text,
        Json::Number(number) => number.to_string() == text,
        Json::Bool(truth) => text == if *truth { "true" } else { "false" },
        _ => false,
    };
    match (value, parsed) {
        (Value::Unread, _) | (Value::Null, Json::Null) => true,
        (Value::Scalar(text), parsed) => scalar(text, parsed),
        (Value::List(items), Json::Array(list)) => {
            items.len() == list.len() && items.iter().zip(list).all(|(item, parsed)| scalar(item, parsed))
        }
        _ => false,
    }
}

/// What was found of a text; the test fails where the wrapper and the parser differ.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Broken,
    Own,
    Refused,
    Merged,
}

fn judge(format: Format, text: &str) -> Found {
    let values = format.read(text).values;
    let merged = merge(format, text);
    let Some(original) = parsed(format, text) else { return Found::Broken };
    for (key, value) in values.keys() {
        let mut alike = original.iter().filter(|(name, _)| name.to_lowercase() == key);
        assert!(alike.any(|(_, parsed)| agrees(value, parsed)), "{key}: {value:?} in\n{text}");
    }
    if values.is_complete() {
        // Tables of TOML are none of the root's keys.
        let table = |parsed: &Json| {
            parsed.is_object() || parsed.as_array().is_some_and(|list| list.iter().any(Json::is_object))
        };
        let keys = original.iter().filter(|(_, parsed)| format != Format::Toml || !table(parsed));
        let missed = keys.map(|(name, _)| name).find(|name| values.get(&name.to_lowercase()).is_none());
        assert_eq!(missed, None, "in\n{text}");
    }
    match merged {
        Merged::Refused(_) => Found::Refused,
        Merged::Own => {
            assert!(original.keys().any(|name| name.to_lowercase() == KEY), "no such key in\n{text}");
            Found::Own
        }
        Merged::Text(merged) => {
            let mut expected = original;
            assert!(expected.insert(KEY.to_owned(), INTERVAL.into()).is_none(), "set twice in\n{merged}");
            let mut read = parsed(format, &merged).unwrap_or_else(|| panic!("broken by the merge:\n{merged}"));
            expected.sort_keys();
            read.sort_keys();
            assert_eq!(read, expected, "from\n{text}\nto\n{merged}");
            Found::Merged
        }
    }
}

fn lines(pool: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line_end = prop_oneof![9 => Just("\n"), 1 => Just("\r\n")];
    let start = prop_oneof![12 => Just(""), 1 => Just("\u{feff}"), 1 => Just("# first\n\n"), 1 => Just("---\n")];
    let indent = prop_oneof![9 => Just(""), 1 => Just("  ")];
    (start, vec(select(pool), 0..9), indent, line_end, any::<bool>()).prop_map(
        |(start, mut lines, indent, line_end, end)| {
            // dkron refuses a file with a key that stands there twice; the parser here does not.
            let mut seen = Vec::new();
            lines.retain(|line| {
                let key = line.split_once(':').map(|(key, _)| key.replace('"', ""));
                let first = key.as_ref().is_none_or(|key| !seen.contains(key));
                seen.extend(key);
                first
            });
            let lines: Vec<String> = lines.iter().map(|line| format!("{indent}{line}")).collect();
            [start, &lines.join(line_end), if end { line_end } else { "" }].concat()
        },
    )
}

/// Judges as many texts as `DKRON_HA_TEXTS` says, and shows that every outcome was met.
fn judge_many(format: Format, texts: &impl Strategy<Value = String>) {
    let cases = std::env::var("DKRON_HA_TEXTS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4000);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let met = std::cell::RefCell::new([0u32; 4]);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let judged = runner.run(texts, |text| {
        met.borrow_mut()[judge(format, &text) as usize] += 1;
        Ok(())
    });
    judged.unwrap_or_else(|failure| panic!("{failure}"));
    let [broken, own, refused, merged] = met.into_inner();
    println!("{format:?}: {merged} merged, {own} with a key of their own, {refused} refused, {broken} broken");
    assert!(own > 0 && merged > cases / 50, "the texts show too little");
}

#[test]
fn yaml_is_read_and_merged_as_a_parser_would() {
    judge_many(Format::Yaml, &lines(&YAML));
}

#[test]
fn toml_is_read_and_merged_as_a_parser_would() {
    judge_many(Format::Toml, &lines(&TOML));
}

#[test]
fn json_is_read_and_merged_as_a_parser_would() {
    let members = vec(select(&JSON[8..22]), 0..6).prop_map(|members| format!("{{\n {}\n}}", members.join(",\n ")));
    let pieces = vec(select(&JSON[..]), 0..9).prop_map(|pieces| pieces.concat());
    judge_many(Format::Json, &prop_oneof![members, pieces]);
}

#[test]
fn texts_that_people_write_are_merged() {
    let table = [
        (Format::Yaml, "", "reconcileinterval: 1s\n"),
        (Format::Yaml, "# only this", "# only this\nreconcileinterval: 1s\n"),
        (Format::Yaml, "---\n# x\n  server: true\n", "---\n# x\n  reconcileinterval: 1s\n  server: true\n"),
        (Format::Yaml, "server: true\r\n", "reconcileinterval: 1s\r\nserver: true\r\n"),
        (Format::Yaml, "{server: true}", "{reconcileinterval: 1s,server: true}"),
        (Format::Yaml, "{ }\n", "{reconcileinterval: 1s }\n"),
        (Format::Yaml, "a: b\n---\nc: d\n", "reconcileinterval: 1s\na: b\n---\nc: d\n"),
        (Format::Json, " {}", " {\"reconcileinterval\": \"1s\"}"),
        (Format::Json, "{\n  \"a\": 1\n}\n", "{\"reconcileinterval\": \"1s\",\n  \"a\": 1\n}\n"),
        (Format::Toml, "", "reconcileinterval = \"1s\"\n"),
        (Format::Toml, "[tags]\na = 1\n", "reconcileinterval = \"1s\"\n[tags]\na = 1\n"),
        (Format::Toml, "\u{feff}a = 1\n", "\u{feff}reconcileinterval = \"1s\"\na = 1\n"),
    ];
    for (format, text, expected) in table {
        assert_eq!(merge(format, text), Merged::Text(expected.to_owned()), "{text}");
        judge(format, text);
    }
}

#[test]
fn what_cannot_be_merged_safely_is_refused_with_a_reason() {
    let table = [
        (Format::Yaml, "&a\nserver: true\n"),
        (Format::Yaml, "!!map\nserver: true\n"),
        (Format::Yaml, "--- &a\nserver: true\n"),
        (Format::Yaml, "- server\n"),
        (Format::Yaml, "---\n---\nserver: true\n"),
        (Format::Yaml, "base: &b\n  reconcileinterval: 5s\n<<: *b\n"),
        (Format::Json, "[]"),
        (Format::Json, "{\"a\": 1,}"),
        (Format::Toml, "a\nreconcileinterval = 1\n"),
        (Format::Foreign, "server = true\n"),
    ];
    for (format, text) in table {
        assert!(matches!(merge(format, text), Merged::Refused(why) if !why.is_empty()), "{text}");
    }
}
