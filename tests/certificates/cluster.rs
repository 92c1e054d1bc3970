//! Several replicas, several API servers that learn of the registration each at its own time, and the time that passes for all.

use std::sync::Arc;
use std::time::Duration;

use dkron_ha::certs::Authority;
use dkron_ha::certs::keeper::{AUTHORITY_NAME, KEPT_LIFE};
use dkron_ha::certs::keyring::Keyring;
use dkron_ha::certs::world::{Step, Why};
use rustls::pki_types::CertificateDer;

use crate::api::Api;
use crate::client::Client;
use crate::random::Random;
use crate::replica::{BEGIN, Moment, Replica, wall};
use crate::tally::Tally;

/// Between two probes of the kubelet.
const PROBE: Duration = Duration::from_secs(2);

/// Between two looks whether all is well.
const LOOK: Duration = Duration::from_millis(250);

/// One of several API servers: its copy of the registration is a little behind.
struct Caller {
    skew: i64,
    bundle: Vec<u8>,
    /// What is still on its way here: when it arrives, and the bundle.
    coming: Vec<(Duration, Vec<u8>)>,
    /// When it next calls the webhook.
    next: Duration,
}

/// How long things take.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Longest time of one request to the API server.
    pub slow: Duration,
    /// Longest time until another API server has learnt of a registration.
    pub lag: Duration,
    /// Mean time between two calls of one API server.
    pub call: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { slow: Duration::from_millis(300), lag: Duration::from_secs(3), call: Duration::from_secs(10) }
    }
}

pub struct Cluster {
    pub now: Duration,
    pub api: Api,
    pub replicas: Vec<Replica>,
    pub random: Random,
    pub pace: Pace,
    callers: Vec<Caller>,
    client: Client,
    probe: Duration,
    pub tally: Tally,
    pub failed: Vec<String>,
    /// All that have signed so far.
    signed: Vec<CertificateDer<'static>>,
    /// Successors that were made since the authority was due.
    planned: Vec<CertificateDer<'static>>,
    /// Who did what, for messages.
    pub story: Vec<String>,
    /// Bundles published that took away what somebody served by.
    pub harm: Vec<String>,
}

impl Cluster {
    pub fn new(api: Api, callers: usize, seed: u64) -> Self {
        let caller = |_| Caller { skew: 0, bundle: api.bundle(), coming: Vec::new(), next: Duration::ZERO };
        Self {
            now: Duration::from_secs(10),
            callers: (0..callers).map(caller).collect(),
            api,
            replicas: Vec::new(),
            random: Random::new(seed),
            pace: Pace::default(),
            client: Client::new(),
            probe: Duration::ZERO,
            tally: Tally::default(),
            failed: Vec::new(),
            signed: Vec::new(),
            planned: Vec::new(),
            story: Vec::new(),
            harm: Vec::new(),
        }
    }

    /// Before any replica starts: the authority was made so many days ago, and this is how many there were before it.
    pub fn has_grown_old(&mut self, days: u64, predecessors: usize) {
        let days = i64::try_from(days).expect("few");
        let made = |days: i64| {
            let then = wall(Duration::ZERO, -days * 24 * 60 * 60);
            Authority::create(AUTHORITY_NAME, then, KEPT_LIFE).expect("an authority")
        };
        let before = (1..).take(predecessors).map(|earlier| made(days + earlier).certificate().clone());
        let keyring = Keyring::new(Arc::new(made(days)), before);
        self.edit(|api| api.edit_secret(|stored| keyring.write(&mut stored.data)));
    }

    pub fn start_replica(&mut self, skew: i64) {
        self.replicas.push(Replica::start(self.now, skew, &mut self.random));
    }

    /// Another process in the place of one.
    pub fn restart(&mut self, which: usize) {
        let skew = self.replicas[which].skew;
        self.replicas[which] = Replica::start(self.now, skew, &mut self.random);
    }

    /// Clocks go wrong by up to so many seconds, each by something else.
    pub fn skew_clocks(&mut self, most: u64) {
        let mut draw =
            || i64::try_from(self.random.between(0, 2 * most)).expect("small") - i64::try_from(most).expect("small");
        self.replicas.iter_mut().for_each(|replica| replica.skew = draw());
        self.callers.iter_mut().for_each(|caller| caller.skew = draw());
        let skews: Vec<_> = self.replicas.iter().map(|replica| replica.skew).collect();
        self.tell(&format!("clocks of the replicas are wrong by {skews:?} s"));
    }

    /// Something was edited by hand: replicas and API servers learn of it.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Api)) {
        let before = self.api.registration.clone();
        edit(&mut self.api);
        if self.api.registration != before {
            self.spread();
        }
    }

    /// Nothing happens until so long before the first leaf is due at the latest, or the authority; then everybody looks again, each at
    /// its own moment.
    pub fn skip_until_due(&mut self, before: Duration) {
        let due = self.replicas.iter().map(Replica::due).min();
        let due = Duration::from_secs(due.and_then(|due| u64::try_from(due).ok()).expect("a date"));
        self.now = self.now.max(due.saturating_sub(BEGIN + before));
        self.probe = self.now;
        for replica in &mut self.replicas {
            replica.next = self.now + Duration::from_millis(self.random.between(0, 20_000));
        }
        for caller in &mut self.callers {
            caller.next = self.now;
            if let Some((_, bundle)) = caller.coming.pop() {
                caller.bundle = bundle;
            }
            caller.coming.clear();
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until all is well; how long that took, unless it took longer.
    pub fn until_well(&mut self, limit: Duration) -> Option<Duration> {
        let begun = self.now;
        while !self.is_well() {
            if self.now > begun + limit {
                return None;
            }
            self.run_for(LOOK);
        }
        Some(self.now.saturating_sub(begun))
    }

    /// Every webhook has the bundle of the Secret, every replica is ready as it sees the world and as it is, and a client that has the
    /// bundle shakes hands with each.
    pub fn is_well(&self) -> bool {
        let (sight, now) = (self.api.sight(), wall(self.now, 0));
        let (Some(keyring), Some(live)) = (self.api.keyring(), sight.live()) else { return false };
        let bundle = keyring.bundle().pem();
        live.carries(&bundle)
            && self.replicas.iter().all(|replica| {
                let trusted = replica.is_ready(self.now) && live.vouch(&replica.pair(), now).is_ok();
                trusted && self.client.shake_hands(&replica.acceptor, bundle.as_bytes(), now).is_ok()
            })
    }

    /// Versions of the Secret and of the registration: they change with each write.
    pub fn versions(&self) -> (Option<String>, Option<String>) {
        let secret = self.api.secret.as_ref().map(|stored| stored.version.clone());
        (secret, self.api.registration.as_ref().map(|live| live.version.clone()))
    }

    /// The next thing that happens, unless it is later than `end`.
    fn step(&mut self, end: Duration) -> bool {
        let replica = (0..self.replicas.len()).min_by_key(|at| self.replicas[*at].next);
        let caller = (0..self.callers.len()).min_by_key(|at| self.callers[*at].next);
        let of_replica = replica.map_or(Duration::MAX, |at| self.replicas[at].next);
        let of_caller = caller.map_or(Duration::MAX, |at| self.callers[at].next);
        let next = of_replica.min(of_caller).min(self.probe);
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        if next == self.probe {
            self.replicas.iter_mut().for_each(|replica| replica.probe(next));
            self.probe = next + PROBE;
        } else if let (Some(at), true) = (replica, of_replica <= of_caller) {
            self.live(at);
        } else if let Some(at) = caller {
            self.call(at);
        }
        true
    }

    fn live(&mut self, at: usize) {
        let before = self.api.clone();
        let moment = self.replicas[at].live(self.now, &mut self.api, &mut self.random, self.pace.slow);
        let step = match moment {
            Moment::Nothing => return,
            Moment::Served(leaf) => {
                self.tally.count(leaf);
                return self.tell(&format!("replica {at} serves another leaf: {leaf:?}"));
            }
            Moment::Done(step) => step,
        };
        let what = match &step {
            Step::Create { .. } => "makes the Secret".to_owned(),
            Step::Replace { why, .. } => format!("replaces the Secret: {why}"),
            Step::Discard { why, .. } => format!("deletes the Secret: {why}"),
            Step::Publish { .. } => "publishes".to_owned(),
            Step::Serve(_) | Step::Wait(_) => return,
        };
        self.tell(&format!("replica {at} {what}"));
        self.count_authority(&step);
        if let Step::Publish { .. } = step {
            self.watch_harm(at, &before);
            self.spread();
        }
    }

    /// Counts an authority that signs for the first time, unless it is the first of all.
    fn count_authority(&mut self, step: &Step) {
        let Some(keyring) = self.api.keyring() else { return };
        if let (Step::Replace { why: Why::Due, .. }, Some(next)) = (step, keyring.next()) {
            self.planned.push(next.certificate().clone());
        }
        let authority = keyring.authority().certificate();
        if self.signed.contains(authority) {
            return;
        }
        let is_planned = self.planned.contains(authority);
        self.tally.aged_authorities += usize::from(is_planned);
        self.tally.forced_authorities += usize::from(!is_planned && !self.signed.is_empty());
        self.signed.push(authority.clone());
    }

    /// Adds a line to the story.
    pub fn tell(&mut self, what: &str) {
        self.story.push(format!("{:>8.3} {what}: {}", self.now.as_secs_f64(), self.api.shown()));
    }

    /// A bundle that was published must not take away what the one before it gave.
    fn watch_harm(&mut self, by: usize, before: &Api) {
        let now = wall(self.now, 0);
        for (at, replica) in self.replicas.iter().enumerate() {
            let trusted = |api: &Api| api.sight().vouch(&replica.pair(), now).is_ok();
            if trusted(before) && !trusted(&self.api) {
                self.harm.push(format!(
                    "at {:?} replica {by} took the trust in {at} away: {}",
                    self.now,
                    self.api.shown()
                ));
            }
        }
    }

    fn spread(&mut self) {
        let (now, bundle) = (self.now, self.api.bundle());
        let most = u64::try_from(self.pace.lag.as_millis()).expect("short");
        for caller in &mut self.callers {
            let earliest = caller.coming.last().map_or(now, |(when, _)| *when);
            let arrives = earliest.max(now + Duration::from_millis(self.random.below(most + 1)));
            caller.coming.push((arrives, bundle.clone()));
        }
        for replica in &mut self.replicas {
            replica.ring(now + Duration::from_millis(self.random.between(1, 500)));
        }
    }

    /// One call of an API server to each endpoint of the Service.
    fn call(&mut self, at: usize) {
        let caller = &mut self.callers[at];
        while caller.coming.first().is_some_and(|(when, _)| *when <= self.now) {
            caller.bundle = caller.coming.remove(0).1;
        }
        let mean = u64::try_from(self.pace.call.as_millis()).expect("short");
        caller.next = self.now + Duration::from_millis(self.random.between(1, 2 * mean));
        // One that has not learnt of the first bundle yet can trust nobody, whatever is served.
        if self.callers[at].bundle.is_empty() {
            return;
        }
        let (now, caller) = (wall(self.now, self.callers[at].skew), &self.callers[at]);
        for (which, replica) in self.replicas.iter().enumerate().filter(|(_, replica)| replica.is_endpoint()) {
            self.tally.handshakes += 1;
            if let Err(error) = self.client.shake_hands(&replica.acceptor, &caller.bundle, now) {
                let (skew, own) = (caller.skew, replica.skew);
                self.failed.push(format!(
                    "at {:?} API server {at} (clock {skew} s) and replica {which} (clock {own} s): {error}",
                    self.now
                ));
            }
        }
    }
}
