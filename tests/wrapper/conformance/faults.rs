//! Faults on request: only the stand-in has them.

use std::thread;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use super::Check;
use super::calls::timeout_now;
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("dies when it hands over, on request", 3, 4, crash),
    ("refuses to take over, on request", 3, 4, refusal),
    ("does not end by TERM, on request", 3, 4, deaf),
    ("never ends its leave, on request", 3, 4, endless),
];

/// Three servers with `fault`, the first of which leads.
fn cluster(ground: &Ground, fault: &str) -> Result<Vec<Node>, Failed> {
    let config = ground.write("short.yml", "reconcileinterval: 1s\n");
    let join = format!("--retry-join={}", ground.address(1));
    let variables = [(fault, "1")];
    let start = |number: u8, expect: &str| {
        ground.start_with(number, number, &["--server", &join, "--config", &config, expect], &variables)
    };
    let first = start(1, "--bootstrap-expect=1");
    until(seconds(10), || first.leads().then_some(())).ok_or("it does not lead")?;
    let nodes = vec![first, start(2, "--bootstrap-expect=0"), start(3, "--bootstrap-expect=0")];
    let heard = || nodes.iter().all(|node| node.leader().is_some()).then_some(());
    until(seconds(10), heard).ok_or("not all are voters")?;
    Ok(nodes)
}

fn crash(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = cluster(&ground, "DKRON_STANDIN_CRASH_ON_HANDOVER")?;
    timeout_now(&nodes[1])?;
    assert_eq!(nodes[0].end(seconds(5)), Some(1));
    let says =
        "level=fatal msg=\"agent: error applying SetExecutionType\" error=\"leadership lost while committing log\"";
    assert!(nodes[0].log().contains(says), "{}", nodes[0].log());
    until(seconds(3), || nodes[1].leads().then_some(())).ok_or("nobody leads")?;
    Ok(())
}

fn refusal(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = cluster(&ground, "DKRON_STANDIN_REFUSE_HANDOVER")?;
    assert_eq!(timeout_now(&nodes[1])?.first(), Some(&0xa0));
    thread::sleep(seconds(1));
    assert!(nodes[0].leads());
    Ok(())
}

fn deaf(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = cluster(&ground, "DKRON_STANDIN_HANG_ON_TERM")?;
    nodes[1].signal(Signal::SIGTERM);
    nodes[1].signal(Signal::SIGINT);
    assert_eq!(nodes[1].end(seconds(2)), None);
    assert!(nodes[1].get("/health").is_some());
    Ok(())
}

fn endless(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = cluster(&ground, "DKRON_STANDIN_HANG_ON_LEAVE")?;
    thread::scope(|scope| {
        let leaving = scope.spawn(|| nodes[1].post("/v1/leave", ""));
        thread::sleep(seconds(4));
        assert!(!leaving.is_finished(), "it left");
        assert_eq!(nodes[0].member(&nodes[1].name)["statusText"], "alive");
        nodes[1].signal(Signal::SIGKILL);
    });
    Ok(())
}
