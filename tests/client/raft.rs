//! raft's configuration as dkron's own command line tells it, and what it is expected to be.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use dkron_ha::contract::port::DKRON_RPC;

/// Longest time for one call.
const PATIENCE: Duration = Duration::from_secs(3);

/// One line of `dkron raft list-peers`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    pub id: String,
    pub address: String,
    pub voter: bool,
}

/// Asks the server at `address`. An empty list is an answer.
pub fn list(program: &Path, address: Ipv4Addr) -> Result<Vec<Server>> {
    let mut child = Command::new(program)
        .args(["raft", "list-peers", "--rpc-addr", &format!("{address}:{DKRON_RPC}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("starting dkron raft list-peers")?;
    let begun = Instant::now();
    while child.try_wait().context("asking after list-peers")?.is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            bail!("list-peers at {address} takes too long");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().context("reading from list-peers")?;
    ensure!(output.status.success(), "list-peers at {address}: {}", output.status);
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Columns: Node, ID, Address, State, Voter; the first may hold a blank in brackets.
pub fn parse(text: &str) -> Result<Vec<Server>> {
    let rows = text.lines().skip_while(|line| !line.starts_with("Node")).skip(1).filter(|line| !line.trim().is_empty());
    let mut servers: Vec<Server> = rows.map(row).collect::<Result<_>>()?;
    servers.sort();
    Ok(servers)
}

fn row(line: &str) -> Result<Server> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [.., id, address, _, voter] = words.as_slice() else { bail!("list-peers: {line:?}") };
    Ok(Server { id: (*id).to_owned(), address: (*address).to_owned(), voter: *voter == "true" })
}
