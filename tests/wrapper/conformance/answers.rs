//! The HTTP API of a node alone that leads itself: statuses, headers and bodies.

use libtest_mimic::Failed;
use serde_json::json;

use super::Check;
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("answers about leader and members", 3, 4, reading),
    ("answers indented JSON when asked", 3, 4, pretty),
    ("knows no other routes", 3, 4, routes),
    ("takes and refuses jobs", 3, 4, jobs),
];

const JSON: &str = "application/json; charset=utf-8";

/// A node that leads itself.
pub fn alone(ground: &Ground) -> Result<Node, Failed> {
    let node = ground.server(1, 1, &[1], &["--bootstrap-expect=1"]);
    match until(seconds(10), || (node.leads() && node.leader().is_some()).then_some(())) {
        Some(()) => Ok(node),
        None => Err(format!("it does not lead:\n{}", node.log()).into()),
    }
}

fn reading(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    let version = subject.label.split(' ').nth(1).unwrap_or_default();
    let tags = json!({"dc": "dc1", "expect": "1", "port": "6868", "region": "global", "role": "dkron",
        "rpc_addr": node.rpc(), "server": "true", "version": version});
    let member = json!({"Name": "dkron-1", "Addr": node.address, "Port": 8946, "Tags": tags, "Status": 1,
        "ProtocolMin": 1, "ProtocolMax": 5, "ProtocolCur": 2, "DelegateMin": 2, "DelegateMax": 5, "DelegateCur": 4});
    let leader = node.get("/v1/leader").ok_or("no answer")?;
    assert_eq!((leader.status, leader.body.as_str()), (200, member.to_string().as_str()));
    let headers = [("Content-Type", JSON), ("X-Whom", "dkron-1"), ("Content-Length", &leader.body.len().to_string())];
    assert_eq!(leader.headers, headers.map(|(key, value)| (key.to_owned(), value.to_owned())));

    let answer = node.get("/v1/isleader").ok_or("no answer")?;
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"I am a leader\""));

    let members = node.get("/v1/members").ok_or("no answer")?;
    let mut listed = members.json()[0].clone();
    let id = listed.as_object_mut().and_then(|listed| listed.remove("id")).unwrap_or_default();
    assert_eq!(id.as_str().map(str::len), Some(36));
    assert_eq!(listed.as_object_mut().and_then(|listed| listed.remove("statusText")), Some(json!("alive")));
    assert_eq!(listed, member);
    assert_eq!((members.status, members.header("X-Total-Count")), (200, "1"));

    for path in ["/v1", "/v1/"] {
        let about = node.get(path).ok_or("no answer")?.json();
        assert_eq!(about["agent"], json!({"name": "dkron-1", "version": version}));
        assert_eq!(about["tags"], tags);
        assert_eq!(about["serf"]["members"], "1");
    }
    let busy = node.get("/v1/busy").ok_or("no answer")?;
    assert_eq!((busy.status, busy.body.as_str(), busy.header("X-Total-Count")), (200, "[]", "0"));
    let health = node.get("/health").ok_or("no answer")?;
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "healthy");
    assert_eq!(health.header("X-Whom"), "", "/health is outside the group with this header");
    Ok(())
}

fn pretty(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    for query in ["pretty", "pretty=true", "a=b&pretty=1"] {
        let answer = node.get(&format!("/v1/leader?{query}")).ok_or("no answer")?;
        assert!(answer.body.starts_with("{\n    \"Name\": \"dkron-1\",\n    \"Addr\": "), "{}", answer.body);
    }
    Ok(())
}

fn routes(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    for path in ["/nope", "/v1/nope", "/v1/leave"] {
        let answer = node.get(path).ok_or("no answer")?;
        assert_eq!((answer.status, answer.body.as_str()), (404, "404 page not found"), "{path}");
        assert_eq!((answer.header("Content-Type"), answer.header("X-Whom")), ("text/plain", ""), "{path}");
    }
    assert_eq!(node.post("/v1/leader", "").map(|answer| answer.status), Some(404));
    Ok(())
}

fn jobs(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let node = alone(&ground)?;
    assert_eq!(node.get("/v1/jobs").ok_or("no answer")?.body, "[]");
    let job = r#"{"name":"one","schedule":"@manually","executor":"shell","executor_config":{"command":"true"}}"#;
    let made = node.post("/v1/jobs", job).ok_or("no answer")?;
    assert_eq!((made.status, made.header("Location"), made.header("Content-Type")), (201, "/v1/jobs/one", JSON));
    let (made, kept) = (made.json(), node.get("/v1/jobs/one").ok_or("no answer")?.json());
    assert_eq!((&made["concurrency"], &made["next"]), (&json!("allow"), &json!("0001-01-01T00:00:00Z")));
    assert_eq!((&kept["id"], &kept["status"], &kept["success_count"]), (&json!("one"), &json!(""), &json!(0)));
    let keys = |job: &serde_json::Value| job.as_object().map(|job| job.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&made), keys(&kept));
    let wrong = if subject.generation == 3 { "Job contains invalid value" } else { "Job validation failed" };
    for (body, says) in [
        (r#"{"name":"#, "Unable to parse payload: unexpected EOF.".to_owned()),
        (r#"{"name":"A"}"#, format!("{wrong}: name contains illegal character 'A'.")),
        (
            r#"{"name":"a","schedule":"soon"}"#,
            format!("{wrong}: can't parse job schedule: expected exactly 6 fields, found 1: [soon]."),
        ),
    ] {
        let answer = node.post("/v1/jobs", body).ok_or("no answer")?;
        assert_eq!((answer.status, answer.body), (400, says));
    }
    for path in ["/v1/jobs/none", "/v1/jobs/none/executions"] {
        let answer = node.get(path).ok_or("no answer")?;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("X-Whom")), (404, "", "dkron-1"), "{path}");
    }
    assert_eq!(node.post("/v1/jobs/none/run", "").map(|answer| answer.status), Some(404));
    Ok(())
}
