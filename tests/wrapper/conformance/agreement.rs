//! How raft's members follow serf's: by a timer, by who lives and who left, and what is lost with a majority.

use std::thread;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use super::Check;
use super::calls::{peers, remove_peer, voters};
use super::cluster::{formed, leader_and_follower};
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("follows who comes and leaves each reconcileinterval", 3, 4, timer),
    ("knows no variable for reconcileinterval", 4, 4, no_variable),
    ("knows a variable for reconcileinterval", 3, 3, variable),
    ("keeps who failed as a voter", 3, 4, failed_voter),
    ("of two voters, stays leaderless when one leaves", 3, 4, two_voters),
    ("of two voters, goes on when one was removed and leaves", 3, 4, removed_first),
    ("of two voters, is lost when the leader removes itself", 3, 4, self_removal),
    ("does not remove the last voter", 3, 4, last_voter),
    ("elects another when the leader dies", 3, 4, election),
    ("takes no second cluster from an empty disk", 4, 4, empty_disk),
];

fn short(ground: &Ground) -> String {
    format!("--config={}", ground.write("short.yml", "reconcileinterval: 2s\n"))
}

fn timer(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let short = short(&ground);
    let first = ground.server(1, 1, &[1], &["--bootstrap-expect=1", &short]);
    until(seconds(10), || first.leads().then_some(())).ok_or("it does not lead")?;
    let others = [ground.server(2, 2, &[1], &[&short]), ground.server(3, 3, &[1], &[&short])];
    until(seconds(9), || (voters(subject, &first) == 3).then_some(())).ok_or("not three voters")?;
    others.iter().find_map(|node| node.get("/health")).ok_or("no HTTP")?;
    until(seconds(5), || (others[0].leader().as_deref() == Some("dkron-1")).then_some(())).ok_or("unheard")?;
    let left = others[1].post("/v1/leave", "").ok_or("no answer")?;
    assert_eq!(left.status, 200);
    until(seconds(5), || (voters(subject, &first) == 2).then_some(())).ok_or("who left is still a voter")?;
    Ok(())
}

fn no_variable(subject: &Subject) -> Result<(), Failed> {
    assert_eq!(voters_with_variable(subject)?, 1);
    Ok(())
}

fn variable(subject: &Subject) -> Result<(), Failed> {
    assert_eq!(voters_with_variable(subject)?, 2);
    Ok(())
}

/// How many voters there are some seconds after a second server joined a leader with `DKRON_RECONCILEINTERVAL`.
fn voters_with_variable(subject: &Subject) -> Result<usize, Failed> {
    let ground = Ground::new(subject);
    let words = ["--server", "--bootstrap-expect=1"];
    let first = ground.start_with(1, 1, &words, &[("DKRON_RECONCILEINTERVAL", "1s")]);
    until(seconds(10), || first.leads().then_some(())).ok_or("it does not lead")?;
    let second = ground.server(2, 2, &[1], &[]);
    assert!(second.serves(seconds(6)));
    thread::sleep(seconds(7));
    Ok(voters(subject, &first))
}

fn failed_voter(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[&short(&ground)])?;
    let follower = nodes.iter().position(|node| !node.leads()).ok_or("nobody follows")?;
    let mut dead = nodes.remove(follower);
    dead.kill();
    let status = || (nodes[0].member(&dead.name)["Status"] == 4).then_some(());
    until(seconds(20), status).ok_or("it does not count as failed")?;
    assert_eq!(nodes[0].member(&dead.name)["statusText"], "failed");
    thread::sleep(seconds(5));
    let (leader, _) = leader_and_follower(&nodes)?;
    assert_eq!(voters(subject, leader), 3);
    let row = peers(subject, leader).into_iter().find(|peer| peer[1] == dead.name);
    assert_eq!(row.map(|row| row[0].clone()), Some(dead.name.clone()));
    Ok(())
}

fn two_voters(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 2, &[&short(&ground)])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    assert_eq!(follower.post("/v1/leave", "").map(|answer| answer.status), Some(200));
    until(seconds(5), || leader.leader().is_none().then_some(())).ok_or("it still leads")?;
    for _ in 0..8 {
        thread::sleep(seconds(1));
        assert_eq!(leader.leader(), None);
    }
    assert_eq!(voters(subject, leader), 2);
    Ok(())
}

fn removed_first(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    // Without the short timer: who is alive and removed would come back with it.
    let nodes = formed(&ground, 2, &[])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    assert_eq!(remove_peer(subject, leader, &follower.name).code, Some(0));
    assert_eq!(follower.post("/v1/leave", "").map(|answer| answer.status), Some(200));
    for _ in 0..4 {
        thread::sleep(seconds(1));
        assert!(leader.leads());
    }
    assert_eq!(voters(subject, leader), 1);
    Ok(())
}

fn self_removal(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 2, &[])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    assert_eq!(remove_peer(subject, leader, &leader.name).code, Some(0));
    thread::sleep(seconds(6));
    for _ in 0..4 {
        assert_eq!((leader.leader(), follower.leader()), (None, None));
        thread::sleep(seconds(1));
    }
    assert_eq!((voters(subject, leader), voters(subject, follower)), (1, 2));
    Ok(())
}

fn last_voter(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = super::answers::alone(&ground)?;
    let run = remove_peer(subject, &node, "dkron-1");
    let says = "rpc error: code = Unknown desc = need at least one voter in configuration: {[]}\n";
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), says));
    assert!(node.leads());
    Ok(())
}

fn election(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let leads = nodes.iter().position(Node::leads).ok_or("nobody leads")?;
    let mut dead = nodes.remove(leads);
    dead.signal(Signal::SIGKILL);
    dead.end(seconds(2)).ok_or("KILL was not enough")?;
    until(seconds(8), || nodes.iter().any(Node::leads).then_some(())).ok_or("nobody leads")?;
    assert_eq!(voters(subject, &nodes[0]), 3);
    Ok(())
}

fn empty_disk(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let follower = nodes.iter().position(|node| !node.leads()).ok_or("nobody follows")?;
    let mut lost = nodes.remove(follower);
    lost.kill();
    let host: u8 = lost.name.trim_start_matches("dkron-").parse()?;
    std::fs::remove_dir_all(ground.path(&format!("data-{host}")))?;
    let others: Vec<u8> = (1..=3).filter(|other| *other != host).collect();
    let back = ground.server(host, host, &others, &["--bootstrap-expect=3"]);
    let (leader, _) = leader_and_follower(&nodes)?;
    until(seconds(15), || (back.leader().as_ref() == Some(&leader.name)).then_some(())).ok_or("it hears no leader")?;
    assert_eq!(voters(subject, leader), 3);
    assert!(!back.leads());
    Ok(())
}
