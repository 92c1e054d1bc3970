//! What a server says of itself, written down where something went wrong.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use dkron_ha::contract::path::{PROBE_LIVE, PROBE_READY, STATE};
use dkron_ha::contract::port::{DKRON_HTTP, WRAPPER};

use super::{get, raft};

const PATIENCE: Duration = Duration::from_secs(1);

const QUESTIONS: [(u16, &str); 5] = [
    (WRAPPER, STATE),
    (WRAPPER, PROBE_LIVE),
    (WRAPPER, PROBE_READY),
    (DKRON_HTTP, "/v1/leader"),
    (DKRON_HTTP, "/v1/members"),
];

/// Its answers, and raft's configuration as it has it, a line each. `program` is dkron, whose command line asks for that.
pub fn says(program: &Path, address: Ipv4Addr) -> String {
    let answers = QUESTIONS.map(|(port, path)| {
        let told = get((address, port), path, PATIENCE).map_or_else(
            |error| format!("{error:#}"),
            |answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        );
        format!("{path}: {told}\n")
    });
    format!("{}raft: {:?}\n", answers.concat(), raft::list(program, address))
}
