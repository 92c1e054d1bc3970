//! A terminal in front of the program, as `kubectl run -it` gives.

use std::process::Command;

use crate::wrapped::{Wrapped, program};

#[test]
fn control_c_reaches_the_child_once() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: no `script` to make a terminal");
        return;
    }
    // The terminal itself signals program and child; passing the signal on would make it two.
    let child =
        "trap 'echo heard INT | tee -a heard' INT; trap 'exit 6' TERM; echo up > up; while :; do sleep 0.02; done";
    let there = |file: &str| format!("until [ -s {file} ]; do sleep 0.02; done");
    let hands = format!("{}; printf '\\003'; {}; sleep 0.3; kill -TERM $(cat pid)", there("up"), there("heard"));
    let terminal = "script -qec 'echo $$ > pid; exec \"$PROGRAM\" run -- sh -c \"$CHILD\"' /dev/null";
    let ended = Wrapped::script(&format!("{{ {hands}; }} | {terminal}"))
        .env("PROGRAM", program())
        .env("CHILD", child)
        .env("SHELL", "/bin/sh")
        .ended();
    assert_eq!(ended.code, Some(6), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout.matches("heard INT").count(), 1, "{}", ended.stdout);
}
