//! What the edges of the wrapper do: they feed the procedure with what happens and carry out what it wants, each in its time.

use dkron_ha::contract::port;
use dkron_ha::init::procedure::{
    Action, Desired, Disk, Generation, Input, Launch, Me, Moment, Name, Now, Outcome, PeerName, Prepare, Procedure,
    Storage,
};

use crate::dkron::{Flags, Log, Stage, Target};
use crate::faults::Planted;
use crate::invariants::Broken;
use crate::names::{Mask, Slot, address, number, place_of, set_of};
use crate::world::{Event, World};

/// The clock of each machine began at another time.
const CLOCKS: u64 = 5_000_000;

/// A procedure that takes in more than this is in a loop.
const STEPS: u32 = 60_000;
/// `dkron version` beside a start takes about as long as that, milliseconds.
const VERSION: u64 = 400;

/// A wrapper and its edges.
#[derive(Debug)]
pub struct Wrapper {
    /// The procedure.
    pub procedure: Box<Procedure>,
    /// Its number: what was meant for earlier ones is dropped by it.
    pub life: u32,
    /// TERM came.
    pub stopping: bool,
    /// The fault in it.
    pub planted: Planted,
    /// Since when its answer to the readiness probe has not been true.
    pub wrongly_ready_since: Option<u64>,
    /// It has had an answer of somebody who held the cluster, or had heard of it.
    pub has_heard: bool,
    /// Peers that are being looked at.
    pub looking: Mask,
    /// Those of them that are to be looked at once more.
    pub look_again: Mask,
    /// A look at the own dkron is on its way.
    pub own_asked: bool,
    /// When it looked at the peers last by itself, and does so next.
    pub peers_at: (u64, u64),
    /// The same for the own dkron.
    pub own_at: (u64, u64),
    tick_at: u64,
    steps: u32,
}

/// The time as the machine of a place has it.
pub fn clock(slot: Slot, now: u64) -> Now {
    Now { at: Moment(now + CLOCKS * (slot as u64 + 1)), in_second: (now % 1_000) as u16 }
}

impl Wrapper {
    /// Its readiness probe says yes.
    pub fn is_ready(&self, slot: Slot, now: u64) -> bool {
        self.procedure.health(clock(slot, now)).ready.is_ok()
    }

    /// Its liveness probe says yes.
    pub fn is_live(&self, slot: Slot, now: u64) -> bool {
        self.procedure.health(clock(slot, now)).live.is_ok()
    }
}

/// A server that is told to stop and back without having served is told again within this time, milliseconds.
const AGAIN: u64 = 10_000;

impl World {
    /// PID 1 of a container begins.
    pub fn start_wrapper(&mut self, slot: Slot) {
        let mut me = self.me(slot);
        let planted = Planted::new(self.params.fault, self.now);
        planted.begin(&mut me);
        self.lives += 1;
        let life = self.lives;
        let procedure = Box::new(Procedure::new(me));
        let wrapper = Wrapper {
            procedure,
            life,
            stopping: false,
            planted,
            wrongly_ready_since: None,
            has_heard: false,
            looking: 0,
            look_again: 0,
            own_asked: false,
            peers_at: (self.now, self.now + self.random.between(1, 40)),
            own_at: (self.now, self.now + self.random.between(1, 60)),
            tick_at: u64::MAX,
            steps: 0,
        };
        let (peers, own) = (wrapper.peers_at.1 - self.now, wrapper.own_at.1 - self.now);
        self.wrappers[slot] = Some(wrapper);
        self.volumes[slot].waits_since = self.now;
        self.unclear[slot] = 0;
        let slot8 = slot as u8;
        self.after(peers, Event::Peers { slot: slot8, life });
        self.after(own, Event::Own { slot: slot8, life, again: true });
        if let Some((desired, at)) = self.pods[slot].as_ref().and_then(|pod| pod.desired.clone()) {
            self.wrapper_hears_desired(slot, 1, desired, at);
        }
        self.feed(slot, Input::Tick);
    }

    fn me(&mut self, slot: Slot) -> Me {
        let set = set_of(slot);
        let node = self.names.nodes[place_of(slot)].clone();
        let size = self.sets[set].size;
        let place = place_of(slot);
        let named = (0..size).chain((place >= size).then_some(place));
        let peer = |place: usize| PeerName {
            pod: self.names.nodes[place].clone(),
            host: self.names.hosts[crate::names::slot_of(set, place)].clone(),
        };
        let volume = &self.volumes[slot];
        let disk = match &volume.marker {
            _ if !volume.database => Disk::Empty,
            Some(marker) if !marker.members.is_empty() => Disk::State,
            _ => Disk::Unknown,
        };
        Me {
            namespace: self.names.namespaces[set].clone(),
            cluster: self.names.cluster.clone(),
            pod: node.clone(),
            node,
            ip: self.pods[slot].as_ref().map(|pod| address(pod.ip)),
            peers: named.map(peer).collect(),
            size: Some(size as u32),
            users_size: Some(size as u32),
            storage: if self.params.ephemeral { Storage::Ephemeral } else { Storage::Persistent },
            // Beside an empty disk it asks for the version only once dkron starts.
            generation: if self.params.three && disk != Disk::Empty { Generation::Three } else { Generation::Four },
            grace: std::time::Duration::from_secs(self.params.grace),
            rpc_port: port::DKRON_RPC,
            disk,
            // Beside nothing it counts for nothing.
            marker: volume.marker.clone().filter(|_| disk != Disk::Empty),
            // No two wrappers of the world begin at the same moment and place.
            founding: Some(format!("{slot}-{}", self.now).into()),
        }
    }

    /// The procedure of `slot` takes in `input`, and what it wants begins.
    pub fn feed(&mut self, slot: Slot, mut input: Input) {
        let Some(mut wrapper) = self.wrappers[slot].take() else { return };
        let life = wrapper.life;
        let now = clock(slot, self.now);
        if !wrapper.planted.hears(self, slot, &mut input) {
            self.wrappers[slot] = Some(wrapper);
            return self.keep_pace(slot);
        }
        let wanted = wrapper.procedure.step(now, input);
        let wanted = if wanted.is_empty() { wanted } else { wrapper.planted.wants(self, slot, wanted) };
        let due = wrapper.procedure.next(now).since(now.at).as_millis() as u64;
        let due = self.now + due.max(1);
        if due < wrapper.tick_at || wrapper.tick_at <= self.now {
            wrapper.tick_at = due;
            self.after(due - self.now, Event::Tick { slot: slot as u8, life });
        }
        wrapper.steps += 1;
        let loops = wrapper.steps > STEPS;
        self.wrappers[slot] = Some(wrapper);
        if loops {
            self.break_with(Broken::Loop, || format!("wrapper {slot} has taken in {STEPS} facts"));
        }
        self.keep_pace(slot);
        for action in wanted {
            self.begin(slot, life, action);
        }
    }

    /// A shorter pause between two looks ends one that has begun.
    pub fn keep_pace(&mut self, slot: Slot) {
        let now = self.now;
        let Some(wrapper) = self.wrappers[slot].as_mut() else { return };
        let (pace, life, slot) = (wrapper.procedure.pace(), wrapper.life, slot as u8);
        let due = |(last, next): &mut (u64, u64), pause: std::time::Duration| {
            let due = (*last + pause.as_millis() as u64).max(now + 1);
            let earlier = due < *next;
            *next = due.min(*next);
            earlier.then_some(due - now)
        };
        let (peers, own) = (due(&mut wrapper.peers_at, pace.peers), due(&mut wrapper.own_at, pace.own));
        if let Some(time) = peers {
            self.after(time, Event::Peers { slot, life });
        }
        if let Some(time) = own {
            self.after(time, Event::Own { slot, life, again: true });
        }
    }

    /// A tick is due.
    pub fn tick(&mut self, slot: Slot, life: u32) {
        let now = self.now;
        let due = |wrapper: &&mut Wrapper| wrapper.life == life && wrapper.tick_at <= now;
        let Some(wrapper) = self.wrappers[slot].as_mut().filter(due) else { return };
        wrapper.tick_at = 0;
        self.feed(slot, Input::Tick);
    }

    /// The wrapper hears something, if it is still the same.
    pub fn hears(&mut self, slot: Slot, life: u32, input: Input) {
        if self.wrappers[slot].as_ref().is_some_and(|wrapper| wrapper.life == life) {
            let looked = if let Input::Looked { pod, .. } = &input { Some(pod.clone()) } else { None };
            self.feed(slot, input);
            if let Some(pod) = looked {
                self.look_ends(slot, &pod);
            }
        }
    }

    /// The present wrapper is to hear something in some milliseconds.
    pub fn wrapper_hears(&mut self, slot: Slot, time: u64, input: Input) {
        let Some(life) = self.wrappers[slot].as_ref().map(|wrapper| wrapper.life) else { return };
        self.after(time, Event::Heard { slot: slot as u8, life, input: Box::new(input) });
    }

    /// dkron ended.
    pub fn wrapper_hears_end(&mut self, slot: Slot, code: u8) {
        if self.pods[slot].as_ref().is_some_and(|pod| pod.kind == crate::kubernetes::Kind::Plain && pod.running) {
            self.container_ends(slot);
        } else {
            self.wrapper_hears(slot, 2, Input::Ended(code));
        }
    }

    /// The answer to a leave.
    pub fn wrapper_hears_leave(&mut self, slot: Slot, done: bool) {
        let outcome = self.outcome(done.then_some(()));
        self.wrapper_hears(slot, 1, Input::Left(outcome));
    }

    /// A `desired.json` that was written at `written`.
    pub fn wrapper_hears_desired(&mut self, slot: Slot, time: u64, desired: Desired, written: u64) {
        self.wrapper_hears(slot, time, Input::Desired(desired, clock(slot, written).at));
    }

    /// It is told to stop. Whoever was told so a moment ago and has not served since was told then: to the others, who go together with
    /// it, it has not been back.
    pub fn note_stop(&mut self, slot: Slot) {
        let serves = self.dkron[slot].as_ref().is_some_and(|process| process.stage >= Stage::Serving);
        if serves || self.stop_told[slot] == 0 || self.now - self.stop_told[slot] > AGAIN {
            self.stop_told[slot] = self.now;
        }
        self.stop_told_last[slot] = self.now;
    }

    /// TERM to PID 1.
    pub fn stop_wrapper(&mut self, slot: Slot) {
        if let Some(wrapper) = self.wrappers[slot].as_mut() {
            wrapper.stopping = true;
            self.note_stop(slot);
            self.note(|| format!("wrapper {slot} is told to stop"));
            self.feed(slot, Input::Stop);
        }
    }

    fn outcome<T>(&self, done: Option<T>) -> Outcome<T> {
        done.ok_or_else(|| self.names.failed.clone())
    }

    /// A planted fault wants something.
    pub fn is_made_to(&mut self, slot: Slot, action: Action) {
        if let Some(life) = self.wrappers[slot].as_ref().map(|wrapper| wrapper.life) {
            self.begin(slot, life, action);
        }
    }

    /// What takes time is done later.
    fn begin(&mut self, slot: Slot, life: u32, action: Action) {
        self.note(|| match &action {
            Action::Say(saying) => format!("{slot}: {saying}"),
            other => format!("{slot} wants {other:?}"),
        });
        let time = match &action {
            Action::ListRaft(_) => self.random.between(25, 70),
            Action::RemovePeer { .. } => self.random.between(25, 120),
            Action::HandOver(_) => self.random.between(5, 25),
            Action::Leave | Action::AskBusy => self.random.between(1, 6),
            // Later than what asked for it.
            Action::Look => 1,
            _ => 0,
        };
        if time == 0 {
            self.carry_out(slot, life, action);
        } else {
            self.after(time, Event::Done { slot: slot as u8, life, action: Box::new(action) });
        }
    }

    /// What the wrapper wanted is done now.
    pub fn carry_out(&mut self, slot: Slot, life: u32, action: Action) {
        if self.wrappers[slot].as_ref().is_none_or(|wrapper| wrapper.life != life) {
            return;
        }
        match action {
            Action::Start(launch) => self.launch(slot, &launch),
            Action::Term => {
                self.check_going(slot, "TERM");
                self.term_dkron(slot);
            }
            Action::Kill => {
                self.check_going(slot, "KILL");
                self.kill_dkron(slot);
            }
            Action::ListRaft(at) => {
                let there = number(at.ip()).and_then(|ip| self.slot_at(ip)).filter(|there| self.reaches(slot, *there));
                let servers = there.and_then(|there| self.raft_servers(there));
                let outcome = self.outcome(servers);
                self.feed(slot, Input::Raft(at, outcome));
            }
            Action::RemovePeer { at, id } => {
                let place = self.names.place(&id);
                let done = number(at.ip()).zip(place).map(|(ip, place)| self.remove_peer(slot, ip, place));
                let outcome = self.outcome(done.and_then(Result::ok));
                self.feed(slot, Input::Removed(id, outcome));
            }
            Action::HandOver(to) => {
                let there = number(to.ip()).and_then(|ip| self.slot_at(ip)).filter(|there| self.reaches(slot, *there));
                let there = there.filter(|at| self.runs_raft(*at));
                if let Some(there) = there {
                    let time = self.random.between(8, 45);
                    self.dkron_in(time, there, crate::dkron::Step::TakeOver);
                }
                let outcome = self.outcome(there.map(|_| ()));
                self.feed(slot, Input::HandedOver(to, outcome));
            }
            Action::Leave => {
                self.check_going(slot, "leave");
                if !self.leave(slot) {
                    self.wrapper_hears_leave(slot, false);
                }
            }
            Action::AskBusy => {
                let now = self.now;
                let busy = self.dkron[slot].as_ref().filter(|process| process.stage >= crate::dkron::Stage::Serving);
                let busy = busy.map(|process| usize::from(process.busy_until > now));
                let outcome = self.outcome(busy);
                self.feed(slot, Input::Busy(outcome));
            }
            Action::Mark(marker) => self.volumes[slot].marker = Some(marker),
            Action::Look => {
                self.look_at_peers(slot, life, false);
                self.ask_own(slot);
            }
            Action::Exit(code) => {
                self.note(|| format!("wrapper {slot} exits with {code}"));
                self.check_going(slot, "exit");
                self.founder_is_silent(slot);
                self.container_ends(slot);
            }
            Action::EndPlugins | Action::Say(_) => {}
        }
    }

    fn launch(&mut self, slot: Slot, launch: &Launch) {
        match &launch.disk {
            Prepare::Keep => {}
            Prepare::MoveAside => {
                self.volumes[slot].log = Log::default();
                self.volumes[slot].database = false;
            }
            Prepare::Recover(servers) => self.recover(slot, servers),
        }
        let join = launch.join.iter().filter_map(|name| self.target(name)).collect();
        self.start_dkron(slot, Flags { join, expect: launch.expect.unwrap_or(0) });
        self.wrapper_hears(slot, 1, Input::Started);
        if self.params.three {
            self.wrapper_hears(slot, VERSION, Input::Generation(Generation::Three));
        }
        self.ask_own(slot);
    }

    /// The own dkron is to be looked at now.
    fn ask_own(&mut self, slot: Slot) {
        let time = self.random.between(1, 4);
        let Some(wrapper) = self.wrappers[slot].as_mut() else { return };
        let life = wrapper.life;
        if !std::mem::replace(&mut wrapper.own_asked, true) {
            self.after(time, Event::Own { slot: slot as u8, life, again: false });
        }
    }

    fn target(&self, name: &Name) -> Option<Target> {
        let by_name = self.names.hosts.iter().position(|host| host == name).map(Target::Name);
        by_name.or_else(|| name.parse().ok().and_then(number).map(Target::Address))
    }
}
