//! What is kept of a trial that failed, beside the logs.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use dkron_ha::contract::path::{PROBE_LIVE, PROBE_READY};

use super::pod::Pod;
use super::{Cluster, HTTP, WRAPPER};
use crate::client;
use crate::client::raft;

/// What every pod is asked at the end.
const QUESTIONS: [(u16, &str); 5] = [
    (WRAPPER, "/v1/state"),
    (WRAPPER, PROBE_LIVE),
    (WRAPPER, PROBE_READY),
    (HTTP, "/v1/leader"),
    (HTTP, "/v1/members"),
];

impl Cluster {
    /// Writes down what can be seen of every pod, into `end.txt`.
    pub fn record(&self) {
        let mut parts = vec![format!("reigns: first look, last look, life\n{}", self.observer.reigns())];
        for (pod, (life, address)) in self.pods.iter().filter_map(|pod| Some((pod, pod.life()?))) {
            parts.push(self.of_pod(pod, &life, address));
        }
        parts.push(format!("hosts:\n{}", fs::read_to_string(self.hosts.path()).unwrap_or_default()));
        if let Err(error) = fs::write(self.folder.join("end.txt"), parts.join("\n")) {
            self.log.line(format_args!("the end could not be written down: {error}"));
        }
    }

    fn of_pod(&self, pod: &Pod, life: &str, address: Ipv4Addr) -> String {
        let answers = QUESTIONS.map(|(port, path)| {
            let answer = client::get((address, port), path, Duration::from_secs(1));
            let told = answer.map_or_else(
                |error| format!("{error:#}"),
                |answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
            );
            format!("{path}: {told}\n")
        });
        let raft = raft::list(&self.program, address);
        format!("{life} at {address}; folder {}\n{}raft: {raft:?}\n", pod.folder().display(), answers.concat())
    }
}
