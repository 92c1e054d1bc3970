//! Runs of dkron's command line that end by themselves, and raft's `TimeoutNow` from outside.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::node::Node;
use super::subject::Subject;

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    /// Without dkron 3's line about a missing configuration.
    pub stdout: String,
    pub stderr: String,
}

/// Runs `words` to the end.
pub fn run(subject: &Subject, words: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = subject.command();
    command.args(words).envs(variables.iter().copied()).process_group(0);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let output = child.wait_with_output().expect("the program ends");
    // An agent that does not come up leaves its plugins behind.
    let _ = killpg(group, Signal::SIGKILL);
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.lines().filter(|line| !line.contains("No valid config found")).map(|line| format!("{line}\n")).collect()
    };
    Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// `raft list-peers` at `node`, one line of words each.
pub fn peers(subject: &Subject, node: &Node) -> Vec<Vec<String>> {
    let run = run(subject, &["raft", "list-peers", "--rpc-addr", &node.rpc()], &[]);
    run.stdout.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// How many voters `node` knows.
pub fn voters(subject: &Subject, node: &Node) -> usize {
    peers(subject, node).len()
}

pub fn remove_peer(subject: &Subject, at: &Node, id: &str) -> Run {
    run(subject, &["raft", "remove-peer", "--rpc-addr", &at.rpc(), "--peer-id", id], &[])
}

/// Sends the 39 bytes to `node`, and answers the first bytes that come back.
///
/// # Errors
/// The connection's.
pub fn timeout_now(node: &Node) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(node.rpc())?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"\x03\x83\xa4Addr\xa1x\xa2ID\xa1x\xafProtocolVersion\x03")?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer)?;
    Ok(answer[..read].to_vec())
}
