//! The order of a start: gossip, join, HTTP and RPC, and what can be seen between.

use std::net::UdpSocket;
use std::thread;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use super::Check;
use super::calls;
use super::node::{Ground, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("serves nothing but gossip before it has joined", 3, 4, blocked),
    ("is not held up by an empty list, nor by --join", 3, 4, unblocked),
    ("hangs when its attempts to join are used up", 3, 4, exhausted),
    ("without a leader says so", 3, 4, leaderless),
    ("takes a member in its start for the leader", 4, 4, false_leader),
    ("shows an address that it was told until it tells its own", 3, 4, told_address),
    ("does not form a cluster of fewer than expected", 3, 4, too_few),
    ("has plugins, which outlive a kill", 4, 4, plugins),
];

fn blocked(subject: &Subject) -> Result<(), Failed> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let ground = Ground::new(subject);
        let mut node = ground.server(1, 1, &[9], &[]);
        until(seconds(5), || node.listens(8946).then_some(())).ok_or("no gossip")?;
        assert!(UdpSocket::bind(format!("{}:8946", node.address)).is_err(), "nobody hears datagrams");
        thread::sleep(seconds(2));
        assert!(!node.listens(8080) && !node.listens(6868), "it serves before it has joined");
        // Nobody handles signals yet: there is no leave.
        node.signal(signal);
        assert_eq!(node.end(seconds(2)), Some(128 + signal as i32));
    }
    Ok(())
}

fn unblocked(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nowhere = format!("--join={}", ground.address(9));
    for (host, words) in [(1, &["--server"][..]), (2, &["--server", &nowhere]), (3, &["--server", "--retry-join="])] {
        let node = ground.start(host, host, words);
        assert!(node.serves(seconds(6)), "{words:?}:\n{}", node.log());
    }
    let own = ground.server(4, 4, &[9, 4], &[]);
    assert!(own.serves(seconds(6)), "itself is enough:\n{}", own.log());
    Ok(())
}

fn exhausted(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut node = ground.server(1, 1, &[9], &["--retry-max=1"]);
    assert_eq!(node.end(seconds(5)), None, "it ended");
    assert!(node.listens(8946) && !node.listens(8080));
    node.signal(Signal::SIGTERM);
    assert_eq!(node.end(seconds(2)), Some(143));
    Ok(())
}

fn leaderless(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = ground.server(1, 1, &[1], &[]);
    assert!(node.serves(seconds(6)));
    until(seconds(4), || (!node.member("dkron-1")["Tags"]["rpc_addr"].is_null()).then_some(())).ok_or("no tags")?;
    let answer = node.get("/v1/leader").ok_or("no answer")?;
    assert_eq!((answer.status, answer.body.as_str()), (500, "null"));
    assert_eq!(answer.header("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("X-Whom"), "dkron-1");
    let answer = node.get("/v1/isleader").ok_or("no answer")?;
    assert_eq!((answer.status, answer.body.as_str()), (404, "\"I am a follower\""));
    assert_eq!(node.get("/health").map(|answer| answer.status), Some(200));
    let listed = calls::run(subject, &["raft", "list-peers", "--rpc-addr", &node.rpc()], &[]);
    assert_eq!((listed.code, listed.stdout.as_str()), (Some(0), "Node  ID  Address  State  Voter\n"));
    let removed = calls::remove_peer(subject, &node, "dkron-1");
    assert_eq!(removed.code, Some(1));
    assert!(removed.stdout.contains("id \"dkron-1\" was not found"), "{}", removed.stdout);
    assert!(ground.path("data-1/raft/raft.db").is_file(), "the file is there although nothing was formed");
    Ok(())
}

/// A member that is held up in its start has gossip and no address for RPC: it equals raft's leader, which is nobody.
fn false_leader(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let held_up = ground.server(1, 1, &[9], &[]);
    until(seconds(5), || held_up.listens(8946).then_some(())).ok_or("no gossip")?;
    let node = ground.server(2, 2, &[1], &[]);
    assert!(node.serves(seconds(6)));
    thread::sleep(seconds(1));
    let answer = node.get("/v1/leader").ok_or("no answer")?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["Name"], "dkron-1");
    assert!(answer.json()["Tags"]["rpc_addr"].is_null(), "{}", answer.body);
    Ok(())
}

fn told_address(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let tag = "--tag=rpc_addr=192.0.2.1:7";
    let held_up = ground.server(1, 1, &[9], &[tag]);
    until(seconds(5), || held_up.listens(8946).then_some(())).ok_or("no gossip")?;
    let node = ground.server(2, 2, &[1], &[tag]);
    assert!(node.serves(seconds(6)));
    let shows = |name: &str, address: &str| (node.member(name)["Tags"]["rpc_addr"] == address).then_some(());
    until(seconds(4), || shows("dkron-1", "192.0.2.1:7")).ok_or("not shown")?;
    assert!(node.member("dkron-1")["Tags"]["port"].is_null(), "that would make a raft server of it");
    until(seconds(4), || shows("dkron-2", &node.rpc())).ok_or("its own address does not take the place")?;
    assert_ne!(node.get("/v1/leader").map(|answer| answer.status), Some(200), "it is taken for the leader");
    Ok(())
}

fn too_few(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let first = ground.server(1, 1, &[1], &["--bootstrap-expect=3"]);
    assert!(first.serves(seconds(6)));
    let second = ground.server(2, 2, &[1], &["--bootstrap-expect=3"]);
    thread::sleep(seconds(7));
    for node in [&first, &second] {
        assert_eq!(node.leader(), None);
        assert_eq!(calls::voters(subject, node), 0);
    }
    Ok(())
}

fn plugins(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut node = ground.server(1, 1, &[1], &["--bootstrap-expect=1"]);
    assert!(node.serves(seconds(6)));
    let group = node.pid();
    let mut names = plugins_of(group.as_raw());
    names.sort();
    assert_eq!(names, ["http", "shell"]);
    node.kill();
    thread::sleep(seconds(1));
    assert_eq!(plugins_of(group.as_raw()).len(), 2, "they are gone with dkron");
    let mut again = ground.server(1, 1, &[1], &["--bootstrap-expect=1"]);
    assert!(again.serves(seconds(6)), "{}", again.log());
    let group = again.pid().as_raw();
    again.signal(Signal::SIGTERM);
    assert_eq!(again.end(seconds(4)), Some(0));
    assert!(until(seconds(3), || plugins_of(group).is_empty().then_some(())).is_some(), "a proper end leaves some");
    Ok(())
}

/// The subcommands of the processes of a group that are not the agent.
fn plugins_of(group: i32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let plugin = |entry: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, of) = (fields.next()?, fields.nth(1)?);
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let subcommand = line.split('\0').nth(1)?.to_owned();
        (state != "Z" && of == group.to_string() && subcommand != "agent").then_some(subcommand)
    };
    processes.filter_map(plugin).collect()
}
