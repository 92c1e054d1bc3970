//! The program as PID 1 in a root directory with nothing else in it: no shell, no `/proc`, no `/dev`. Its child is the program itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use crate::namespaces::pid_namespace;
use crate::orphans::{number, reaped};
use crate::pid_one::pid_one;
use crate::processes::children;
use crate::wrapped::{Running, Wrapped, program, until};

/// The program in that directory.
const PROGRAM: &str = "/dkron-ha-init";

/// What kills a process that does not catch it. PIPE does not kill this one.
const DEADLY: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::ALARM, Signal::TERM, Signal::VTALARM, Signal::SYS];

/// A root with the program; where that is not static, with the libraries that it names.
fn root() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let program = program();
    let named = Command::new("ldd").arg(&program).output().map(|output| output.stdout).unwrap_or_default();
    let named = String::from_utf8(named).expect("text");
    let libraries: Vec<_> = named.split_whitespace().filter(|word| word.starts_with('/')).collect();
    let copies = libraries.iter().map(|library| (*library, *library)).chain([(&*program, PROGRAM)]);
    for (from, to) in copies {
        let to = root.path().join(&to[1..]);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
        // By another process, so that no descriptor of ours keeps the file busy.
        assert!(Command::new("cp").args(["-L", from]).arg(to).status().expect("cp").success());
    }
    println!("in the root beside the program: {} libraries", libraries.len());
    root
}

/// The program there, with these arguments, after this piece of shell outside.
fn inside(namespace: &[&str], root: &Path, before: &str, arguments: &[&str]) -> Wrapped {
    let script = format!("{before} exec chroot '{}' {PROGRAM} \"$@\"", root.display());
    Wrapped::with(arguments).under(&[namespace, &["sh", "-c", &script]].concat())
}

/// The program there with a child that runs until a signal ends it: it writes into a pipe that is full.
fn with_a_child(namespace: &[&str], root: &Path) -> Running {
    let full = "mkfifo full; exec 3<>full; dd if=/dev/zero of=full bs=4096 oflag=nonblock 2>/dev/null;";
    let running = inside(namespace, root, &format!("{full} exec >&3;"), &["run", "--", PROGRAM, "--help"]).start();
    running.wait_for("stderr", "starting the command as it is written");
    until("the child waits", || {
        let children = children(pid_one(&running));
        children.iter().any(|(pid, state)| {
            let exe = fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            exe.ends_with("--help\0") && *state == 'S'
        })
    });
    running
}

#[test]
fn exit_codes_in_a_root_with_nothing_else() {
    let Some(namespace) = pid_namespace() else { return };
    let root = root();
    let table: [(&[&str], i32); 7] = [
        (&["run", "--", PROGRAM, "--version"], 0),
        (&["run", "--", PROGRAM, "start"], 64),
        // Without /proc nobody finds its own file.
        (&["run", "--", PROGRAM, "install", "/copy"], 73),
        (&["run", "--", "/nothing"], 127),
        (&["run", "--", "/"], 126),
        (&["run", "--find-dkron", "--", "agent"], 127),
        (&["start"], 64),
    ];
    for (arguments, code) in table {
        let ended = inside(&namespace, root.path(), "", arguments).ended();
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    }
    let wrong = inside(&namespace, root.path(), "", &["run", "--", PROGRAM]).env("INITIAL_CLUSTER_SIZE", "three");
    assert_eq!(wrong.ended().code, Some(78));
    for signal in DEADLY {
        let running = with_a_child(&namespace, root.path());
        kill_process(pid_one(&running), signal).expect("PID 1 lives");
        let ended = running.ended();
        assert_eq!(ended.code, Some(128 + signal.as_raw()), "{signal:?}: {}", ended.stderr);
    }
}

#[test]
fn orphans_and_signals_in_a_root_with_nothing_else() {
    let Some(namespace) = pid_namespace() else { return };
    let root = root();
    let running = with_a_child(&namespace, root.path());
    let init = pid_one(&running);
    // As `kubectl exec` does, with programs that are not in that root.
    let user: &[&str] = if namespace.contains(&"--user") { &["--user", "--preserve-credentials"] } else { &[] };
    let orphans = number();
    let made = Command::new("nsenter")
        .args(user)
        .args(["--pid", "--target", &init.as_raw_nonzero().to_string(), "sh", "-c"])
        .arg(format!("i=0; while [ $i -lt {orphans} ]; do (: &); i=$((i+1)); done"))
        .status();
    assert!(made.expect("nsenter").success());
    until("the child is alone", || children(init).len() == 1);
    // The child ignores these as any program does.
    for _ in 0..crate::signals::number() {
        kill_process(init, Signal::URG).expect("PID 1 lives");
    }
    kill_process(init, Signal::TERM).expect("PID 1 lives");
    let ended = running.ended();
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    println!("{} orphans reaped", reaped(&ended.stderr));
    assert_eq!(reaped(&ended.stderr), orphans);
}
