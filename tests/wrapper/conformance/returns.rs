//! What comes back after everything stopped: raft's state on the disks, with the same addresses and with others.

use std::thread;

use libtest_mimic::Failed;

use super::Check;
use super::calls::{peers, voters};
use super::cluster::formed;
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("comes back with its jobs at the same addresses", 3, 4, same),
    ("comes back at new addresses by its names", 4, 4, moved),
    ("is lost at new addresses, until peers.json says them", 3, 3, peers_json),
    ("ignores what it expected once it has a log", 3, 4, alone_again),
];

const JOB: &str = r#"{"name":"kept","schedule":"@manually","executor":"shell","executor_config":{"command":"true"}}"#;

/// A cluster that was killed, all at once, after it took a job.
fn stopped(ground: &Ground) -> Result<(), Failed> {
    let mut nodes = formed(ground, 3, &[])?;
    assert_eq!(nodes[0].post("/v1/jobs", JOB).map(|answer| answer.status), Some(201));
    for node in &nodes {
        let kept = || node.get("/v1/jobs/kept").filter(|answer| answer.status == 200).map(drop);
        until(seconds(5), kept).ok_or("the job is not everywhere")?;
    }
    nodes.iter_mut().for_each(Node::kill);
    Ok(())
}

fn again(ground: &Ground, offset: u8) -> Vec<Node> {
    let hosts: Vec<u8> = (1..=3).map(|number| number + offset).collect();
    (1..=3).map(|number| ground.server(number, number + offset, &hosts, &[])).collect()
}

fn complete(subject: &Subject, nodes: &[Node]) -> Result<(), Failed> {
    let led = || nodes.iter().all(|node| node.leader().is_some()).then_some(());
    until(seconds(15), led).ok_or_else(|| nodes.iter().map(Node::log).collect::<String>())?;
    assert_eq!(voters(subject, &nodes[0]), 3);
    let kept = || nodes[2].get("/v1/jobs/kept").filter(|answer| answer.status == 200).map(drop);
    until(seconds(3), kept).ok_or("the job is lost")?;
    Ok(())
}

fn same(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    stopped(&ground)?;
    complete(subject, &again(&ground, 0))
}

fn moved(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    stopped(&ground)?;
    let nodes = again(&ground, 10);
    complete(subject, &nodes)?;
    let present = || {
        let addresses: Vec<String> = peers(subject, &nodes[0]).into_iter().map(|peer| peer[2].clone()).collect();
        nodes.iter().all(|node| addresses.contains(&node.rpc()) || node.leads()).then_some(())
    };
    until(seconds(5), present).ok_or("the leader's first look does not note the new addresses")?;
    Ok(())
}

fn peers_json(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    stopped(&ground)?;
    let mut lost = again(&ground, 10);
    assert!(lost.iter().all(|node| node.serves(seconds(10))));
    thread::sleep(seconds(8));
    assert!(lost.iter().all(|node| node.leader().is_none()), "they found each other");
    lost.iter_mut().for_each(Node::kill);
    let entry = |number: u8| {
        format!(r#"{{"id":"dkron-{number}","address":"{}:6868","non_voter":false}}"#, ground.address(number + 20))
    };
    let entries: Vec<String> = (1..=3).map(entry).collect();
    for number in 1..=3 {
        ground.write(&format!("data-{number}/raft/peers.json"), &format!("[{}]", entries.join(",")));
    }
    let nodes = again(&ground, 20);
    complete(subject, &nodes)?;
    assert!((1..=3).all(|number| !ground.path(&format!("data-{number}/raft/peers.json")).exists()), "the file is kept");
    Ok(())
}

fn alone_again(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut node = super::answers::alone(&ground)?;
    node.kill();
    let node = ground.server(1, 1, &[1], &["--bootstrap-expect=5"]);
    until(seconds(8), || node.leads().then_some(())).ok_or_else(|| node.log())?;
    assert_eq!(voters(subject, &node), 1);
    Ok(())
}
