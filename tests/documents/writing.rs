//! What is written reads back the same, to this reader and to others.

use dkron_ha::documents::{Document, Format, read, to_yaml, write, write_yaml};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::value;

#[test]
fn objects_look_as_from_kubectl() {
    let json = r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"dkron","annotations":{"dkron-ha.io/size":"3",
        "note":"","about":"two\nlines\n"}},"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"dkron",
        "image":"dkron/dkron:4.0.1","args":["agent","--server","--bootstrap-expect=3","-c","a: b"],"env":[],
        "resources":{"limits":{"cpu":"1","memory":"128Mi"}},"command":null,"tty":false}],"x":[[1,[2]],{}]}}}}"#;
    let yaml = "\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: dkron
  annotations:
    dkron-ha.io/size: \"3\"
    note: \"\"
    about: |
      two
      lines
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: dkron
        image: dkron/dkron:4.0.1
        args:
        - agent
        - --server
        - --bootstrap-expect=3
        - -c
        - 'a: b'
        env: []
        resources:
          limits:
            cpu: \"1\"
            memory: 128Mi
        command: null
        tty: false
      x:
      - - 1
        - - 2
      - {}
";
    assert_eq!(to_yaml(json).unwrap(), yaml);
    assert_eq!(value(&read(yaml.as_bytes()).unwrap()[0].json), value(json));
}

#[test]
fn numbers_keep_their_text() {
    let json = r#"{"a":[1.10,1e3,1E+3,-0,12345678901234567890123,1.0]}"#;
    assert_eq!(to_yaml(json).unwrap(), "a:\n- 1.10\n- 1e3\n- 1E+3\n- -0\n- 12345678901234567890123\n- 1.0\n");
}

#[test]
fn texts_of_several_lines_become_blocks_where_that_is_exact() {
    for (json, yaml) in [
        (r#"{"a":"b\nc"}"#, "a: |-\n  b\n  c\n"),
        (r#"{"a":"b\n"}"#, "a: |\n  b\n"),
        (r#"{"a":"b\n\n","c":1}"#, "a: |+\n  b\n\nc: 1\n"),
        (r#"{"a":["b\n\n c\t \nd"]}"#, "a:\n- |-\n  b\n\n   c\t \n  d\n"),
        (r#"{"a":{"b":[{"c":"d\ne\n"}]}}"#, "a:\n  b:\n  - c: |\n      d\n      e\n"),
        (r#"{"a":" b\nc"}"#, "a: \" b\\nc\"\n"),
        (r#"{"a":"\nb"}"#, "a: \"\\nb\"\n"),
        (r#"{"a":"b\r\nc"}"#, "a: \"b\\r\\nc\"\n"),
        (r#"{"a\nb":1}"#, "\"a\\nb\": 1\n"),
        (r#""a\nb""#, "\"a\\nb\"\n"),
    ] {
        assert_eq!(to_yaml(json).unwrap(), yaml);
    }
}

#[test]
fn of_a_repeated_key_the_last_value_is_written() {
    assert_eq!(to_yaml(r#"{"a":1,"b":2,"a":3}"#).unwrap(), "a: 3\nb: 2\n");
}

#[test]
fn what_yaml_cannot_say_is_refused() {
    for json in ["", "{", "{} x", r#"{"a":1e400}"#, r#"{"a":"\ud800"}"#] {
        assert!(to_yaml(json).is_err(), "{json}");
    }
}

#[test]
fn a_file_is_written_as_it_was_read() {
    let json = "{\"a\": 1.10}\n{\"b\":\n2}\n";
    assert_eq!(write(&read(json.as_bytes()).unwrap()).unwrap(), json);
    let yaml = "a: 1.1\n---\nb: |+\n  x\n\n---\nc: {}\n";
    assert_eq!(write(&read(yaml.as_bytes()).unwrap()).unwrap(), yaml);
    let mixed = [("{\"a\": 1.10}", Format::Json), ("{\"b\":2}", Format::Yaml)].map(|(json, format)| Document {
        json: json.to_owned(),
        format,
        line: 1,
    });
    assert_eq!(write(&mixed).unwrap(), "a: 1.10\n---\nb: 2\n");
    assert_eq!(write(&[]).unwrap(), "");
    assert_eq!(write_yaml(["{}", "[]"]).unwrap(), "{}\n---\n[]\n");
}

/// Texts that some reader would take for another type, or for syntax.
const TRAPS: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "true",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "1",
    "-1",
    "+1",
    "012",
    "0o14",
    "0x1f",
    "0b-1",
    "1_000",
    "-_1",
    "1,000",
    "1e3",
    "1.",
    ".5",
    ".inf",
    "-.INF",
    ".nan",
    "1:30",
    "190:20:30.15",
    "2001-01-01",
    "2001-01-01 1:2:3",
    "=",
    "<<",
    "-",
    "?",
    ":",
    "- a",
    "? a",
    "a: b",
    "a:",
    "a #b",
    "#a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "'a'",
    "\"a\"",
    "[a]",
    "{a}",
    "---",
    "--- a",
    "...",
    " a",
    "a ",
    "\ta",
    "a\t",
    "a\nb",
    "a\n",
    "a\n\n",
    "\n",
    "\n\n",
    " a\nb",
    "a \n b",
    "a\n \n",
    "a\n\tb",
    "\r",
    "\r\n",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}a\nb",
    "\u{feff}",
    "\u{ffff}",
    "\u{a0}",
    "\u{1F600}",
    "\\",
    "\\n",
    "a\\\nb",
    "'\n\"",
    "a\n---\nb",
    "a\n# b\n",
    "a\n: b",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(TRAPS).prop_map(str::to_owned),
        2 => proptest::collection::vec(proptest::sample::select(TRAPS), 1..4).prop_map(|parts| parts.concat()),
        2 => proptest::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
        1 => "[ -~\\n\\t]{0,40}",
        1 => (200..1200usize).prop_map(|length| "long key ".repeat(length / 9)),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((text(), inner), 0..6).prop_map(Map::from_iter)
}

/// Equal when numbers are compared by value, all but the last digit: `serde_json` may read a float that far off.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            (left - right).abs() <= right.abs() * 1e-15
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|((name, left), (other, right))| name == other && same(left, right))
        }
        _ => left == right,
    }
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back_the_same(entries in object(json())) {
        let value = Value::from(entries);
        let yaml = to_yaml(&value.to_string()).unwrap();
        let documents = read(yaml.as_bytes()).unwrap();
        prop_assert_eq!(documents.len(), 1);
        prop_assert!(same(&crate::value(&documents[0].json), &value), "{}", yaml);
    }

    #[test]
    fn whatever_is_written_is_written_again_alike(entries in object(json())) {
        let first = to_yaml(&Value::from(entries).to_string()).unwrap();
        let second = to_yaml(&read(first.as_bytes()).unwrap()[0].json).unwrap();
        let third = to_yaml(&read(second.as_bytes()).unwrap()[0].json).unwrap();
        prop_assert_eq!(second, third);
    }
}
