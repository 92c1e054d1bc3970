//! What the child starts with.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::wrapped::Wrapped;

/// The line of `/proc/self/status` that begins with `name`.
fn status<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("a line").trim()
}

/// Signals 32 to 34 belong to the C libraries; glibc has children that it spawns ignore its own two.
const OF_THE_C_LIBRARY: u64 = 0b111 << 31;

fn assert_all_default(status_file: &str) {
    for name in ["SigBlk", "SigIgn", "SigCgt"] {
        let mask = u64::from_str_radix(status(status_file, name), 16).expect("a mask");
        assert_eq!(mask & !OF_THE_C_LIBRARY, 0, "{name}: {mask:x}");
    }
}

#[test]
fn no_signal_is_blocked_ignored_or_caught() {
    assert_all_default(&Wrapped::run(&["cat", "/proc/self/status"]).ended().stdout);
}

/// Words that start a program with inherited masks, where coreutils has them.
const MASKED: [&str; 3] = ["env", "--block-signal=TERM,USR1,CHLD", "--ignore-signal=HUP,USR2,PIPE,CHLD"];

fn masks_can_be_set() -> bool {
    let able = Command::new(MASKED[0]).args(&MASKED[1..]).arg("true").output().is_ok_and(|out| out.status.success());
    if !able {
        println!("skipped: env cannot block signals here");
    }
    able
}

#[test]
fn masks_that_the_runtime_left_are_cleared_for_the_child() {
    if masks_can_be_set() {
        let ended = Wrapped::run(&["cat", "/proc/self/status"]).under(&MASKED).ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_all_default(&ended.stdout);
    }
}

#[test]
fn a_term_blocked_by_the_runtime_still_arrives() {
    if masks_can_be_set() {
        let running =
            Wrapped::shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done").under(&MASKED).start();
        running.wait_for("stdout", "ready");
        running.signal(Signal::TERM);
        assert_eq!(running.ended().code, Some(7));
    }
}

#[test]
fn directory_variables_streams_and_group_are_the_programs_own() {
    let script = "cat; pwd; echo $GREETING >&2; cut -d' ' -f5 /proc/$$/stat /proc/$PPID/stat";
    let running = Wrapped::shell(script).env("GREETING", "hello").input("from stdin\n").start();
    let directory = fs::canonicalize(running.path("")).expect("a directory");
    let ended = running.ended();
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[..2], ["from stdin", directory.to_str().expect("text")]);
    assert!(ended.stderr.contains("hello"));
    // A child in a group of its own could not read from the terminal.
    assert_eq!(lines[2], lines[3], "process groups");
}

#[test]
fn the_first_word_stays_and_the_file_is_executed_in_its_own_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("dkron");
    // `ls` and `cat` may be one program with many names, so the shell tells of itself. Copied by another process: a
    // descriptor of ours, open for writing, would live on in whatever a neighbouring test starts, and the file stay busy.
    let shell = fs::canonicalize("/bin/sh").expect("a shell");
    let copied = Command::new("cp").arg(shell).arg(&place).status().expect("cp");
    assert!(copied.success());
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    let ended = Wrapped::run(&["dkron", "-c", "echo $0; readlink /proc/$$/exe"]).env("PATH", path).ended();
    assert_eq!(ended.stdout, format!("dkron\n{}\n", place.display()));
}

#[test]
fn links_of_services_are_kept_from_the_child() {
    let links =
        [("DKRON_RPC_PORT", "tcp://10.0.0.9:80"), ("DKRON_RPC_SERVICE_HOST", "10.0.0.9"), ("X_PORT", "tcp://1:2")];
    let wrapped = links.iter().fold(Wrapped::run(&["env"]), |wrapped, (name, value)| wrapped.env(name, value));
    let ended = wrapped.ended();
    assert!(!ended.stdout.contains("DKRON_RPC_PORT"), "{}", ended.stdout);
    assert!(ended.stdout.contains("DKRON_RPC_SERVICE_HOST=10.0.0.9") && ended.stdout.contains("X_PORT=tcp://1:2"));
    assert!(ended.stderr.contains("DKRON_RPC_PORT"), "{}", ended.stderr);
}
