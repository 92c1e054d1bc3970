//! Files as people write them.

use super::*;

#[test]
fn keys_in_front_of_the_first_table_are_read() {
    let text = "# dkron\nserver = true # a server\n\"node-name\"='a\\b'\ndata-dir = \"/d\\\"x\"\nbootstrap-expect=3\n\
                rpc-port = 6_868\nretry-join = [\n  \"a\", # first\n  'b',\n]\njoin = []\nmail-payload = \"\"\"\nserver = false\n\"\"\"\"\n\
                literal = '''\nserver = false'''\ntags.dc = \"x\"\ninline = { server = false }\nfloat = 1.5\n\n[tags]\nserver = false\n";
    let read = read(text).values;
    assert!(read.is_complete());
    let scalar = |text: &str| Value::Scalar(text.to_owned());
    let keys: Vec<_> = read.keys().map(|(key, value)| (key, value.clone())).collect();
    let expected = [
        ("server", scalar("true")),
        ("node-name", scalar("a\\b")),
        ("data-dir", scalar("/d\"x")),
        ("bootstrap-expect", scalar("3")),
        ("rpc-port", Value::Unread),
        ("retry-join", Value::List(vec!["a".into(), "b".into()])),
        ("join", Value::List(vec![])),
        ("mail-payload", Value::Unread),
        ("literal", Value::Unread),
        ("tags", Value::Unread),
        ("inline", Value::Unread),
        ("float", Value::Unread),
    ];
    assert_eq!(keys, expected);
}

#[test]
fn what_is_not_understood_is_not_guessed() {
    for text in
        ["a = 1\nb\n", "a = 1\nb =\n", "a = 1\nb = \"x\n", "a = 1\nb = [1\n", "a = 1 c = 2\n", "a = 1\n= 2\n", "a: 1\n"]
    {
        assert!(!read(text).values.is_complete(), "{text}");
    }
    for text in ["", "# nothing\n", "[tags]\na = 1\n", "[[x]]\n"] {
        let read = read(text).values;
        assert_eq!((read.keys().count(), read.is_complete()), (0, true), "{text}");
    }
}
