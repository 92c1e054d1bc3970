//! Somebody who asks the leader's Service all the time, as users of dkron's API do.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use dkron_ha::contract::port::DKRON_HTTP;

use crate::client;
use crate::servers::Servers;

const PAUSE: Duration = Duration::from_millis(25);

/// A person gives up later; what takes longer counts as no answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Requests.
    pub asked: u32,
    /// From an answer of a leader to the next one, the longest.
    pub longest_gap: Duration,
    /// Answers of a server that does not lead.
    pub of_followers: u32,
    /// Names of the leaders, one after the other.
    pub leaders: Vec<String>,
}

impl Seen {
    /// How often another server led than before.
    pub fn changes(&self) -> usize {
        self.leaders.len().saturating_sub(1)
    }
}

/// Asks until it is told to stop.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watcher {
    /// Begins; somebody leads.
    pub fn of(servers: &Servers<'_>) -> Result<Self> {
        let service = servers.leader_service()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Ok(Self { stop, thread: thread::spawn(move || watch(service, &told)) })
    }

    /// Ends, and tells what it saw.
    pub fn seen(self) -> Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the watcher panicked"))
    }
}

fn watch(service: Ipv4Addr, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        seen.asked += 1;
        match client::get((service, DKRON_HTTP), "/v1/isleader", PATIENCE).map(|answer| answer.status) {
            Ok(200) => {
                seen.longest_gap = seen.longest_gap.max(last.elapsed());
                last = Instant::now();
                let leader = client::leader(service, PATIENCE);
                seen.leaders.extend(leader.filter(|leader| seen.leaders.last() != Some(leader)));
            }
            Ok(404) => seen.of_followers += 1,
            _ => {}
        }
        thread::sleep(PAUSE);
    }
    seen.longest_gap = seen.longest_gap.max(last.elapsed());
    seen
}
