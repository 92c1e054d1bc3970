//! From a due job to a recorded execution: the leader calls the nodes, a node runs the command, the leader of then
//! records how it ended.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::execution::Execution;
use super::job::Job;
use super::store::Command;
use crate::standin::member::{Member, Status};
use crate::standin::node::Node;
use crate::standin::random;
use crate::standin::rpc::{self, Reply, Request};
use crate::standin::time;
use crate::standin::wire;

const BROKEN: &str = "grpc: Error on execution streaming, agent connection was abruptly terminated";

/// What the scheduler calls.
pub fn start_due(node: &Arc<Node>, job: &Job) {
    let raft = node.raft();
    let running = raft.is_some_and(|raft| raft.core().store.is_running(&job.name)) || is_active(node, &job.name);
    if job.forbids_overlap() && running {
        node.log.info("job: Skipping concurrent execution", &[("job", &job.name)]);
        return;
    }
    if let Err(why) = start(node, &job.name) {
        node.log.error("job: Error running job", &[("error", &why)]);
    }
}

fn is_active(node: &Node, job: &str) -> bool {
    node.active().values().any(|execution| execution.job == job)
}

/// Runs `name` on its nodes, and waits for all of them.
///
/// # Errors
/// dkron's sentence.
pub fn start(node: &Arc<Node>, name: &str) -> Result<Job, String> {
    let raft = node.raft().ok_or("raft not initialized")?;
    let mut job = raft
        .core()
        .store
        .job(name)
        .cloned()
        .ok_or_else(|| format!("agent: Run error retrieving job: {name} from store: not found"))?;
    let next = node.scheduler.next(name);
    job.next = time::rfc3339(next.ok_or_else(|| format!("agent: Run error retrieving job: {name} from scheduler"))?);
    raft.command(Command::SetJob(Box::new(job.clone())))
        .map_err(|why| format!("agent: Run error storing job {name} before running: {why}"))?;
    let execution = Execution::new(name);
    let targets = targets(node, &job);
    if targets.is_empty() {
        return Err(format!("no target nodes found to run job {name}"));
    }
    let calls: Vec<_> = targets.iter().map(|member| call(node, member, &job, &execution)).collect();
    for call in calls {
        let _ = call.join();
    }
    Ok(job)
}

fn targets(node: &Node, job: &Job) -> Vec<Member> {
    let (tags, most) = job.target();
    let mut members = node.serf.members();
    members.retain(|member| {
        let here = member.tag("region") == node.settings.region;
        let tagged = tags.iter().all(|(key, value)| member.tags.get(*key).is_some_and(|has| has == value));
        member.status == Status::Alive && here && tagged
    });
    random::shuffle(&mut members);
    members.truncate(most);
    members
}

fn call(node: &Arc<Node>, member: &Member, job: &Job, execution: &Execution) -> thread::JoinHandle<()> {
    let address = match member.tag("rpc_addr") {
        "" => member.address.to_string(),
        known => known.to_owned(),
    };
    let (node, job, execution) = (Arc::clone(node), job.clone(), execution.clone());
    thread::spawn(move || {
        node.log.info("agent: Calling AgentRun", &[("job_name", &job.name), ("node", &address)]);
        if let Err(why) = follow(&node, &address, job, execution) {
            node.log.error("agent: Error calling AgentRun", &[("error", &why), ("node", &address)]);
        }
    })
}

/// Follows an execution on another node (or on this one) from its start to its end, and has both recorded.
fn follow(node: &Arc<Node>, address: &str, job: Job, mut execution: Execution) -> Result<(), String> {
    let mut stream = rpc::dial_patiently(address)?;
    wire::send(&mut stream, &Request::AgentRun { job, execution: execution.clone() }).map_err(|e| e.to_string())?;
    let mut key = None;
    let end = loop {
        match wire::receive::<Reply>(&mut stream) {
            Ok(Ok(value)) => execution = serde_json::from_value(value).map_err(|error| error.to_string())?,
            Ok(Err(why)) => break Err(why),
            Err(error) => break Err(error.to_string()),
        }
        node.active().insert(execution.key(), execution.clone());
        if key.is_none() {
            key = Some(execution.key());
            let recorded = rpc::grpc::<()>(&leader(node), &Request::SetExecution(execution.clone()));
            if let Err(failure) = recorded {
                node.active().remove(&execution.key());
                return Err(failure.to_string());
            }
        }
        if execution.finished != 0 {
            break Ok(());
        }
    };
    if let Err(why) = &end {
        node.log.error(BROKEN, &[("error", why)]);
        execution.finished = time::now();
        execution.output = format!("{BROKEN}: {why}");
    }
    let done = rpc::grpc::<()>(&leader(node), &Request::ExecutionDone(execution.clone()));
    if let Some(key) = key {
        node.active().remove(&key);
    }
    done.map_err(|failure| failure.to_string())
}

fn leader(node: &Node) -> String {
    node.raft().map(|raft| raft.leader()).unwrap_or_default()
}

/// The side that runs the command, for as long as it takes.
pub fn serve(node: &Arc<Node>, mut stream: TcpStream, job: &Job, mut execution: Execution) {
    node.log.info("grpc_agent: Starting job", &[("job", &job.name)]);
    execution.started = time::now();
    execution.node.clone_from(&node.settings.node_name);
    if wire::send(&mut stream, &reply(&execution)).is_err() {
        return;
    }
    if job.executor == "shell" {
        node.running.fetch_add(1, Ordering::SeqCst);
        let outcome = node.plugins.execute(job).recv();
        (execution.success, execution.output) =
            outcome.map_or((false, "plugin exited\n".to_owned()), |outcome| (outcome.success, outcome.output));
    } else {
        "grpc_agent: Specified executor is not present".clone_into(&mut execution.output);
    }
    execution.finished = time::now();
    if job.executor == "shell" {
        node.running.fetch_sub(1, Ordering::SeqCst);
    }
    if is_closed(&mut stream) || wire::send(&mut stream, &reply(&execution)).is_err() {
        node.log.error(
            "grpc_agent: error sending the final execution, falling back to ExecutionDone",
            &[("job", &job.name)],
        );
        let servers = node.servers().into_iter().map(|member| member.raft_address());
        let reached = servers.into_iter().find(|address| wire::dial(address, Duration::from_secs(1)).is_ok());
        if let Some(address) = reached {
            let _ = rpc::grpc::<()>(&address, &Request::ExecutionDone(execution));
        }
    }
}

fn reply(execution: &Execution) -> Reply {
    serde_json::to_value(execution).map_err(|error| error.to_string())
}

/// Whether the other side has hung up: nothing is to be read from it otherwise.
fn is_closed(stream: &mut TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    let read = stream.read(&mut [0]);
    let _ = stream.set_nonblocking(false);
    !read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}
