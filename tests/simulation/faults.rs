//! Faults that are planted, to see whether the simulator finds them: each stands between the procedure and its edges and spoils
//! what goes in or out in one respect. The procedure itself stays as it is.

use dkron_ha::init::procedure::{
    Action, Desired, Disk, Input, Leader, Look, Me, Name, PROTOCOL, Phase, State, Status, Told,
};

use crate::dkron::Standing;
use crate::driver::clock;
use crate::invariants::Broken;
use crate::names::{Slot, address, place_of, set_of};
use crate::world::{Event, World};

macro_rules! faults {
    ($($name:ident = $text:literal breaks $($broken:ident)|+,)*) => {
        /// A fault.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Fault {
            /// None.
            #[default]
            None,
            $(#[doc = $text] $name,)*
        }

        impl Fault {
            /// All but none.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The invariants that it may break.
            pub fn threatens(self) -> &'static [Broken] {
                match self {
                    Self::None => &[],
                    $(Self::$name => &[$(Broken::$broken),+],)*
                }
            }

            /// The schedule from which on it is looked for: some are found late, and each time anew would take minutes.
            pub fn begins(self) -> u64 {
                match self {
                    Self::UnknownProtocol => 44_000,
                    Self::StaleDesired => 17_300,
                    _ => 0,
                }
            }

            /// What it is.
            pub fn text(self) -> &'static str {
                match self {
                    Self::None => "no fault",
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    SeedBootstrap = "the seed's bootstrap: names resolve, nobody leads, so expect, whatever the disks hold" breaks TwoClusters | BootstrapOverState,
    MarkerHidden = "raft state on the own disk is not seen" breaks TwoClusters | BootstrapOverState | DataLost | NoProgress,
    BootstrapTimer = "bootstrap on a timer: who is still missing after 60 s counts as empty" breaks TwoClusters | BootstrapOverState | NoProgress,
    UnseenPeer = "a peer that is not seen counts as empty" breaks TwoClusters | BootstrapOverState | NoProgress,
    UnknownProtocol = "a state in another protocol is read as empty" breaks TwoClusters | BootstrapOverState | QuorumLost | WrongRemoval | NoProgress,
    NoIdentity = "whoever answers at a peer's address is the peer" breaks TwoClusters | WrongRemoval | QuorumLost | NoProgress,
    LeaveFirst = "leave without remove-peer, also of two servers" breaks QuorumLost | NoProgress,
    NoHold = "TERM: leave at once" breaks QuorumLost,
    LeaveThoughAllStop = "leave although all servers stop" breaks QuorumLost | DataLost | TwoClusters | NoProgress,
    RemoveLeaderAtItself = "the leader steps down by removing itself at itself" breaks WrongRemoval,
    Island = "every server joins itself" breaks TwoClusters | BootstrapOverState | NoProgress,
    StaleDesired = "an old desired.json is taken for a fresh one" breaks WrongRemoval | QuorumLost,
    LenientLeader = "any member without an address is taken for the leader" breaks TwoClusters | NoProgress | WronglyReady,
    NameNotAwaited = "started although the own name is not free" breaks QuorumLost | NoProgress,
    NoStallCure = "a stalled bootstrap is not seen" breaks NoProgress,
    NoZombieCure = "a lost name is not seen" breaks NoProgress,
    RemoveRunning = "a server that is to go is removed by others while it runs" breaks WrongRemoval,
}

/// A fault in one wrapper.
#[derive(Debug)]
pub struct Planted {
    fault: Fault,
    born: u64,
    /// It has taken over from the procedure.
    acts: bool,
    desired: Option<Desired>,
    renewed_at: u64,
}

impl Planted {
    /// The fault in a wrapper that begins.
    pub fn new(fault: Fault, born: u64) -> Self {
        Self { fault, born, acts: false, desired: None, renewed_at: 0 }
    }

    /// Spoils what is known from the beginning.
    pub fn begin(&self, me: &mut Me) {
        if matches!(self.fault, Fault::MarkerHidden | Fault::SeedBootstrap) {
            me.disk = Disk::Empty;
            me.marker = None;
        }
    }

    /// Spoils what is heard; says whether the procedure hears it at all.
    pub fn hears(&mut self, world: &mut World, slot: Slot, input: &mut Input) -> bool {
        if self.fault == Fault::None {
            return true;
        }
        if self.fault == Fault::NoHold {
            return self.takes_over(world, slot, input);
        }
        match input {
            Input::Looked { pod, looks, .. } => self.spoil_looks(world, slot, pod, looks),
            Input::Own(Some(view)) if self.fault == Fault::LenientLeader && view.leader.is_none() => {
                view.leader = nameless(world, slot);
            }
            Input::Raft(_, outcome)
                if self.fault == Fault::NoStallCure && outcome.as_ref().is_ok_and(|told| told.servers.is_empty()) =>
            {
                *outcome = Err("failed".into());
            }
            Input::Desired(desired, _) => self.desired = Some(desired.clone()),
            Input::Tick if self.fault == Fault::StaleDesired && world.now > self.renewed_at + 5_000 => {
                self.renewed_at = world.now;
                if let Some(desired) = self.desired.clone() {
                    *input = Input::Desired(desired, clock(slot, world.now).at);
                }
            }
            _ => {}
        }
        true
    }

    fn spoil_looks(&self, world: &World, slot: Slot, pod: &Name, looks: &mut Result<Vec<Look>, Name>) {
        let seen = looks.as_ref().is_ok_and(|looks| looks.iter().any(|look| matches!(look.wrapper, Told::Answer(_))));
        let invents = match self.fault {
            Fault::BootstrapTimer => world.now > self.born + 60_000,
            Fault::UnseenPeer => true,
            _ => false,
        };
        let known = world.names.place(pod).is_some_and(|place| place < world.sets[set_of(slot)].size);
        if invents && !seen && known {
            let state = invented(world, slot, pod);
            *looks =
                Ok(vec![Look { ip: address(0), by_name: true, wrapper: Told::Answer(state), dkron: Told::Silence }]);
        }
        for look in looks.iter_mut().flatten() {
            let Told::Answer(state) = &mut look.wrapper else { continue };
            match self.fault {
                Fault::SeedBootstrap => empty(state),
                Fault::UnknownProtocol if state.protocol != PROTOCOL => {
                    state.protocol = PROTOCOL;
                    empty(state);
                }
                Fault::NoIdentity => {
                    state.namespace = world.names.namespaces[set_of(slot)].clone();
                    state.set_uid = None;
                }
                Fault::NameNotAwaited => {
                    state.members.retain(|member| member.name != world.names.nodes[place_of(slot)]);
                }
                Fault::NoZombieCure if world.dkron[slot].is_some() => {
                    for member in state.members.iter_mut().filter(|m| m.name == world.names.nodes[place_of(slot)]) {
                        member.status = Status::Alive;
                        member.ip = world.pods[slot].as_ref().map_or(member.ip, |pod| address(pod.ip));
                    }
                }
                _ => {}
            }
        }
    }

    /// Instead of the procedure: leave, TERM, exit.
    fn takes_over(&mut self, world: &mut World, slot: Slot, input: &Input) -> bool {
        let next = match input {
            Input::Stop => {
                self.acts = true;
                if world.dkron[slot].is_some() { Action::Leave } else { Action::Exit(143) }
            }
            Input::Left(_) if self.acts => Action::Term,
            Input::Ended(code) if self.acts => Action::Exit(*code),
            _ => return !self.acts,
        };
        later(world, slot, next);
        false
    }

    /// Spoils what is wanted.
    pub fn wants(&mut self, world: &mut World, slot: Slot, mut wanted: Vec<Action>) -> Vec<Action> {
        let own = world.names.nodes[place_of(slot)].clone();
        let stops = world.dkron[slot].is_some() && world.pods[slot].as_ref().is_some_and(|pod| pod.stop_by.is_some());
        for action in &mut wanted {
            match (self.fault, &*action) {
                (Fault::LeaveFirst, Action::RemovePeer { id, .. }) if *id == own && stops => {
                    *action = Action::EndPlugins;
                    world.after(5, Event::Removed { slot: slot as u8 });
                }
                (Fault::LeaveThoughAllStop, Action::Term) if stops && !self.acts => {
                    self.acts = true;
                    *action = Action::Leave;
                }
                (Fault::RemoveLeaderAtItself, Action::HandOver(_)) => {
                    if let Some(ip) = world.pods[slot].as_ref().map(|pod| pod.ip) {
                        *action = Action::RemovePeer { at: crate::names::rpc(ip), id: own.clone() };
                    }
                }
                (Fault::RemoveRunning, Action::ListRaft(at)) if world.now.is_multiple_of(7) => {
                    let others = World::places(set_of(slot));
                    let mut going = others.filter(|other| *other != slot && world.dkron[*other].is_some());
                    if let Some(other) = going.next() {
                        let id = world.names.nodes[place_of(other)].clone();
                        later(world, slot, Action::RemovePeer { at: *at, id });
                    }
                }
                _ => {}
            }
            if let (Fault::Island, Action::Start(launch)) = (self.fault, action) {
                launch.join.push(world.names.hosts[slot].clone());
            }
        }
        wanted
    }
}

fn later(world: &mut World, slot: Slot, action: Action) {
    // The wrapper is out of its place while it takes something in: its number is looked up when the action is due.
    world.after(2, Event::Wanted { slot: slot as u8, action: Box::new(action) });
}

fn empty(state: &mut State) {
    state.disk = Disk::Empty;
    state.raft = None;
    state.owner = None;
    state.formed = false;
}

/// A peer as one would wish it to be.
fn invented(world: &World, slot: Slot, pod: &Name) -> State {
    State {
        protocol: PROTOCOL,
        version: "0".into(),
        namespace: world.names.namespaces[set_of(slot)].clone(),
        cluster: world.names.cluster.clone(),
        set_uid: None,
        pod: pod.clone(),
        node: pod.clone(),
        ip: None,
        phase: Phase::Waiting,
        disk: Disk::Empty,
        owner: None,
        formed: false,
        size: Some(world.sets[set_of(slot)].size as u32),
        founding: None,
        expecting: false,
        stranded: false,
        anew: false,
        comes: false,
        apart: false,
        up: true,
        leader: None,
        leads: false,
        voter_for: None,
        raft: None,
        members: Vec::new(),
    }
}

/// A member that is still in its start, as `/v1/leader` may name it while nobody leads.
fn nameless(world: &World, slot: Slot) -> Option<Leader> {
    let view = &world.dkron[slot].as_ref()?.serf.view;
    let member = view.iter().position(|entry| entry.standing == Standing::Alive && !entry.tagged)?;
    Some(Leader { name: world.names.nodes[member].clone(), rpc_addr: "".into() })
}
