//! Orphans: processes whose parent ended, re-parented to the program.

use std::time::Duration;

use rustix::process::Signal;

use crate::processes::children;
use crate::wrapped::{Running, Wrapped, until, until_within};

/// As many as a default run makes; `DKRON_HA_ORPHANS` for more.
const ORPHANS: u32 = 2000;

/// Script that leaves orphans behind, tells, and waits for TERM.
pub fn script(orphans: u32) -> String {
    format!(
        "trap 'exit 3' TERM
         i=0; while [ $i -lt {orphans} ]; do (: &); i=$((i+1)); done
         echo done; while :; do sleep 0.05; done"
    )
}

/// Number of orphans to make.
pub fn number() -> u32 {
    std::env::var("DKRON_HA_ORPHANS").ok().and_then(|text| text.parse().ok()).unwrap_or(ORPHANS)
}

/// Waits until the child has left its orphans behind: a busy machine makes some hundreds in a second.
pub fn wait_for_all(running: &Running) {
    let patience = Duration::from_secs(20 + u64::from(number()) / 200);
    until_within(patience, Duration::from_millis(10), "all orphans", || running.file("stdout").contains("done"));
}

/// Number of orphans that the program says it reaped.
pub fn reaped(stderr: &str) -> u32 {
    let number = stderr.lines().find_map(|line| line.split_once("orphans reaped: "));
    number.and_then(|(_, number)| number.parse().ok()).expect("a number of orphans")
}

#[test]
fn every_orphan_is_reaped_while_the_child_runs() {
    let running = Wrapped::shell(&script(number())).start();
    wait_for_all(&running);
    until("the child is alone", || children(running.pid()).len() == 1);
    running.signal(Signal::TERM);
    let ended = running.ended();
    assert_eq!(ended.code, Some(3));
    println!("{} orphans reaped", reaped(&ended.stderr));
    assert_eq!(reaped(&ended.stderr), number());
}

#[test]
fn orphans_are_reaped_while_peers_are_waited_for() {
    // A process that was started in the container from outside (kubectl exec) and left an orphan behind: made by a shell
    // that becomes the program.
    let running = Wrapped::script("sleep 0.5 & exec \"$0\" run -- sleep 600")
        .env("DKRON_HA_ROLE", "server")
        .env("DKRON_HA_PEERS", crate::names::unresolvable("a-9"))
        .env("DKRON_HA_WRAPPER_PORT", crate::fake_dkron::free_port().to_string())
        .start();
    running.wait_for("stderr", "waiting for all first servers");
    until("no child is left", || children(running.pid()).is_empty());
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(143));
}

#[test]
fn the_end_of_the_child_is_the_end_whatever_else_runs() {
    let started = std::time::Instant::now();
    let ended = Wrapped::shell("sleep 30 & sleep 30 & exit 4").ended();
    assert_eq!(ended.code, Some(4));
    assert!(started.elapsed().as_secs() < 20, "waited for somebody else's processes");
}
