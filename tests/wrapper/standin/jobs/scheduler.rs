//! The leader's clock: starts jobs when they are due, and knows how many starts have not come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::job::Job;
use super::run;
use super::schedule::Schedule;
use crate::standin::node::Node;
use crate::standin::time::{self, Nanos};

#[derive(Default)]
struct State {
    started: bool,
    entries: BTreeMap<String, Entry>,
    /// Starts that wait for their executions to end.
    callbacks: usize,
}

struct Entry {
    job: Job,
    schedule: Schedule,
    next: Option<Nanos>,
}

#[derive(Default)]
pub struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
}

impl Scheduler {
    pub fn start(&self, jobs: Vec<Job>) {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        state.entries.clear();
        state.started = true;
        drop(state);
        for job in jobs {
            self.set(job);
        }
    }

    pub fn is_started(&self) -> bool {
        self.state.lock().expect("nobody panics with this lock").started
    }

    pub fn stop(&self) {
        self.state.lock().expect("nobody panics with this lock").started = false;
    }

    /// Waits until every start has come back.
    pub fn wait(&self) {
        let state = self.state.lock().expect("nobody panics with this lock");
        let _ended = self.changed.wait_while(state, |state| state.callbacks > 0);
    }

    pub fn set(&self, job: Job) {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        state.entries.remove(&job.name);
        if let (false, Ok(schedule)) = (job.disabled, Schedule::read(&job.schedule)) {
            let next = schedule.next(time::now());
            state.entries.insert(job.name.clone(), Entry { job, schedule, next });
        }
        self.changed.notify_all();
    }

    pub fn remove(&self, job: &str) {
        self.state.lock().expect("nobody panics with this lock").entries.remove(job);
    }

    /// When `job` is due next; 0 for one that never is. `None` for one that it does not know.
    pub fn next(&self, job: &str) -> Option<Nanos> {
        let state = self.state.lock().expect("nobody panics with this lock");
        state.entries.get(job).map(|entry| entry.next.unwrap_or(0))
    }

    /// Starts what is due, for as long as the process lives.
    pub fn run(node: &Arc<Node>) {
        let scheduler = &node.scheduler;
        let mut state = scheduler.state.lock().expect("nobody panics with this lock");
        loop {
            let now = time::now();
            if state.started {
                let mut due = Vec::new();
                for entry in state.entries.values_mut().filter(|entry| entry.next.is_some_and(|next| next <= now)) {
                    entry.next = entry.schedule.next(now);
                    due.push(entry.job.clone());
                }
                for job in due {
                    state.callbacks += 1;
                    let node = Arc::clone(node);
                    thread::spawn(move || {
                        run::start_due(&node, &job);
                        let scheduler = &node.scheduler;
                        scheduler.state.lock().expect("nobody panics with this lock").callbacks -= 1;
                        scheduler.changed.notify_all();
                    });
                }
            }
            let next = state.entries.values().filter_map(|entry| entry.next).min();
            let wait = next.map_or(Duration::from_secs(1), |next| Duration::from_nanos(next.saturating_sub(now)));
            let wait = wait.clamp(Duration::from_millis(1), Duration::from_secs(1));
            state = scheduler.changed.wait_timeout(state, wait).expect("nobody panics with this lock").0;
        }
    }
}
