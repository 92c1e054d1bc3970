//! One HTTP request to a pod, as the tiers ask that have pods with addresses.

pub mod jobs;
pub mod raft;
mod says;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::port::DKRON_HTTP;
use serde_json::Value;

pub use says::says;

/// Status and body.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of an answer that was a success.
    pub fn json(&self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "status {}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// GET; connecting and each read may take `patience`.
pub fn get(at: (Ipv4Addr, u16), path: &str, patience: Duration) -> Result<Answer> {
    ask(at, "GET", path, None, patience)
}

/// POST of JSON.
pub fn post(at: (Ipv4Addr, u16), path: &str, body: &Value, patience: Duration) -> Result<Answer> {
    ask(at, "POST", path, Some(&body.to_string()), patience)
}

/// HTTP/1.0, so that the body comes in one piece and ends with the connection.
fn ask(at: (Ipv4Addr, u16), method: &str, path: &str, body: Option<&str>, patience: Duration) -> Result<Answer> {
    let end = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from(at), patience)?;
    stream.set_write_timeout(Some(patience))?;
    let body = body.unwrap_or_default();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {}:{}\r\nContent-Type: application/json\r\n", at.0, at.1);
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let mut received = Vec::new();
    let mut part = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "no whole answer within {patience:?}");
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => received.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let head_end = received.windows(4).position(|four| four == b"\r\n\r\n").context("no HTTP answer")?;
    let head = String::from_utf8_lossy(&received[..head_end]).into_owned();
    let status = head.split(' ').nth(1).context("no HTTP status")?.parse()?;
    Ok(Answer { status, body: received.split_off(head_end + 4) })
}

/// The server that a strict reading of `/v1/leader` names.
pub fn leader(address: Ipv4Addr, patience: Duration) -> Option<String> {
    let answer = get((address, DKRON_HTTP), "/v1/leader", patience).ok()?;
    if answer.status != 200 {
        return None;
    }
    let member: Value = serde_json::from_slice(&answer.body).ok()?;
    let rpc_addr = member["Tags"]["rpc_addr"].as_str()?;
    (!rpc_addr.is_empty() && member["Status"] == 1).then(|| member["Name"].as_str().map(str::to_owned))?
}
