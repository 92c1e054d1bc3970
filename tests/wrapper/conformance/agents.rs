//! Agents: that they never find servers again which they have lost, what brings them together, and how they end.

use std::net::SocketAddr;
use std::thread;

use dkron_ha::init::dkron::introduce::introduce;
use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use super::Check;
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("as an agent, serves no HTTP and is listed without the server's tag", 3, 4, listed),
    ("as an agent, never finds servers that have moved, unless it is introduced", 3, 4, moved),
    ("is introduced to nobody where gossip is encrypted", 3, 4, encrypted),
    ("as an agent, leaves on TERM and waits for its job", 4, 4, waits),
    ("as an agent, ends on TERM without waiting for its leave", 3, 4, idle),
];

const KEY: &str = "--encrypt=MDEyMzQ1Njc4OWFiY2RlZg==";

fn server(ground: &Ground, host: u8, words: &[&str]) -> Result<Node, Failed> {
    let node = ground.server(1, host, &[host], &[&["--bootstrap-expect=1"], words].concat());
    until(seconds(15), || node.leads().then_some(())).ok_or_else(|| format!("it does not lead:\n{}", node.log()))?;
    Ok(node)
}

fn agent(ground: &Ground, server: &Node, words: &[&str]) -> Result<Node, Failed> {
    let join = format!("--retry-join={}", server.address);
    let agent = ground.start(9, 9, &[&[join.as_str(), "--tag=here=yes"], words].concat());
    sees(server, &agent).ok_or_else(|| format!("it does not join:\n{}", agent.log()))?;
    // It listens to signals once its start is over.
    until(seconds(10), || agent.listens(6868).then_some(())).ok_or("no gRPC")?;
    thread::sleep(seconds(1));
    Ok(agent)
}

/// Waits until the server sees the agent alive.
fn sees(server: &Node, agent: &Node) -> Option<()> {
    until(seconds(10), || (server.member(&agent.name)["Status"] == 1).then_some(()))
}

fn serf(node: &Node) -> SocketAddr {
    format!("{}:8946", node.address).parse().expect("an address")
}

fn listed(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let server = server(&ground, 1, &[])?;
    let agent = agent(&ground, &server, &[])?;
    assert!(!agent.listens(8080));
    let complete = || Some(server.member(&agent.name)).filter(|member| member["Tags"]["rpc_addr"] == agent.rpc());
    let member = until(seconds(10), complete).ok_or("no address for jobs")?;
    assert_eq!(member["Addr"], agent.address);
    assert_ne!(member["Tags"]["server"], "true");
    Ok(())
}

fn moved(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut old = server(&ground, 1, &[])?;
    let agent = agent(&ground, &old, &[])?;
    old.kill();
    // Another name, so that nobody has to wait until the one from before is free.
    let join = ground.address(2);
    let new = ground.start(2, 2, &["--server", "--bootstrap-expect=1", &format!("--retry-join={join}")]);
    until(seconds(15), || new.leads().then_some(())).ok_or("it does not lead")?;
    thread::sleep(seconds(12));
    assert_ne!(new.member(&agent.name)["Status"], 1, "it found it by itself");
    introduce(serf(&agent), serf(&new), seconds(5)).map_err(|error| error.to_string())?;
    sees(&new, &agent).ok_or("the server does not see the agent")?;
    thread::sleep(seconds(8));
    assert_eq!(new.member(&agent.name)["Status"], 1, "it did not stay");
    Ok(())
}

fn encrypted(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let server = server(&ground, 1, &[KEY])?;
    let agent = agent(&ground, &server, &[KEY])?;
    let refused = introduce(serf(&agent), serf(&server), seconds(5));
    assert_eq!(refused.map_err(|error| error.kind()), Err(std::io::ErrorKind::InvalidData));
    assert!(sees(&server, &agent).is_some());
    Ok(())
}

fn waits(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let server = server(&ground, 1, &[])?;
    let mut agent = agent(&ground, &server, &[])?;
    let job = r#"{"name":"long","schedule":"@every 1h","tags":{"here":"yes:1"},"executor":"shell",
        "executor_config":{"shell":"true","command":"sleep 8"}}"#;
    assert_eq!(server.post("/v1/jobs", job).map(|answer| answer.status), Some(201));
    // It answers when the job has ended.
    thread::scope(|scope| {
        scope.spawn(|| server.post("/v1/jobs/long/run", ""));
        let runs = || server.get("/v1/busy").filter(|busy| busy.json().as_array().is_some_and(|list| list.len() == 1));
        until(seconds(5), || runs().map(drop)).ok_or("the job does not run")?;
        agent.signal(Signal::SIGTERM);
        let left = || (server.member(&agent.name)["Status"] == 3).then_some(());
        until(seconds(4), left).ok_or("it does not leave while its job runs")?;
        assert!(agent.end(seconds(1)).is_none(), "it does not wait for its job");
        assert_eq!(agent.end(seconds(15)), Some(0));
        Ok::<(), Failed>(())
    })?;
    let well = || {
        let list = server.get("/v1/jobs/long/executions")?.json();
        list.as_array()?.iter().any(|execution| execution["success"] == true).then_some(())
    };
    until(seconds(5), well).ok_or("it is not recorded as a success")?;
    Ok(())
}

fn idle(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let server = server(&ground, 1, &[])?;
    let mut agent = agent(&ground, &server, &[])?;
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.end(seconds(3)), Some(0));
    Ok(())
}
