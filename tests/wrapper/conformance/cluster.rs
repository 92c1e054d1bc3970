//! A cluster of three: how it forms, what it lists, who may remove whom, how its leadership is handed over.

use std::thread;

use libtest_mimic::Failed;

use super::Check;
use super::calls::{self, peers, remove_peer, voters};
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("lists its peers in a table", 3, 4, table),
    ("removes a peer at the leader only", 3, 4, removal),
    ("hands over by TimeoutNow", 3, 4, hand_over),
    ("shows everybody alive, from every server", 3, 4, members),
];

/// `size` servers started one after another, with one leader that all know, and all of them voters.
///
/// # Errors
/// It did not form.
pub fn formed(ground: &Ground, size: u8, words: &[&str]) -> Result<Vec<Node>, Failed> {
    let expect = format!("--bootstrap-expect={size}");
    let words = [&[expect.as_str()], words].concat();
    let mut nodes = Vec::new();
    for host in 1..=size {
        let node = ground.server(host, host, &[1], &words);
        if !node.serves(seconds(15)) {
            return Err(format!("{} never served HTTP:\n{}", node.name, node.log()).into());
        }
        nodes.push(node);
    }
    let complete = || {
        let agreed = nodes.iter().all(|node| node.leader().is_some());
        (agreed && voters(ground.subject, &nodes[0]) == usize::from(size)).then_some(())
    };
    if until(seconds(25), complete).is_none() {
        let logs: String = nodes.iter().map(Node::log).collect();
        return Err(format!("no leader of {size} voters:\n{logs}").into());
    }
    Ok(nodes)
}

/// The leader and one that follows.
pub fn leader_and_follower(nodes: &[Node]) -> Result<(&Node, &Node), Failed> {
    let leader = until(seconds(10), || nodes.iter().find(|node| node.leads())).ok_or("nobody leads")?;
    let follower = nodes.iter().find(|node| node.name != leader.name).ok_or("nobody follows")?;
    Ok((leader, follower))
}

fn table(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &[])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    for node in [leader, follower] {
        let run = calls::run(subject, &["raft", "list-peers", "--rpc-addr", &node.rpc()], &[]);
        let address = |node: &Node| node.rpc();
        let width = nodes.iter().map(|node| address(node).len()).max().unwrap_or(0).max(7);
        let first = run.stdout.lines().next().unwrap_or_default();
        assert_eq!(first, format!("Node     ID       {:width$}  State     Voter", "Address"));
        assert_eq!(run.code, Some(0));
        let mut rows: Vec<&str> = run.stdout.lines().skip(1).collect();
        rows.sort_unstable();
        for (row, listed) in rows.iter().zip(&nodes) {
            let state = if listed.name == leader.name { "leader" } else { "follower" };
            let name = &listed.name;
            assert_eq!(*row, format!("{name}  {name}  {:width$}  {state:8}  true", address(listed)));
        }
        assert_eq!(rows.len(), 3);
    }
    Ok(())
}

fn removal(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &[])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    let unknown = "rpc error: code = Unknown desc = id \"nobody\" was not found in the Raft configuration\n";
    for node in [leader, follower] {
        let run = remove_peer(subject, node, "nobody");
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), unknown));
        assert!(run.stderr.contains("method=RaftRemovePeerByID"), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("Error: {}", unknown.trim_end())), "{}", run.stderr);
    }
    let run = remove_peer(subject, follower, &follower.name);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "rpc error: code = Unknown desc = node is not the leader\n"));
    let run = remove_peer(subject, leader, &follower.name);
    assert_eq!(run.code, Some(0));
    match subject.generation {
        3 => assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("Peer removed\n", "")),
        _ => assert!(run.stdout.is_empty() && run.stderr.ends_with("level=info msg=\"Peer removed\"\n"), "{run:?}"),
    }
    assert_eq!(voters(subject, leader), 2);
    // Who was removed knows it, and hears the leader no more.
    until(seconds(5), || follower.leader().is_none().then_some(())).ok_or("the removed one still has a leader")?;
    assert!(!peers(subject, follower).iter().any(|peer| peer[1] == follower.name));
    // A name that is gone is unknown.
    assert_eq!(remove_peer(subject, leader, &follower.name).code, Some(1));
    Ok(())
}

fn hand_over(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &[])?;
    // A follower whose log lags loses its election: then the next attempt counts.
    for _ in 0..4 {
        let (_, follower) = leader_and_follower(&nodes)?;
        let answer = calls::timeout_now(follower)?;
        assert_eq!(answer, b"\xa0\x83\xa4Addr\xc0\xa2ID\xc0\xafProtocolVersion\x00");
        if until(seconds(1), || follower.leads().then_some(())).is_some() {
            until(seconds(3), || nodes.iter().all(|node| node.leader().as_ref() == Some(&follower.name)).then_some(()))
                .ok_or("not everybody knows the new leader")?;
            return Ok(());
        }
        thread::sleep(seconds(3));
    }
    Err("no hand-over in four attempts".into())
}

fn members(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &[])?;
    for asked in &nodes {
        for other in &nodes {
            let member = asked.member(&other.name);
            assert_eq!(member["Addr"], other.address.as_str());
            assert_eq!((&member["Status"], &member["statusText"]), (&1.into(), &"alive".into()));
            assert_eq!(member["Tags"]["rpc_addr"], other.rpc().as_str());
        }
    }
    Ok(())
}
