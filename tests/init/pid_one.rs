//! The program as a real PID 1.

use rustix::process::{Pid, Signal, kill_process};

use crate::namespaces::pid_namespace;
use crate::orphans::{number, reaped, script, wait_for_all};
use crate::processes::children;
use crate::wrapped::{Running, Wrapped, until};

/// The program, seen from outside: the one child of `unshare`.
pub fn pid_one(running: &Running) -> Pid {
    let mut found = None;
    until("PID 1", || {
        found = children(running.pid()).first().map(|(pid, _)| *pid);
        found.is_some()
    });
    found.expect("PID 1")
}

#[test]
fn it_is_pid_1_and_passes_the_childs_code_on() {
    let Some(namespace) = pid_namespace() else { return };
    for (script, code) in [("echo parent $PPID; exit 42", 42), ("kill -KILL $$", 137), ("exit 0", 0)] {
        let ended = Wrapped::shell(script).under(&namespace).ended();
        assert_eq!(ended.code, Some(code), "{script}: {}", ended.stderr);
        assert!(code != 42 || ended.stdout == "parent 1\n", "{}", ended.stdout);
    }
}

#[test]
fn as_pid_1_it_reaps_orphans_and_passes_term_on() {
    let Some(namespace) = pid_namespace() else { return };
    let running = Wrapped::shell(&script(number())).under(&namespace).start();
    let init = pid_one(&running);
    wait_for_all(&running);
    until("the child is alone", || children(init).len() == 1);
    kill_process(init, Signal::TERM).expect("PID 1 lives");
    let ended = running.ended();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    println!("{} orphans reaped as PID 1", reaped(&ended.stderr));
    assert_eq!(reaped(&ended.stderr), number());
}

#[test]
fn as_pid_1_it_ends_with_its_child_and_takes_the_rest_along() {
    let Some(namespace) = pid_namespace() else { return };
    let ended = Wrapped::shell("sleep 600 & exit 8").under(&namespace).ended();
    assert_eq!(ended.code, Some(8));
}

#[test]
fn a_child_that_dies_of_a_signal_as_any_process_would() {
    // PID 1 itself is spared signals without a handler; its child must not be.
    let Some(namespace) = pid_namespace() else { return };
    let running = Wrapped::run(&["sleep", "600"]).under(&namespace).start();
    let init = pid_one(&running);
    until("the child runs", || !children(init).is_empty());
    kill_process(init, Signal::USR1).expect("PID 1 lives");
    assert_eq!(running.ended().code, Some(128 + Signal::USR1.as_raw()));
}
