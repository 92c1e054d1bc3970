//! The RPC port: calls of other stand-ins and of the command line, and raft's `TimeoutNow` of anybody.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde::Serialize;
use serde_json::Value;

use super::jobs::execution::Execution;
use super::jobs::job::Job;
use super::jobs::run;
use super::jobs::store::Command;
use super::node::Node;
use super::raft::{Raft, timeout_now};
use super::rpc::{self, Reply, Request};
use super::wire;

const DOWN: &str = "raft is already shutdown";
const NOT_LEADER: &str = "grpc: Error, server is not leader, this operation should be run on the leader";

/// Answers for as long as the process lives.
pub fn serve(node: &Arc<Node>, listener: &TcpListener) {
    for stream in listener.incoming().filter_map(Result::ok) {
        let node = Arc::clone(node);
        thread::spawn(move || converse(&node, stream));
    }
}

fn converse(node: &Arc<Node>, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    while stream.peek(&mut first).is_ok_and(|read| read == 1) {
        let went_on = match first[0] {
            timeout_now::TYPE => take_over(node, &mut stream),
            wire::MARK => match wire::receive(&mut stream) {
                Ok(Request::AgentRun { job, execution }) => return run::serve(node, stream, &job, execution),
                Ok(request) => wire::send(&mut stream, &answer(node, request)),
                Err(error) => Err(error),
            },
            _ => return,
        };
        if went_on.is_err() {
            return;
        }
    }
}

fn take_over(node: &Arc<Node>, stream: &mut TcpStream) -> std::io::Result<()> {
    timeout_now::read(stream)?;
    let Some(raft) = node.raft() else { return Err(std::io::ErrorKind::NotConnected.into()) };
    stream.write_all(timeout_now::ANSWER)?;
    if !node.faults.refuse_handover {
        raft.take_over();
    }
    Ok(())
}

fn answer(node: &Arc<Node>, request: Request) -> Reply {
    let Some(raft) = node.raft() else {
        return Err("unknown service types.v1.Dkron".to_owned());
    };
    match request {
        Request::Append(append) => value(&raft.on_append(&append).ok_or(DOWN)?),
        Request::Vote(ask) => value(&raft.on_ask(&ask).ok_or(DOWN)?),
        Request::Configuration => value(&node.peers_of_raft()),
        Request::RemovePeer(id) => done(remove_peer(node, raft, &id)),
        Request::Leave => done(node.stop()),
        Request::SetJob(job) => done(set_job(node, raft, job)),
        Request::DeleteJob(name) => delete_job(node, raft, &name).and_then(|job| value(&job)),
        Request::RunJob(name) => run::start(node, &name).and_then(|job| value(&job)),
        Request::ActiveExecutions => value(&node.active().values().collect::<Vec<_>>()),
        Request::ExecutionDone(execution) => done(execution_done(raft, execution)),
        Request::SetExecution(execution) => {
            if let Err(why) = raft.command(Command::SetExecution(execution)) {
                // dkron gives up its life here.
                node.log.fatal("agent: error applying SetExecutionType", &[("error", &why)]);
            }
            done(Ok(()))
        }
        Request::AgentRun { .. } => Err("a stream of its own".to_owned()),
    }
}

fn value(of: &impl Serialize) -> Reply {
    serde_json::to_value(of).map_err(|error| error.to_string())
}

fn done(result: Result<(), String>) -> Reply {
    result.map(|()| Value::Null)
}

fn remove_peer(node: &Node, raft: &Raft, id: &str) -> Result<(), String> {
    if !raft.core().servers().iter().any(|server| server.id == id) {
        return Err(format!("id {id:?} was not found in the Raft configuration"));
    }
    let removed = raft.remove_server(id);
    match &removed {
        Ok(()) => node.log.warning("removed Raft peer", &[("peer", id)]),
        Err(why) => node.log.warning("failed to remove Raft peer", &[("error", why), ("peer", id)]),
    }
    removed
}

fn set_job(node: &Node, raft: &Raft, job: Job) -> Result<(), String> {
    raft.command(Command::SetJob(Box::new(job.clone())))?;
    node.scheduler.set(job);
    Ok(())
}

fn delete_job(node: &Node, raft: &Raft, name: &str) -> Result<Job, String> {
    let job = raft.core().store.job(name).cloned();
    raft.command(Command::DeleteJob(name.to_owned()))?;
    let job = job.ok_or("grpc: Error wrong response from apply in DeleteJob: not found")?;
    node.scheduler.remove(name);
    Ok(job)
}

/// Recorded by the leader; another server passes it on and says that it is none.
fn execution_done(raft: &Raft, execution: Execution) -> Result<(), String> {
    if !raft.is_leader() {
        let _ = rpc::grpc::<()>(&raft.leader(), &Request::ExecutionDone(execution));
        return Err(NOT_LEADER.to_owned());
    }
    if raft.core().store.job(&execution.job).is_none() {
        return Err("not found".to_owned());
    }
    raft.command(Command::ExecutionDone(execution))
}
