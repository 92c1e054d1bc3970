//! What there is to tell, as text for Prometheus (its text format 0.0.4).

use std::fmt::Write;

use super::super::procedure::{Phase, State, Status};
use super::board::Snapshot;

/// Beginning of every name.
const PREFIX: &str = "dkron_ha_wrapper_";

/// Every phase with its word.
const PHASES: [(Phase, &str); 6] = [
    (Phase::Waiting, "waiting"),
    (Phase::Starting, "starting"),
    (Phase::Serving, "serving"),
    (Phase::Holding, "holding"),
    (Phase::Going, "going"),
    (Phase::Leaving, "leaving"),
];

/// Every state of a member with its word.
const STATUSES: [(Status, &str); 5] = [
    (Status::Alive, "alive"),
    (Status::Leaving, "leaving"),
    (Status::Left, "left"),
    (Status::Failed, "failed"),
    (Status::Unknown, "unknown"),
];

/// The whole exposition.
pub fn text(snapshot: &Snapshot) -> String {
    let Snapshot { health, state, counters } = snapshot;
    let mut page = Page(String::new());
    page.gauge("live", "Whether the liveness probe succeeds.", u64::from(health.live.is_ok()));
    page.gauge("ready", "Whether the readiness probe succeeds.", u64::from(health.ready.is_ok()));
    page.counter("dkron_starts_total", "Starts of dkron.", counters.starts);
    page.counter("dkron_deaths_total", "Ends of dkron that nobody asked for.", counters.deaths);
    page.counter("orphans_reaped_total", "Processes without a parent that were reaped.", counters.orphans);
    page.counter("stall_cures_total", "Restarts of dkron to cure a stalled bootstrap.", counters.stall_cures);
    page.counter("zombie_restarts_total", "Restarts of dkron that others did not find.", counters.zombie_restarts);
    page.family("hand_overs_total", "counter", "Attempts to give leadership away.");
    page.sample("hand_overs_total", &[("outcome", "ok")], counters.hand_overs);
    page.sample("hand_overs_total", &[("outcome", "failed")], counters.hand_overs_failed);
    page.counter("leaves_total", "Times that dkron left its cluster when it was told to.", counters.leaves);
    if let Some(state) = state {
        page.state(state);
    }
    page.0
}

/// The text so far.
struct Page(String);

impl Page {
    fn state(&mut self, state: &State) {
        self.family("info", "gauge", "Always 1; who this is.");
        let names = [
            ("version", &*state.version),
            ("namespace", &state.namespace),
            ("cluster", &state.cluster),
            ("pod", &state.pod),
            ("node", &state.node),
        ];
        self.sample("info", &names, 1);
        self.family("phase", "gauge", "1 for what the wrapper is doing, 0 for the rest.");
        for (phase, word) in PHASES {
            self.sample("phase", &[("phase", word)], u64::from(state.phase == phase));
        }
        self.gauge("dkron_up", "Whether dkron's HTTP API answers.", u64::from(state.up));
        self.gauge("leader_known", "Whether dkron names a leader.", u64::from(state.leader.is_some()));
        self.gauge("leads", "Whether dkron leads.", u64::from(state.leads));
        self.gauge("formed", "Whether this server has ever heard of a leader.", u64::from(state.formed));
        if let Some(millis) = state.voter_for {
            self.gauge("voter_seconds", "For how long it has been a voter that knows the leader.", millis / 1000);
        }
        if let Some(raft) = &state.raft {
            self.family("raft_servers", "gauge", "Servers of the raft configuration.");
            for (voter, word) in [(true, "true"), (false, "false")] {
                self.sample("raft_servers", &[("voter", word)], count(raft, |server| server.voter == voter));
            }
        }
        self.family("serf_servers", "gauge", "Servers that dkron's serf knows.");
        for (status, word) in STATUSES {
            self.sample("serf_servers", &[("status", word)], count(&state.members, |member| member.status == status));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(&["# HELP ", PREFIX, name, " ", help]);
        self.line(&["# TYPE ", PREFIX, name, " ", kind]);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.0.extend([PREFIX, name]);
        for (number, (label, word)) in labels.iter().enumerate() {
            self.0.extend([if number == 0 { "{" } else { "," }, label, "=\""]);
            for letter in word.chars() {
                match letter {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    _ => self.0.push(letter),
                }
            }
            self.0.push('"');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn line(&mut self, words: &[&str]) {
        self.0.extend(words.iter().copied());
        self.0.push('\n');
    }
}

fn count<T>(all: &[T], is: impl Fn(&T) -> bool) -> u64 {
    all.iter().filter(|one| is(one)).count() as u64
}

#[cfg(test)]
mod tests;
