//! What a node does by itself: it spreads its table, probes others, buries the dead and looks for them again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::table::{Belief, Heard, News};
use super::{Kind, Serf, lock};
use crate::standin::random;

const BEAT: Duration = Duration::from_millis(50);
pub(super) const GOSSIP: Duration = Duration::from_millis(200);
const FANOUT: usize = 3;
const PROBE: Duration = Duration::from_secs(1);
const PROBE_ANSWER: Duration = Duration::from_millis(500);

/// Memberlist's suspicion for clusters of up to ten: four probes.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often serf tries failed members at their last address.
const RECONNECT: Duration = Duration::from_secs(30);

impl Serf {
    pub(super) fn pulse(self: &Arc<Self>) {
        let (mut gossiped, mut tried) = (Instant::now(), Instant::now());
        while !self.is_down() {
            thread::sleep(BEAT);
            let now = Instant::now();
            if now.duration_since(gossiped) >= GOSSIP {
                gossiped = now;
                self.spread(FANOUT);
            }
            let overdue = lock(&self.table).overdue(PATIENCE, now);
            for name in overdue {
                let heard = lock(&self.table).doubt(&name, Belief::Dead, now);
                self.raise(heard);
            }
            let reaped = lock(&self.table).age(self.reconnect, now);
            self.raise(Heard { changes: reaped, contested: false });
            if now.duration_since(tried) >= RECONNECT {
                tried = now;
                self.reconnect();
            }
            let due = lock(&self.coalescer).due(now);
            for told in due {
                let _ = self.events.send(told);
            }
        }
    }

    /// Sends the table to `most` others.
    pub(super) fn spread(&self, most: usize) {
        let mut others = lock(&self.table).others();
        random::shuffle(&mut others);
        for other in others.iter().take(most) {
            self.tell(SocketAddr::new(other.address, other.port), Kind::Gossip);
        }
    }

    fn reconnect(self: &Arc<Self>) {
        let failed = |news: &News| news.belief == Belief::Dead;
        let everybody = lock(&self.table).everybody();
        for news in everybody.into_iter().filter(failed) {
            let serf = Arc::clone(self);
            thread::spawn(move || serf.sync(SocketAddr::new(news.address, news.port)));
        }
    }

    /// Probes one other after the other, one a second.
    pub(super) fn probe(self: &Arc<Self>) {
        let mut round: Vec<News> = Vec::new();
        while !self.is_down() {
            let begun = Instant::now();
            if round.is_empty() {
                round = lock(&self.table).others();
                random::shuffle(&mut round);
            }
            if let Some(other) = round.pop() {
                let number = random::number();
                let address = SocketAddr::new(other.address, other.port);
                self.tell(address, Kind::Ping { to: other.name.clone(), number });
                thread::sleep(PROBE_ANSWER);
                let answered = lock(&self.pongs).remove(&number);
                if !answered && !self.late_answer(&other, number, begun) {
                    let heard = lock(&self.table).doubt(&other.name, Belief::Suspect, Instant::now());
                    self.raise(heard);
                    self.spread(usize::MAX);
                }
            }
            thread::sleep(PROBE.saturating_sub(begun.elapsed()));
        }
    }

    /// Until the second is over an answer still counts, as it does when others probe on one's behalf.
    fn late_answer(&self, other: &News, number: u64, begun: Instant) -> bool {
        self.tell(SocketAddr::new(other.address, other.port), Kind::Ping { to: other.name.clone(), number });
        thread::sleep(PROBE.saturating_sub(begun.elapsed()));
        lock(&self.pongs).remove(&number)
    }
}
