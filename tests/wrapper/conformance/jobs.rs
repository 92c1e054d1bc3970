//! Jobs, as far as restarts are measured by them: ticks, results, and results that are lost. Only for version 4: the
//! executors of version 3 are programs beside it, which a build of dkron alone does not have.

use std::thread;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::Check;
use super::answers::alone;
use super::cluster::{formed, leader_and_follower};
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("ticks each second", 4, 4, ticks),
    ("records how a command ended", 4, 4, results),
    ("runs where the tags say", 4, 4, targets),
    ("never records the end of a command that its leader left", 4, 4, lost),
];

fn job(name: &str, schedule: &str, command: &str, tags: &Value) -> String {
    json!({"name": name, "schedule": schedule, "executor": "shell", "tags": tags,
        "executor_config": {"command": command, "shell": "true"}})
    .to_string()
}

/// The executions of a job, the newest first.
fn executions(node: &Node, job: &str) -> Vec<Value> {
    let answer = node.get(&format!("/v1/jobs/{job}/executions"));
    answer.and_then(|answer| answer.json().as_array().cloned()).unwrap_or_default()
}

fn ticks(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    assert_eq!(node.post("/v1/jobs", &job("tick", "@every 1s", "date", &Value::Null)).map(|a| a.status), Some(201));
    assert_eq!(node.post("/v1/jobs", &job("cron", "*/2 * * * * *", "date", &Value::Null)).map(|a| a.status), Some(201));
    thread::sleep(seconds(6));
    let every = executions(&node, "tick");
    assert!((4..=7).contains(&every.len()), "{}", every.len());
    for execution in &every[1..] {
        let started = execution["started_at"].as_str().unwrap_or_default();
        // Within the first half of a second.
        assert!(started.split('.').nth(1).is_none_or(|part| part < "5"), "{started}");
        assert_eq!((&execution["success"], &execution["node_name"]), (&true.into(), &"dkron-1".into()));
        assert_ne!(execution["finished_at"], "0001-01-01T00:00:00Z");
    }
    assert!((2..=4).contains(&executions(&node, "cron").len()));
    let kept = node.get("/v1/jobs/tick").ok_or("no answer")?.json();
    assert_eq!(kept["status"], "success");
    assert!(kept["success_count"].as_u64().is_some_and(|count| count >= 4), "{kept}");
    Ok(())
}

fn results(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    node.post("/v1/jobs", &job("bad", "@manually", "echo said; exit 3", &Value::Null)).ok_or("no answer")?;
    let run = node.post("/v1/jobs/bad/run", "").ok_or("no answer")?;
    assert_eq!((run.status, run.header("Location")), (200, "/v1/jobs/bad/run"));
    let execution = until(seconds(3), || executions(&node, "bad").pop()).ok_or("nothing was recorded")?;
    assert_eq!((&execution["success"], &execution["attempt"]), (&false.into(), &1.into()));
    let output = execution["output"].as_str().unwrap_or_default();
    assert!(output.contains("exit status 3") && output.contains("said"), "{output}");
    let job = node.get("/v1/jobs/bad").ok_or("no answer")?.json();
    assert_eq!((&job["status"], &job["error_count"]), (&"failed".into(), &1.into()));
    let (deleted, again) = (
        super::http::ask(&node.address, "DELETE", "/v1/jobs/bad", ""),
        super::http::ask(&node.address, "DELETE", "/v1/jobs/bad", ""),
    );
    assert_eq!((deleted.map(|a| a.status), again.map(|a| a.status)), (Some(200), Some(404)));
    Ok(())
}

fn targets(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let nodes = formed(&ground, 3, &["--tag=any=yes"])?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    for (name, tags, count) in [("all", json!({"any": "yes"}), 3), ("one", json!({"any": "yes:1"}), 1)] {
        // Any server takes it.
        follower.post("/v1/jobs", &job(name, "@manually", "true", &tags)).ok_or("no answer")?;
        leader.post(&format!("/v1/jobs/{name}"), "").ok_or("no answer")?;
        let done = || {
            let all = executions(follower, name);
            (all.len() == count && all.iter().all(|execution| execution["success"] == true)).then_some(())
        };
        until(seconds(4), done).ok_or_else(|| format!("{name}: {:?}", executions(follower, name)))?;
    }
    Ok(())
}

fn lost(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let mut nodes = Vec::new();
    for host in 1..=3 {
        let tag = format!("--tag=pod=dkron-{host}");
        nodes.push(ground.server(host, host, &[1], &["--bootstrap-expect=3", &tag]));
        assert!(nodes.last().is_some_and(|node| node.serves(seconds(15))));
    }
    until(seconds(20), || nodes.iter().all(|node| node.leader().is_some()).then_some(())).ok_or("no leader")?;
    let (leader, follower) = leader_and_follower(&nodes)?;
    let here = json!({"pod": leader.name});
    leader.post("/v1/jobs", &job("long", "@manually", "sleep 5", &here)).ok_or("no answer")?;
    thread::scope(|scope| {
        scope.spawn(|| leader.post("/v1/jobs/long", ""));
        until(seconds(4), || executions(follower, "long").pop()).ok_or("it does not run")?;
        assert_eq!(leader.post("/v1/leave", "").map(|answer| answer.status), Some(200));
        thread::sleep(seconds(7));
        let execution = executions(follower, "long").pop().ok_or("it was forgotten")?;
        assert_eq!((&execution["finished_at"], &execution["success"]), (&"0001-01-01T00:00:00Z".into(), &false.into()));
        Ok(())
    })
}
