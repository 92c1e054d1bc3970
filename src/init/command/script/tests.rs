//! Scripts as people write them.

use super::super::arguments::{Word as Said, flag};
use super::*;

fn environment() -> Environment {
    let said = [("HOSTNAME", "a-1"), ("POD_IP", "10.0.0.2"), ("OPTIONS", "--x --y")];
    Environment::of(said.map(|(k, v)| (k.into(), v.into())))
}

/// The text with `--join` and `--bootstrap-expect` exchanged.
fn exchanged(text: &str) -> Option<String> {
    let appended = ["--join=[fd00::1]:8946".to_owned(), "--bootstrap-expect=0".to_owned()];
    Some(Script::read(text, &environment())?.rewritten(&[flag::JOIN, flag::BOOTSTRAP_EXPECT], &appended))
}

const NEW: &str = " '--join=[fd00::1]:8946' '--bootstrap-expect=0'";

#[test]
fn flags_are_exchanged_and_nothing_else_changes() {
    // (text, text with @ where the new flags stand)
    let table = [
        ("dkron agent", "dkron agent@"),
        ("exec dkron agent --server\n", "exec dkron agent --server@\n"),
        ("dkron agent --join a --ui; sleep 1", "dkron agent   --ui@; sleep 1"),
        ("dkron agent --join=\"a b\"&\nwait $!", "dkron agent @&\nwait $!"),
        ("/opt/local/dkron/dkron agent --server >/log 2>&1", "/opt/local/dkron/dkron agent --server >/log 2>&1@"),
        ("cd /x && ./dkron --join=a agent --ui || exit 1", "cd /x && ./dkron  agent --ui@ || exit 1"),
        ("dkron agent \\\n  --server \\\n  --join=a\nexit", "dkron agent \\\n  --server \\\n  @\nexit"),
        ("dkron agent --bootstrap-expect $SIZE --ui", "dkron agent   --ui@"),
        ("dkron agent --server $expect \"$joins\" &", "dkron agent --server $expect \"$joins\"@ &"),
        ("(dkron agent --node-name=\"$(hostname)\" --join `peers`)", "(dkron agent --node-name=\"$(hostname)\"  @)"),
        ("# dkron agent --join=x\ndkron agent # --join=y", "# dkron agent --join=x\ndkron agent@ # --join=y"),
        ("echo \"dkron agent\"; dkron agent --tag 'a;b'", "echo \"dkron agent\"; dkron agent --tag 'a;b'@"),
        ("dkron agent -- --join=a", "dkron agent@ -- --join=a"),
        ("n=$((n + 1)); dkron agent", "n=$((n + 1)); dkron agent@"),
        ("dkron version; dkron agent", "dkron version; dkron agent@"),
        ("if ! dkron agent --join=a; then exit 3; fi", "if ! dkron agent @; then exit 3; fi"),
    ];
    for (text, expected) in table {
        assert_eq!(exchanged(text), Some(expected.replace('@', NEW)), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_left_alone() {
    let table = [
        "",
        "/start.sh",
        "dkron",
        "dkron agents",
        "su -c 'dkron agent'",
        "dkron agent; dkron agent",
        "cat <<E\ndkron agent\nE",
        "dkron agent --tag 'a",
        "dkron agent --tag \"a",
        "dkron agent --tag \"$(echo 'a')\"",
        "dkron agent --tag $(a $(b))",
        "eval dkron\\ agent",
        "agent dkron",
    ];
    for text in table {
        assert_eq!(exchanged(text), None, "{text}");
    }
}

#[test]
fn values_are_what_the_shell_will_make_of_them() {
    let table = [
        ("a", Said::Is("a")),
        ("'a b'", Said::Is("a b")),
        ("\"a\\\"b\"", Said::Is("a\"b")),
        ("a\\ b", Said::Is("a b")),
        ("$HOSTNAME", Said::Is("a-1")),
        ("x-${HOSTNAME}.y", Said::Is("x-a-1.y")),
        ("\"$POD_IP:8946\"", Said::Is("10.0.0.2:8946")),
        ("'$POD_IP'", Said::Is("$POD_IP")),
        ("\"$OPTIONS\"", Said::Is("--x --y")),
        ("$OPTIONS", Said::Unreadable),
        ("$NOWHERE", Said::Unreadable),
        ("${HOSTNAME%-*}", Said::Unreadable),
        ("$(hostname)", Said::Unreadable),
        ("$1", Said::Unreadable),
    ];
    for (value, expected) in table {
        for between in ["=", " "] {
            let script = Script::read(&format!("dkron agent --node-name{between}{value} --ui"), &environment());
            let script = script.expect(value);
            assert_eq!(script.arguments().value(flag::NODE_NAME), expected, "{value}");
            assert!(script.arguments().has("ui"), "{value}");
        }
    }
    let set = Script::read("HOSTNAME=b; dkron agent --node-name $HOSTNAME", &environment()).expect("script");
    assert_eq!(set.arguments().value(flag::NODE_NAME), Said::Unreadable);
}

#[test]
fn no_text_breaks_the_reading() {
    let pieces =
        ["dkron", " agent", "\"", "'", "$", "$(", "${", "`", ")", "}", "\\", "\n", "é", " --join", "=", "#", "<"];
    let mut state = 7u64;
    for _ in 0..20_000 {
        let mut text = String::from("dkron agent ");
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[usize::try_from(state >> 33).expect("number") % pieces.len()]);
        }
        if let Some(changed) = exchanged(&text) {
            assert!(changed.contains(NEW), "{text}");
        }
    }
}
