//! How a node goes: by a leave, twice, by the command line, by signals, with and without a job.

use std::time::Instant;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use super::Check;
use super::answers::alone;
use super::calls::{peers, run};
use super::cluster::{formed, leader_and_follower};
use super::node::{Ground, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("leaves within seconds, and lives on as nobody", 3, 4, leave),
    ("leaves by the command line", 3, 4, command),
    ("ends at once by a signal", 3, 4, signals),
    ("waits for its own commands when it is told to end", 4, 4, busy_end),
    ("leads on for a while when the leader leaves", 3, 4, leader_leaves),
];

fn leave(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = formed(&ground, 3, &[])?;
    let follower = nodes.iter().position(|node| !node.leads()).ok_or("nobody follows")?;
    let mut leaving = nodes.remove(follower);
    let begun = Instant::now();
    let answer = leaving.post("/v1/leave", "").ok_or("no answer")?;
    let took = begun.elapsed().as_secs_f64();
    assert_eq!(answer.status, 200);
    assert!((1.0..4.0).contains(&took), "{took} s");
    // What is answered: the servers that it knows by their joining, which need not be all.
    let remaining = answer.json();
    for server in remaining["global"].as_array().into_iter().flatten() {
        assert_ne!(server["Name"], leaving.name.as_str(), "{remaining}");
        assert_eq!((&server["Port"], &server["ID"]), (&6868.into(), &server["Name"]));
    }
    for node in &nodes {
        let left = || (node.member(&leaving.name)["statusText"] == "left").then_some(());
        until(seconds(2), left).ok_or("others do not know that it left")?;
        assert_eq!(node.member(&leaving.name)["Status"], 3);
    }
    assert!(!leaving.listens(8946), "gossip is over");
    let leader = leaving.get("/v1/leader").ok_or("no answer")?;
    assert_eq!((leader.status, leader.body.as_str()), (500, "null"));
    assert_eq!(leaving.get("/v1/isleader").map(|answer| answer.status), Some(404));
    assert_eq!(leaving.get("/health").map(|answer| answer.status), Some(200));
    let jobs = if subject.generation == 3 { 200 } else { 500 };
    assert_eq!(leaving.get("/v1/jobs").map(|answer| (answer.status, answer.body)), Some((jobs, String::new())));
    assert_eq!(peers(subject, &leaving).len(), 3);
    assert!(peers(subject, &leaving).iter().all(|peer| peer[3] == "follower"));
    // Once more is an error.
    let again = leaving.post("/v1/leave", "").ok_or("no answer")?;
    assert_eq!((again.status, again.header("Content-Type")), (500, "text/plain; charset=utf-8"));
    assert!(again.body.starts_with('{'), "{}", again.body);
    let again = run(subject, &["leave", "--rpc-addr", &leaving.rpc()], &[]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(1), "rpc error: code = Unknown desc = database closed\n"));
    leaving.signal(Signal::SIGTERM);
    assert_eq!(leaving.end(seconds(3)), Some(0));
    Ok(())
}

fn command(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut node = alone(&ground)?;
    let left = run(subject, &["leave", &format!("--rpc-addr={}", node.rpc())], &[]);
    assert_eq!((left.code, left.stdout.as_str()), (Some(0), ""));
    match subject.generation {
        3 => assert_eq!(left.stderr, ""),
        _ => assert!(left.stderr.ends_with("level=info msg=\"Left the cluster successfully\"\n"), "{left:?}"),
    }
    assert_eq!(node.member("dkron-1")["statusText"], "left");
    assert_eq!(node.end(seconds(1)), None, "the process ended");
    // There is nobody left to tell about.
    let again = node.post("/v1/leave", "").ok_or("no answer")?;
    assert_eq!((again.status, again.body.as_str()), (500, "{}"));
    Ok(())
}

fn signals(subject: &Subject) -> Result<(), Failed> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let ground = Ground::new(subject);
        let mut node = alone(&ground)?;
        let begun = Instant::now();
        node.signal(signal);
        assert_eq!(node.end(seconds(5)), Some(0));
        assert!(begun.elapsed() < seconds(2), "{signal}: {:?}", begun.elapsed());
        let log = node.log();
        assert!(log.contains("Caught signal: ") && !log.contains("Serf shutdown detected"), "it left:\n{log}");
    }
    Ok(())
}

fn busy_end(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut node = alone(&ground)?;
    let job = r#"{"name":"long","schedule":"@every 1s","concurrency":"forbid","executor":"shell",
        "executor_config":{"command":"sleep 6","shell":"true"}}"#;
    assert_eq!(node.post("/v1/jobs", job).map(|answer| answer.status), Some(201));
    let runs = || node.get("/v1/busy").filter(|answer| answer.header("X-Total-Count") == "1");
    let busy = until(seconds(4), runs).ok_or("the job does not run")?.json();
    assert_eq!((&busy[0]["job_name"], &busy[0]["node_name"]), (&"long".into(), &"dkron-1".into()));
    assert_eq!(busy[0]["finished_at"], "0001-01-01T00:00:00Z");
    node.signal(Signal::SIGTERM);
    assert_eq!(node.end(seconds(2)), None, "it did not wait");
    assert_eq!(node.end(seconds(10)), Some(0));
    Ok(())
}

fn leader_leaves(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &[])?;
    let (leader, _) = leader_and_follower(&nodes)?;
    assert_eq!(leader.post("/v1/leave", "").map(|answer| answer.status), Some(200));
    let others: Vec<_> = nodes.iter().filter(|node| node.name != leader.name).collect();
    until(seconds(6), || others.iter().any(|node| node.leads()).then_some(())).ok_or("nobody leads")?;
    // The new leader's first look removes who has left.
    until(seconds(4), || (peers(subject, others[0]).len() == 2).then_some(())).ok_or("who left is still a voter")?;
    Ok(())
}
