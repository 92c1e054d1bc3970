//! What is kept of a trial that failed, beside the logs.

use std::fs;
use std::net::Ipv4Addr;

use super::Cluster;
use super::pod::Pod;
use crate::client::says;

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
        format!("{life} at {address}; folder {}\n{}", pod.folder().display(), says(&self.program, address))
    }
}
