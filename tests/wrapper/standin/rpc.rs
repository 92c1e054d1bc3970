//! Calls between stand-ins on the RPC port, where dkron speaks gRPC and raft.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jobs::execution::Execution;
use super::jobs::job::Job;
use super::raft::message::{Append, Ask};
use super::wire;

/// How long dkron dials.
pub const DIAL: Duration = Duration::from_secs(10);

/// What can be called. Each is answered with [`Reply`], `AgentRun` with several.
#[derive(Serialize, Deserialize)]
pub enum Request {
    Append(Append),
    Vote(Ask),
    Configuration,
    RemovePeer(String),
    Leave,
    SetJob(Job),
    DeleteJob(String),
    RunJob(String),
    ActiveExecutions,
    AgentRun { job: Job, execution: Execution },
    ExecutionDone(Execution),
    SetExecution(Execution),
}

/// A value, or dkron's sentence about what went wrong.
pub type Reply = Result<Value, String>;

/// One line of `raft list-peers`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Peer {
    pub node: String,
    pub id: String,
    pub address: String,
    pub leader: bool,
}

/// Calls `address` and waits for the answer as long as it takes.
///
/// # Errors
/// The connection's, or the sentence of the one that was called.
pub fn call<T: DeserializeOwned>(address: &str, request: &Request, dial: Duration) -> io::Result<T> {
    exchange(&mut wire::dial(address, dial)?, request)
}

/// One call on a connection.
///
/// # Errors
/// The connection's, or the sentence of the one that was called.
pub fn exchange<T: DeserializeOwned>(stream: &mut TcpStream, request: &Request) -> io::Result<T> {
    wire::send(stream, request)?;
    let value = wire::receive::<Reply>(stream)?.map_err(io::Error::other)?;
    Ok(serde_json::from_value(value)?)
}

/// Dials for ten seconds, again and again while nobody listens, as gRPC does.
///
/// # Errors
/// gRPC's sentence.
pub fn dial_patiently(address: &str) -> Result<TcpStream, String> {
    let ends = Instant::now() + DIAL;
    if address.is_empty() {
        return Err("failed to exit idle mode: passthrough: received empty target in Build()".to_owned());
    }
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("context deadline exceeded".to_owned());
        }
        match wire::dial(address, left) {
            Ok(stream) => return Ok(stream),
            Err(_) => std::thread::sleep(Duration::from_millis(100).min(left)),
        }
    }
}

/// Calls as gRPC does.
///
/// # Errors
/// `Err(sentence)`; that of the one that was called comes with gRPC's words before it in `called`.
pub fn grpc<T: DeserializeOwned>(address: &str, request: &Request) -> Result<T, Failure> {
    let mut stream = dial_patiently(address).map_err(Failure::Dial)?;
    let sent = wire::send(&mut stream, request).and_then(|()| wire::receive::<Reply>(&mut stream));
    match sent {
        Ok(Ok(value)) => serde_json::from_value(value).map_err(|error| Failure::Called(error.to_string())),
        Ok(Err(sentence)) => Err(Failure::Called(sentence)),
        Err(error) => Err(Failure::Broken(error.to_string())),
    }
}

/// How a call failed.
#[derive(Debug)]
pub enum Failure {
    /// Nobody was reached.
    Dial(String),
    /// The other side's sentence.
    Called(String),
    /// The connection ended before an answer.
    Broken(String),
}

impl Failure {
    /// Without gRPC's words.
    pub fn sentence(self) -> String {
        match self {
            Self::Dial(sentence) | Self::Called(sentence) | Self::Broken(sentence) => sentence,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dial(sentence) => out.write_str(sentence),
            Self::Called(sentence) => write!(out, "rpc error: code = Unknown desc = {sentence}"),
            Self::Broken(sentence) => write!(out, "rpc error: code = Unavailable desc = {sentence}"),
        }
    }
}
