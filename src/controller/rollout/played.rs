//! Rollouts in a small played world: servers that start, elect, crash and leave, templates that change or never work, replicas that
//! change, people who delete pods, and a controller that is killed at any point. Everything follows from the number of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;

/// Seconds between two moments.
const TICK: i64 = 2;

/// A server of the world.
struct Played {
    uid: u64,
    version: u64,
    revision: usize,
    /// When its dkron runs; later still after a crash.
    runs_from: i64,
    /// Until then its pod is not ready, though its dkron runs: another container of it is down.
    hidden_until: i64,
    ready_since: Result<i64, i64>,
    gone_at: Option<i64>,
    labelled: bool,
    formed: bool,
}

#[derive(Default)]
struct World {
    random: u64,
    now: i64,
    replicas: u32,
    ordered: bool,
    revision: usize,
    /// What the StatefulSet controller has seen.
    observed: usize,
    /// Templates that never work.
    bad: BTreeSet<usize>,
    pods: BTreeMap<u32, Played>,
    /// Its ordinal, and since when.
    leader: Option<(u32, i64)>,
    made: u64,
    /// Servers that the controller took from the cluster, and that are not back.
    taken: BTreeSet<u32>,
    /// How often the controller has deleted a leader.
    failovers: usize,
}

impl World {
    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % end
    }

    fn seconds(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).expect("a few")
    }

    fn is_up(&self, ordinal: u32) -> bool {
        let works =
            |pod: &Played| pod.gone_at.is_none() && self.now >= pod.runs_from && !self.bad.contains(&pod.revision);
        self.pods.get(&ordinal).is_some_and(works)
    }

    /// Without one of two servers there is no quorum; whoever leaves in order leaves the other one as a cluster.
    fn needed(&self) -> usize {
        let replicas = self.replicas as usize;
        (replicas / 2 + 1).min(replicas.saturating_sub(1)).max(1)
    }

    fn up(&self) -> Vec<u32> {
        self.pods.keys().copied().filter(|ordinal| self.is_up(*ordinal)).collect()
    }

    /// What Kubernetes and the servers do within a moment.
    fn tick(&mut self) {
        self.now += TICK;
        let now = self.now;
        self.pods.retain(|_, pod| pod.gone_at.is_none_or(|at| now < at));
        for ordinal in 0..self.replicas {
            // In an `OrderedReady` set nobody is made before those that come first are ready.
            if self.ordered && self.pods.range(..ordinal).any(|(_, pod)| pod.ready_since.is_err()) {
                break;
            }
            if !self.pods.contains_key(&ordinal) {
                self.made += 1;
                let (uid, runs_from) = (self.made, now + 4 + self.seconds(20));
                let (revision, ready_since) = (self.observed, Err(now));
                self.pods.insert(
                    ordinal,
                    Played {
                        uid,
                        version: 0,
                        revision,
                        runs_from,
                        hidden_until: 0,
                        ready_since,
                        gone_at: None,
                        labelled: false,
                        formed: false,
                    },
                );
            }
        }
        for ordinal in self.replicas..self.pods.keys().next_back().map_or(0, |last| last + 1) {
            self.leave(ordinal);
        }
        self.observed = self.revision;
        self.elect();
        let (led, ever) = (self.leader.is_some(), self.pods.values().any(|pod| pod.formed));
        for ordinal in self.pods.keys().copied().collect::<Vec<_>>() {
            let (up, leads) =
                (self.is_up(ordinal), self.leader.is_some_and(|(leader, since)| leader == ordinal && since < now));
            // As its wrapper says where the servers after it wait for it.
            let next_exist = self.ordered && (ordinal..self.replicas).any(|next| !self.pods.contains_key(&next));
            let pod = self.pods.get_mut(&ordinal).expect("a pod");
            let ready = up && (led || !ever || next_exist) && now >= pod.hidden_until;
            let before = (pod.ready_since.is_ok(), pod.labelled, pod.formed);
            if ready != before.0 {
                pod.ready_since = if ready { Ok(now) } else { Err(now) };
            }
            (pod.labelled, pod.formed) = (leads, pod.formed || (up && led));
            pod.version += u64::from(before != (ready, pod.labelled, pod.formed));
            if ready {
                self.taken.remove(&ordinal);
            }
        }
    }

    fn elect(&mut self) {
        let up = self.up();
        if up.len() < self.needed() {
            self.leader = None;
        } else if self.leader.is_none_or(|(leader, _)| !up.contains(&leader)) {
            let nth = usize::try_from(self.below(up.len() as u64)).expect("a few");
            self.leader = Some((up[nth], self.now));
        }
    }

    fn leave(&mut self, ordinal: u32) {
        let gone_at = self.now + 2 + self.seconds(20);
        if let Some(pod) = self.pods.get_mut(&ordinal)
            && pod.gone_at.is_none()
        {
            (pod.gone_at, pod.version) = (Some(gone_at), pod.version + 1);
        }
    }

    /// What people and nodes do.
    fn disturb(&mut self) {
        let ordinal = u32::try_from(self.below(5)).expect("a few");
        match self.below(9) {
            0 | 1 => self.revision += 1,
            2 => {
                self.revision += 1;
                self.bad.insert(self.revision);
            }
            3 => self.replicas = ordinal + 1,
            4 => self.leave(ordinal),
            5 => self.leader = self.up().first().map(|first| (*first, self.now)),
            6 => {
                let back = self.now + self.seconds(900);
                self.pods.entry(ordinal).and_modify(|pod| pod.hidden_until = back);
            }
            _ => {
                let back = self.now + 2 + self.seconds(400);
                self.pods.entry(ordinal).and_modify(|pod| pod.runs_from = back);
            }
        }
    }

    fn read(&self) -> (StatefulSet, Vec<Pod>) {
        let policy = if self.ordered { "OrderedReady" } else { "Parallel" };
        let set = json!({
            "metadata": { "name": "dkron", "uid": "u-1", "generation": self.revision },
            "spec": { "replicas": self.replicas, "podManagementPolicy": policy, "selector": {}, "template": {} },
            "status": { "replicas": 0, "observedGeneration": self.observed, "updateRevision": self.observed.to_string() },
        });
        let pods = self.pods.iter().map(|(ordinal, pod)| serde_json::from_value(pod.read(*ordinal)).expect("a pod"));
        (serde_json::from_value(set).expect("a set"), pods.collect())
    }

    fn look(&self) -> Rollout {
        let (set, pods) = self.read();
        rollout(&set, &pods, Timestamp::from_second(self.now).expect("a time")).expect("a rollout")
    }

    /// What must hold whenever the controller has decided that a server goes.
    fn check(&self, replace: &Replace) {
        let ordinal = ordinal_of(replace);
        let others = || self.pods.iter().filter(|(other, _)| **other != ordinal);
        assert!(others().all(|(other, pod)| *other >= self.replicas || pod.gone_at.is_none()), "another one stops");
        let up = self.up().len();
        // Where there is no quorum, one that can do nothing without it may go; and nobody sees one where no pod is ready, or that is of
        // this very moment.
        let is_old = self.leader.is_none_or(|(_, since)| since < self.now);
        let shows = is_old && self.pods.values().any(|pod| pod.ready_since.is_ok());
        if self.is_up(ordinal) && shows && up >= self.needed() {
            let needed = if self.replicas == 1 { 0 } else { self.needed() };
            assert!(up > needed, "{up} of {} are up: {:?}", self.replicas, self.look());
        }
        // One that is not ready is away already.
        if self.pods[&ordinal].ready_since.is_ok() {
            assert!(self.taken.iter().all(|taken| *taken >= self.replicas), "two at a time");
            assert!((0..self.replicas).all(|other| self.pods.contains_key(&other)), "another one is missing");
        }
        // The label follows within a moment. A leader that is out of order for long goes first.
        let is_stuck = self.pods[&ordinal].ready_since.is_err_and(|since| self.now - since >= STUCK.as_secs());
        if self.leader.is_some_and(|(leader, since)| leader == ordinal && self.now - since > 2 * TICK) && !is_stuck {
            let is_done = |pod: &Played| pod.revision == self.observed && pod.ready_since.is_ok();
            assert!(others().all(|(_, pod)| is_done(pod)), "the leader went before others");
        }
    }

    /// What the API server does with it: it may be later, and the pod may have changed.
    fn delete(&mut self, replace: &Replace) {
        let ordinal = ordinal_of(replace);
        let seen = (replace.uid.clone(), replace.version.clone());
        if self.pods.get(&ordinal).is_some_and(|pod| (pod.uid.to_string(), pod.version.to_string()) == seen) {
            if self.is_up(ordinal) {
                self.taken.insert(ordinal);
            }
            self.failovers += usize::from(self.leader.is_some_and(|(leader, _)| leader == ordinal));
            self.leave(ordinal);
        }
    }

    /// One look, and what comes of it. The controller may be killed before it acts.
    fn act(&mut self) -> Step {
        let step = self.look().step;
        if let Step::Replace(replace) = &step {
            self.check(replace);
            if self.chance(3) {
                self.tick();
            }
            if !self.chance(4) {
                self.delete(replace);
            }
        }
        step
    }

    /// Until all is done; nobody disturbs.
    fn finish(&mut self) {
        let begun = self.now;
        while self.act() != Step::Done {
            self.tick();
            assert!(self.now < begun + 3600, "{:?}", self.look());
        }
    }
}

impl Played {
    fn read(&self, ordinal: u32) -> Value {
        let (ready, since) = match self.ready_since {
            Ok(since) => ("True", since),
            Err(since) => ("False", since),
        };
        let since = Timestamp::from_second(since).expect("a time").to_string();
        let owner =
            json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "", "uid": "u-1", "controller": true });
        let env = json!([{ "name": "DKRON_HA_STORAGE", "value": "persistent" }]);
        json!({
            "metadata": {
                "name": format!("dkron-{ordinal}"), "uid": self.uid.to_string(),
                "resourceVersion": self.version.to_string(), "ownerReferences": [owner],
                "deletionTimestamp": self.gone_at.map(|at| Timestamp::from_second(at).expect("a time").to_string()),
                "labels": {
                    "controller-revision-hash": self.revision.to_string(), (label::INJECTED): "true",
                    (label::LEADER): self.labelled.to_string(),
                },
                "annotations": { (annotation::FORMED): self.formed.to_string() },
            },
            "spec": { "containers": [{ "name": "dkron", "env": env }] },
            "status": {
                "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": since }],
                "containerStatuses": [{
                    "name": "dkron", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": { "running": {} },
                }],
            },
        })
    }
}

fn ordinal_of(replace: &Replace) -> u32 {
    replace.pod.strip_prefix("dkron-").and_then(|ordinal| ordinal.parse().ok()).expect("a server of dkron")
}

fn new(run: u64, replicas: u32) -> World {
    World { random: run, now: 1_000_000, replicas, ordered: run.is_multiple_of(4), ..World::default() }
}

/// A cluster that has been made just now and works.
fn founded(run: u64, replicas: u32) -> World {
    let mut world = new(run, replicas);
    world.finish();
    for _ in 0..10 {
        world.tick();
    }
    assert!(world.leader.is_some() && world.failovers == 0);
    world
}

#[test]
fn left_alone_a_rollout_is_one_failover_whoever_kills_the_controller() {
    for run in 0..10 {
        for replicas in 1..=5 {
            let mut world = founded(run, replicas);
            world.revision += 1;
            world.tick();
            world.finish();
            assert_eq!(world.failovers, 1, "run {run} of {replicas} servers");
        }
    }
}

/// The checks at each deletion are those of [`World::check`].
#[test]
fn whatever_happens_no_quorum_is_lost_by_the_controller_and_all_is_done_in_the_end() {
    for run in 0..60 {
        let replicas = u32::try_from(1 + run % 5).expect("a few");
        let mut world = if run % 3 == 0 { new(run, replicas) } else { founded(run, replicas) };
        for _ in 0..300 {
            if world.chance(12) {
                world.disturb();
            }
            // Nobody can know of a crash before it shows.
            world.tick();
            if world.chance(2) {
                world.act();
            }
        }
        if world.bad.contains(&world.revision) {
            world.revision += 1;
            world.tick();
        }
        world.finish();
    }
}
