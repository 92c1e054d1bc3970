//! One server and the peers that it hears of.

use std::net::IpAddr;
use std::time::Duration;

use super::super::*;

/// Namespace and cluster of everybody.
pub const PLACE: (&str, &str) = ("n", "a");

/// `10.0.0.1` for `a-0`, and so on.
pub fn ip(ordinal: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, ordinal + 1])
}

/// Address of the gRPC of `a-ordinal`.
pub fn rpc(ordinal: u8) -> String {
    format!("{}:6868", ip(ordinal))
}

/// The same, taken apart.
pub fn at(ordinal: u8) -> SocketAddr {
    rpc(ordinal).parse().expect("an address")
}

pub fn name(ordinal: u8) -> Name {
    format!("a-{ordinal}").into()
}

pub fn leader(ordinal: u8) -> Leader {
    Leader { name: name(ordinal), rpc_addr: rpc(ordinal).into() }
}

/// A raft configuration of these.
pub fn raft(ordinals: &[u8]) -> Vec<Server> {
    ordinals.iter().map(|o| Server { id: name(*o), address: rpc(*o).into(), voter: true }).collect()
}

pub fn members(ordinals: &[u8]) -> Vec<Member> {
    ordinals.iter().map(|o| Member::new(name(*o), ip(*o), Status::Alive)).collect()
}

pub fn marker(ordinals: &[u8]) -> Marker {
    let owner =
        Owner { namespace: PLACE.0.into(), cluster: PLACE.1.into(), set_uid: None, former: vec![], founding: None };
    Marker { owner, members: raft(ordinals), elsewhere: vec![] }
}

/// The marker of a cluster of this founding.
pub fn founded(ordinals: &[u8], founding: &str) -> Marker {
    let mut marker = marker(ordinals);
    marker.owner.founding = Some(founding.into());
    marker
}

/// The state of a peer whose wrapper has just begun with an empty disk.
pub fn empty(ordinal: u8) -> State {
    State {
        protocol: PROTOCOL,
        version: "0".into(),
        namespace: PLACE.0.into(),
        cluster: PLACE.1.into(),
        set_uid: None,
        pod: name(ordinal),
        node: name(ordinal),
        ip: Some(ip(ordinal)),
        phase: Phase::Waiting,
        disk: Disk::Empty,
        owner: None,
        formed: false,
        size: Some(3),
        founding: Some(format!("f{ordinal}").into()),
        expecting: false,
        stranded: false,
        anew: false,
        comes: false,
        apart: false,
        up: false,
        leader: None,
        leads: false,
        voter_for: None,
        raft: None,
        members: vec![],
    }
}

/// The same, its dkron runs and is to found the cluster.
pub fn founds(ordinal: u8) -> State {
    State { up: true, phase: Phase::Serving, expecting: true, ..empty(ordinal) }
}

/// The state of a peer that runs in a cluster of `servers`, led by `leads`.
pub fn serving(ordinal: u8, servers: &[u8], leads: u8) -> State {
    State {
        phase: Phase::Serving,
        disk: Disk::State,
        formed: true,
        size: None,
        founding: None,
        comes: false,
        apart: false,
        up: true,
        leader: Some(leader(leads)),
        leads: ordinal == leads,
        voter_for: Some(1000 + u64::from(ordinal)),
        raft: Some(raft(servers)),
        members: members(servers),
        ..empty(ordinal)
    }
}

/// The same without a leader.
pub fn leaderless(ordinal: u8, servers: &[u8]) -> State {
    State { leader: None, leads: false, voter_for: None, ..serving(ordinal, servers, ordinal) }
}

/// Another address of it.
pub fn moved(ordinal: u8) -> IpAddr {
    IpAddr::from([10, 0, 1, ordinal])
}

/// The state of a peer of version 3 that waits at that address, with these servers on its disk.
pub fn stranded(ordinal: u8, servers: &[u8]) -> State {
    State { ip: Some(moved(ordinal)), stranded: true, phase: Phase::Waiting, up: false, ..leaderless(ordinal, servers) }
}

/// What Kubernetes wants: `replicas`, and these pods.
pub fn desired(replicas: u32, pods: &[u8]) -> Desired {
    let pod = |o: &u8| DesiredPod {
        name: name(*o),
        uid: format!("u{o}").into(),
        ip: Some(ip(*o)),
        deleting: false,
        formed: false,
    };
    Desired {
        replicas,
        ordinals_start: 0,
        set_uid: "set".into(),
        set_deleting: false,
        ordered_ready: false,
        grace_seconds: None,
        pods: pods.iter().map(pod).collect(),
    }
}

/// The server under test, and its clock.
pub struct Life {
    pub procedure: Procedure,
    pub now: Now,
    launched: Option<Launch>,
}

impl Life {
    /// `a-ordinal` of `size`, with an empty disk unless `change` says otherwise.
    pub fn new(ordinal: u8, size: u8, change: impl FnOnce(&mut Me)) -> Self {
        let host = |o: u8| PeerName { pod: name(o), host: format!("a-{o}.a.n.svc.cluster.local.").into() };
        let mut me = Me {
            namespace: PLACE.0.into(),
            cluster: PLACE.1.into(),
            pod: name(ordinal),
            node: name(ordinal),
            ip: Some(ip(ordinal)),
            peers: (0..size).map(host).collect(),
            size: Some(size.into()),
            users_size: None,
            storage: Storage::Persistent,
            generation: Generation::Four,
            grace: Duration::from_secs(300),
            rpc_port: 6868,
            disk: Disk::Empty,
            marker: None,
            founding: Some(format!("f{ordinal}").into()),
        };
        change(&mut me);
        Self { procedure: Procedure::new(me), now: Now { at: Moment(1_000_000), in_second: 0 }, launched: None }
    }

    /// One that holds the state of a cluster of these.
    pub fn with_state(ordinal: u8, servers: &[u8]) -> Self {
        let size = u8::try_from(servers.len()).expect("few");
        Self::new(ordinal, size, |me| (me.disk, me.marker) = (Disk::State, Some(marker(servers))))
    }

    /// One that runs in a cluster of these, led by `leads`; all others have been heard.
    pub fn running(ordinal: u8, servers: &[u8], leads: u8) -> Self {
        let mut server = Self::with_state(ordinal, servers);
        for other in servers.iter().filter(|other| **other != ordinal) {
            server.hear(serving(*other, servers, leads));
        }
        assert!(server.launch().is_some(), "it starts");
        server.hear(Input::Started);
        server.own(servers, Some(leads));
        server.say_raft(servers);
        server
    }

    /// The first of `size` empty ones, just started to found the cluster; nobody else is there.
    pub fn founding(size: u8) -> Self {
        let mut server = Self::new(0, size, |_| {});
        for beyond in [size, size + 1] {
            server.finds_no_name_of(beyond);
        }
        let other = |ordinal| State { size: Some(size.into()), ..empty(ordinal) };
        let wanted: Vec<Action> = (1..size).flat_map(|ordinal| server.hear(other(ordinal))).collect();
        assert_eq!(started(&wanted).expect("a start").expect, Some(size.into()));
        server.hear(Input::Started);
        server
    }

    /// One of two that the leader a-1 has just taken out, and that leaves.
    pub fn leaving() -> Self {
        let mut server = Self::running(0, &[0, 1], 1);
        settle(&mut server, &[serving(1, &[0, 1], 1)], &[0, 1]);
        let removal = Action::RemovePeer { at: at(1), id: name(0) };
        assert_eq!(deeds(server.hear(Input::Busy(Ok(0)))), [removal]);
        assert!(server.hear(Input::Removed(name(0), Ok(()))).contains(&Action::Leave));
        server
    }

    /// Time passes; everything that was wanted meanwhile.
    pub fn wait(&mut self, time: Duration) -> Vec<Action> {
        let mut wanted = Vec::new();
        let end = self.now.at + time;
        while self.now.at < end {
            self.passes(50);
            self.now.in_second = u16::try_from(self.now.at.0 % 1000).expect("below a thousand");
            wanted.extend(self.procedure.step(self.now, Input::Tick));
        }
        self.launched = started(&wanted).or(self.launched.take());
        wanted
    }

    /// The same, and nothing happens meanwhile.
    pub fn passes(&mut self, millis: u64) {
        self.now.at = self.now.at + Duration::from_millis(millis);
    }

    pub fn hear(&mut self, what: impl Into<Heard>) -> Vec<Action> {
        let input = match what.into() {
            Heard::Input(input) => input,
            Heard::State(state) => {
                let look = Look {
                    ip: state.ip.expect("an address"),
                    by_name: true,
                    wrapper: Told::Answer(*state.clone()),
                    dkron: Told::Silence,
                };
                Input::Looked { pod: state.pod.clone(), asked: self.now.at, looks: Ok(vec![look]) }
            }
        };
        let wanted = self.procedure.step(self.now, input);
        self.launched = started(&wanted).or(self.launched.take());
        wanted
    }

    /// The own dkron shows this.
    pub fn own(&mut self, servers: &[u8], leads: Option<u8>) -> Vec<Action> {
        let own = self.procedure.state(self.now).node;
        let view =
            DkronView { leader: leads.map(leader), leads: leads.map(name) == Some(own), members: members(servers) };
        self.hear(Input::Own(Some(view)))
    }

    /// Whoever was asked for the raft configuration answers.
    pub fn say_raft(&mut self, servers: &[u8]) -> Vec<Action> {
        let at = self.procedure.reading.map(|(at, _)| at).expect("it was asked for");
        self.hear(Input::Raft(at, Ok(raft(servers).into())))
    }

    /// The same, unless nobody was asked.
    pub fn say_raft_if_asked(&mut self, servers: &[u8]) -> Vec<Action> {
        if self.procedure.reading.is_some() { self.say_raft(servers) } else { Vec::new() }
    }

    /// The name of `a-ordinal` leads nowhere.
    pub fn finds_no_name_of(&mut self, ordinal: u8) -> Vec<Action> {
        let looks = Err("no such name".into());
        self.hear(Input::Looked { pod: name(ordinal), asked: self.now.at, looks })
    }

    /// What its marker calls the founding of its cluster.
    pub fn founding_on_disk(&self) -> Option<Name> {
        self.procedure.state(self.now).owner.and_then(|owner| owner.founding)
    }

    /// The last start that it wanted, if it was not taken yet.
    pub fn launch(&mut self) -> Option<Launch> {
        self.hear(Input::Tick);
        self.launched.take()
    }

    /// The same for what it waits for.
    pub fn waits_for(&mut self) -> String {
        let Stage::Launching(launching) = &self.procedure.stage else { return String::new() };
        match start::decide(&self.procedure.facts, launching.tried(), self.now.at) {
            start::Start::Wait(waiting) => waiting.to_string(),
            other => format!("{other:?}"),
        }
    }
}

/// What a server hears.
pub enum Heard {
    State(Box<State>),
    Input(Input),
}

impl From<State> for Heard {
    fn from(state: State) -> Self {
        Self::State(Box::new(state))
    }
}

impl From<Input> for Heard {
    fn from(input: Input) -> Self {
        Self::Input(input)
    }
}

/// The start among what is wanted.
pub fn started(actions: &[Action]) -> Option<Launch> {
    actions.iter().find_map(|action| match action {
        Action::Start(launch) => Some(launch.clone()),
        _ => None,
    })
}

/// Without the lines for people.
pub fn deeds(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::Say(_) | Action::Look)).collect()
}

/// A server is told to stop: all others say where they are, the raft configuration is told.
pub fn settle(server: &mut Life, states: &[State], servers: &[u8]) -> Vec<Action> {
    let mut wanted = server.hear(Input::Stop);
    for _ in 0..2 {
        server.passes(20);
        for state in states {
            wanted.extend(server.hear(state.clone()));
        }
        wanted.extend(server.say_raft_if_asked(servers));
        wanted.extend(server.procedure.step(server.now, Input::Tick));
    }
    deeds(wanted)
}
