//! Looks at every running pod all the time: who leads.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::log::{Clock, Log};
use super::timeline::{Story, Timeline};
use crate::client;

/// Between two looks at one pod.
const PAUSE: Duration = Duration::from_millis(30);

/// An answer of dkron takes less than a millisecond on an idle machine.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Seen {
    timeline: Timeline,
    /// Lives that led at the last look.
    leading: BTreeMap<String, Ipv4Addr>,
}

/// Threads that look, one for each pod.
pub struct Observer {
    clock: Clock,
    log: Log,
    seen: Arc<Mutex<Seen>>,
    watched: Mutex<BTreeMap<String, Watch>>,
}

struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Observer {
    /// Watches nobody yet.
    pub fn new(clock: Clock, log: Log) -> Self {
        Self { clock, log, seen: Arc::default(), watched: Mutex::default() }
    }

    /// Watches this life of a pod.
    pub fn watch(&self, life: &str, address: Ipv4Addr) {
        let over = Arc::new(AtomicBool::new(false));
        let (ended, seen, clock, log) = (Arc::clone(&over), Arc::clone(&self.seen), self.clock, self.log.clone());
        let name = life.to_owned();
        let thread = thread::spawn(move || {
            let mut led = false;
            while !ended.load(Ordering::Relaxed) {
                let asked = clock.now();
                let leads = is_leader(address);
                if leads != led {
                    log.line(format_args!("{name} {}", if leads { "leads" } else { "leads no more" }));
                }
                {
                    let mut seen = lock(&seen);
                    if leads {
                        seen.timeline.leads(&name, asked, led);
                        seen.leading.insert(name.clone(), address);
                    } else {
                        seen.leading.remove(&name);
                    }
                }
                led = leads;
                thread::sleep(PAUSE.saturating_sub(clock.now().saturating_sub(asked)));
            }
            lock(&seen).leading.remove(&name);
        });
        lock(&self.watched).insert(life.to_owned(), Watch { over, thread });
    }

    /// This life is over.
    pub fn forget(&self, life: &str) {
        let watch = lock(&self.watched).remove(life);
        if let Some(watch) = watch {
            watch.over.store(true, Ordering::Relaxed);
            let _ = watch.thread.join();
        }
    }

    /// Who led at the last look: life and address.
    pub fn leader(&self) -> Option<(String, Ipv4Addr)> {
        lock(&self.seen).leading.iter().next().map(|(life, address)| (life.clone(), *address))
    }

    /// What happened since.
    pub fn story_since(&self, from: Duration) -> Story {
        lock(&self.seen).timeline.story(from, self.clock.now())
    }

    /// Time of the first look after `from` that saw somebody lead.
    pub fn leader_since(&self, from: Duration) -> Option<Duration> {
        lock(&self.seen).timeline.leader_since(from)
    }

    /// All reigns, for people.
    pub fn reigns(&self) -> String {
        let seen = lock(&self.seen);
        let lines = seen.timeline.reigns().iter().map(|reign| {
            format!("{:9.3} {:9.3} {}\n", reign.first.as_secs_f64(), reign.last.as_secs_f64(), reign.life)
        });
        lines.collect()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let watched = std::mem::take(&mut *lock(&self.watched));
        for watch in watched.values() {
            watch.over.store(true, Ordering::Relaxed);
        }
        for watch in watched.into_values() {
            let _ = watch.thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_leader(address: Ipv4Addr) -> bool {
    client::get((address, super::HTTP), "/v1/isleader", PATIENCE).is_ok_and(|answer| answer.status == 200)
}
