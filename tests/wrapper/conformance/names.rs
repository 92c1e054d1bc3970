//! Names and addresses: whose a name is, when it is free again, and what becomes of two with one name.

use std::time::Instant;

use libtest_mimic::Failed;

use super::Check;
use super::cluster::{formed, leader_and_follower};
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("frees the name of one that left at once", 3, 4, left),
    ("holds the name of one that was killed for a while", 3, 4, killed),
    ("becomes a zombie under a name that lives elsewhere", 3, 4, zombie),
    ("keeps its name when it comes back to its address", 3, 4, same_address),
];

/// The number of `node`, and the numbers of the others.
fn numbers(node: &Node) -> Result<(u8, Vec<u8>), Failed> {
    let own = node.name.trim_start_matches("dkron-").parse()?;
    Ok((own, (1..=3).filter(|other| *other != own).collect()))
}

fn is_alive_at(asked: &Node, name: &str, address: &str) -> Option<()> {
    let member = asked.member(name);
    (member["Status"] == 1 && member["Addr"] == address).then_some(())
}

fn follower_of(nodes: &mut Vec<Node>) -> Result<Node, Failed> {
    let (_, follower) = leader_and_follower(nodes)?;
    let name = follower.name.clone();
    let at = nodes.iter().position(|node| node.name == name).ok_or("it is gone")?;
    Ok(nodes.remove(at))
}

fn left(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let mut leaving = follower_of(&mut nodes)?;
    assert_eq!(leaving.post("/v1/leave", "").map(|answer| answer.status), Some(200));
    leaving.kill();
    let (number, others) = numbers(&leaving)?;
    let back = ground.server(number, number + 10, &others, &[]);
    for node in &nodes {
        until(seconds(4), || is_alive_at(node, &back.name, &back.address))
            .ok_or("it is not alive at its new address")?;
    }
    Ok(())
}

fn killed(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let mut dead = follower_of(&mut nodes)?;
    let begun = Instant::now();
    dead.kill();
    until(seconds(20), || (nodes[0].member(&dead.name)["Status"] == 4).then_some(())).ok_or("it does not fail")?;
    assert!(begun.elapsed() > seconds(2), "{:?}", begun.elapsed());
    until(seconds(10), || (nodes[1].member(&dead.name)["Status"] == 4).then_some(())).ok_or("it does not fail")?;
    let (number, others) = numbers(&dead)?;
    let back = ground.server(number, number + 10, &others, &[]);
    assert!(back.serves(seconds(5)), "it joins, although its name is not free");
    let free = until(seconds(90), || is_alive_at(&nodes[0], &back.name, &back.address));
    let took = begun.elapsed();
    free.ok_or_else(|| format!("not alive at its new address after {took:?}:\n{}", back.log()))?;
    assert!(took > seconds(25), "free after {took:?} already");
    Ok(())
}

fn zombie(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let living = follower_of(&mut nodes)?;
    let (number, others) = numbers(&living)?;
    std::fs::create_dir(ground.path("other"))?;
    let data = format!("--data-dir={}", ground.path("other").display());
    let newcomer = ground.server(number, number + 10, &others, &[&data]);
    let down = || newcomer.log().contains("Serf shutdown detected, quitting").then_some(());
    until(seconds(12), down).ok_or_else(|| format!("its serf goes on:\n{}", newcomer.log()))?;
    assert_eq!(newcomer.get("/health").map(|answer| answer.status), Some(200));
    assert_eq!(newcomer.get("/v1/isleader").map(|answer| answer.status), Some(404));
    assert_eq!(newcomer.leader(), None);
    until(seconds(3), || (!newcomer.listens(8946)).then_some(())).ok_or("gossip goes on")?;
    for node in &nodes {
        is_alive_at(node, &living.name, &living.address).ok_or("the living one has lost its name")?;
    }
    Ok(())
}

fn same_address(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let mut dead = follower_of(&mut nodes)?;
    let (number, others) = numbers(&dead)?;
    dead.kill();
    let back = ground.server(number, number, &others, &[]);
    until(seconds(8), || back.leader().map(drop)).ok_or("it hears no leader")?;
    until(seconds(3), || is_alive_at(&nodes[0], &back.name, &back.address)).ok_or("it is not alive")?;
    Ok(())
}
