//! Which request is answered with what.

use std::sync::Arc;

use serde_json::{Value, json};

use super::message::{Request, Response};
use crate::standin::generation::Generation;
use crate::standin::jobs::execution::Execution;
use crate::standin::jobs::job::Job;
use crate::standin::member::{Member, Status};
use crate::standin::node::Node;
use crate::standin::rpc::{self, Request as Call};

/// Answers one request.
pub fn answer(node: &Arc<Node>, request: &Request) -> Response {
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["health"]) => Response::json(200, &json!({"status": "healthy"}), false).anonymous(),
        ("GET", ["v1"] | ["v1", ""]) => shown(request, &index(node)),
        ("GET", ["v1", "members"]) => members(node, request),
        ("GET", ["v1", "leader"]) => leader(node, request),
        ("GET", ["v1", "isleader"]) => is_leader(node, request),
        ("POST", ["v1", "leave"]) => leave(node, request),
        ("GET", ["v1", "busy"]) => busy(node, request),
        ("GET", ["v1", "jobs"]) => jobs(node, request),
        ("POST" | "PATCH", ["v1", "jobs"]) | ("PUT", ["v1", "jobs", _]) => set_job(node, request),
        ("GET", ["v1", "jobs", name]) => job(node, request, name),
        ("DELETE", ["v1", "jobs", name]) => delete_job(node, request, name),
        ("POST", ["v1", "jobs", name] | ["v1", "jobs", name, "run"]) => run_job(node, request, name),
        ("GET", ["v1", "jobs", name, "executions"]) => executions(node, request, name),
        _ => Response::no_route(),
    }
}

fn shown(request: &Request, value: &Value) -> Response {
    Response::json(200, value, request.pretty)
}

fn listed(request: &Request, values: Vec<Value>) -> Response {
    let count = values.len().to_string();
    shown(request, &Value::from(values)).with("X-Total-Count", count)
}

fn index(node: &Node) -> Value {
    let (own, members) = (node.serf.own(), node.serf.members());
    let count = |status: Status| members.iter().filter(|member| member.status == status).count().to_string();
    let encrypted = (!node.settings.encrypt.is_empty()).to_string();
    json!({
        "agent": {"name": own.name, "version": node.generation.version()},
        "serf": {"coordinate_resets": "0", "encrypted": encrypted, "event_queue": "0", "event_time": "1",
            "failed": count(Status::Failed), "health_score": "0", "intent_queue": "0", "left": count(Status::Left),
            "member_time": "1", "members": members.len().to_string(), "query_queue": "0", "query_time": "1"},
        "tags": own.tags,
    })
}

fn members(node: &Node, request: &Request) -> Response {
    listed(request, node.serf.members().iter().map(Member::listed).collect())
}

fn leader(node: &Node, request: &Request) -> Response {
    match node.leader_member() {
        Some(member) => shown(request, &member.json()),
        None => Response::late(500, "null"),
    }
}

fn is_leader(node: &Node, request: &Request) -> Response {
    let leads = node.raft().is_some_and(|raft| raft.is_leader());
    let (status, text) = if leads { (200, "I am a leader") } else { (404, "I am a follower") };
    Response::json(status, &json!(text), request.pretty)
}

/// The servers that remain, by region; after an error an empty answer, since there is nobody left.
fn leave(node: &Node, request: &Request) -> Response {
    let left = node.stop();
    let mut regions = serde_json::Map::new();
    for member in node.peers().values() {
        let region = regions.entry(member.tag("region")).or_insert_with(|| json!([]));
        if let Some(servers) = region.as_array_mut() {
            servers.push(member.parts(node.generation.version()));
        }
    }
    let regions = Value::Object(regions);
    match left {
        Ok(()) => shown(request, &regions),
        Err(_) => Response::late(500, &regions.to_string()),
    }
}

/// What every living server follows, the oldest first.
fn busy(node: &Node, request: &Request) -> Response {
    let mut all: Vec<Execution> = Vec::new();
    for server in node.servers() {
        match rpc::grpc::<Vec<Execution>>(&server.raft_address(), &Call::ActiveExecutions) {
            Ok(executions) => all.extend(executions),
            Err(_) => return Response::empty(500),
        }
    }
    all.sort_by_key(|execution| execution.started);
    listed(request, all.iter().map(Execution::json).collect())
}

fn jobs(node: &Node, request: &Request) -> Response {
    let Some(raft) = node.raft().filter(|_| !node.is_closed()) else {
        // Version 3 only logs that its store is closed.
        return Response::empty(if node.generation == Generation::Three { 200 } else { 500 });
    };
    let jobs = raft.core().store.jobs().map(|job| json!(job)).collect();
    listed(request, jobs)
}

fn stored(node: &Node, name: &str) -> Option<Job> {
    node.raft().filter(|_| !node.is_closed())?.core().store.job(name).cloned()
}

fn job(node: &Node, request: &Request, name: &str) -> Response {
    stored(node, name).map_or_else(|| Response::empty(404), |job| shown(request, &json!(job)))
}

fn leader_address(node: &Node) -> String {
    node.raft().map(|raft| raft.leader()).unwrap_or_default()
}

fn set_job(node: &Node, request: &Request) -> Response {
    let job = match Job::read(&request.body, node.generation) {
        Ok(job) => job,
        Err(why) => return Response::late(400, &why),
    };
    match rpc::grpc::<()>(&leader_address(node), &Call::SetJob(job.clone())) {
        Ok(()) => {
            let location = format!("{}/{}", request.path, job.name);
            Response::json(201, &json!(job), request.pretty).with("Location", location)
        }
        Err(failure) => Response::late(500, &failure.sentence()),
    }
}

fn delete_job(node: &Node, request: &Request, name: &str) -> Response {
    let deleted = rpc::grpc::<Job>(&leader_address(node), &Call::DeleteJob(name.to_owned()));
    deleted.map_or_else(|_| Response::empty(404), |job| shown(request, &json!(job)))
}

/// Answered when the executions have ended.
fn run_job(node: &Node, request: &Request, name: &str) -> Response {
    match rpc::grpc::<Job>(&leader_address(node), &Call::RunJob(name.to_owned())) {
        Ok(job) => shown(request, &json!(job)).with("Location", request.path.clone()),
        Err(_) => Response::empty(404),
    }
}

fn executions(node: &Node, request: &Request, name: &str) -> Response {
    if stored(node, name).is_none() {
        return Response::empty(404);
    }
    let executions = node.raft().map(|raft| raft.core().store.executions(name)).unwrap_or_default();
    listed(request, executions.iter().map(Execution::listed).collect())
}
