//! Signals reach the child, all of them, and the child alone.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::processes::{children, descendants};
use crate::wrapped::{Wrapped, until, until_within};

/// Every signal that can be caught, but those that tell of a fault of the program itself (ILL, BUS, FPE, SEGV) and CHLD.
const PASSED_ON: [Signal; 24] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TRAP,
    Signal::ABORT,
    Signal::USR1,
    Signal::USR2,
    Signal::PIPE,
    Signal::ALARM,
    Signal::TERM,
    Signal::STKFLT,
    Signal::CONT,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::URG,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALARM,
    Signal::PROF,
    Signal::WINCH,
    Signal::IO,
    Signal::POWER,
    Signal::SYS,
];

#[test]
fn every_signal_reaches_the_child_and_only_the_child() {
    let numbers = PASSED_ON.map(|signal| signal.as_raw().to_string()).join(" ");
    // The grandchild is in the same group, as dkron's plugins and jobs are.
    let script = format!(
        "listen() {{ for s in {numbers}; do trap \"echo $1 $s >> heard\" $s; done; echo $1 >> ready; }}
         (listen grandchild; while :; do sleep 0.02; done) &
         listen child; while :; do sleep 0.02; done"
    );
    let running = Wrapped::shell(&script).start();
    until("both listen", || running.file("ready").lines().count() == 2);
    for signal in PASSED_ON {
        running.signal(signal);
        running.wait_for("heard", &format!("child {}\n", signal.as_raw()));
    }
    let heard = running.file("heard");
    let expected = PASSED_ON.map(|signal| format!("child {}", signal.as_raw()));
    assert_eq!(heard.lines().collect::<Vec<_>>(), expected);
    println!("{} signals passed on", expected.len());

    for pid in descendants(running.pid()) {
        let _ = kill_process(pid, Signal::KILL);
    }
    assert_eq!(running.ended().code, Some(137));
}

/// As many as a default run sends; `DKRON_HA_SIGNALS` for more.
const SIGNALS: usize = 400;

/// Number of signals to send.
pub fn number() -> usize {
    std::env::var("DKRON_HA_SIGNALS").ok().and_then(|text| text.parse().ok()).unwrap_or(SIGNALS)
}

#[test]
fn of_many_signals_each_arrives_once_and_in_order() {
    let traps = PASSED_ON.map(|signal| format!("trap 'printf %2d {0} >> heard' {0}", signal.as_raw())).join("\n");
    // A shell that waits hears a signal at once.
    let running = Wrapped::shell(&format!("{traps}\n: > heard; sleep 600 & while :; do wait; done")).start();
    until("the child listens", || running.path("heard").exists());
    let heard = || std::fs::metadata(running.path("heard")).expect("a file").len();
    let sent: Vec<_> = PASSED_ON.into_iter().cycle().take(number()).collect();
    let started = Instant::now();
    for (number, signal) in sent.iter().enumerate() {
        running.signal(*signal);
        // Two of a kind that nobody has taken yet are one, for any process.
        let arrived = || heard() > 2 * number as u64;
        until_within(
            Duration::from_secs(10),
            Duration::from_micros(200),
            &format!("signal {number}, {signal:?}"),
            arrived,
        );
    }
    println!("{} signals passed on in {:?}", sent.len(), started.elapsed());
    let expected: String = sent.iter().map(|signal| format!("{:2}", signal.as_raw())).collect();
    assert_eq!(running.file("heard"), expected);
}

#[test]
fn a_signal_right_after_the_start_is_not_lost() {
    // However early it comes: before the child runs it ends the program itself, later the child.
    for batch in 0..60 {
        let started = (0..20).map(|nth| {
            let running = Wrapped::run(&["sleep", "600"]).start();
            std::thread::sleep(std::time::Duration::from_micros(100 * nth + batch));
            running.signal(Signal::TERM);
            running
        });
        for running in started.collect::<Vec<_>>() {
            let code = running.ended().code;
            // `None`: killed before it could catch anything, as any program.
            assert!(matches!(code, Some(143) | None), "{code:?}");
        }
    }
}

#[test]
fn a_broken_stderr_ends_neither_program_nor_child() {
    // Writing its own lines raises PIPE in the program itself; the child must not hear of it.
    let script = "exec 2>/dev/null; trap 'echo pipe >> heard' PIPE; echo ready; sleep 0.3; exit 9";
    let program = crate::wrapped::program();
    let pipeline = format!("{{ '{program}' run -- sh -c \"$SCRIPT\" 2>&1 >&3; echo $? > code; }} | true");
    let directory = tempfile::tempdir().expect("a directory");
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("exec 3>out; {pipeline}")])
        .env("SCRIPT", script)
        .current_dir(directory.path())
        .status()
        .expect("a shell");
    assert!(status.success());
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap_or_default();
    assert_eq!((read("out").as_str(), read("code").as_str(), read("heard").as_str()), ("ready\n", "9\n", ""));
}

#[test]
fn a_stopped_child_is_no_ended_child() {
    let running = Wrapped::shell("kill -STOP $$; exit 5").start();
    until("the child stopped", || children(running.pid()).iter().any(|(_, state)| *state == 'T'));
    running.signal(Signal::CONT);
    assert_eq!(running.ended().code, Some(5));
}
