//! A server under test: the program before a dkron that tells how it was started, with everything it reads and writes in a
//! directory of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use dkron_ha::init::clock;
use dkron_ha::init::disk::desired::{boot_id, to_json};
use dkron_ha::init::procedure::{Desired, DesiredPod, PROTOCOL};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_dkron::{Fake, free_port, telling_program};
use crate::names::unresolvable;
use crate::wrapped::{Running, Wrapped, until};

/// Address of the pod with this ordinal.
pub fn ip(ordinal: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 10 + ordinal)
}

/// What the wrapper of an empty server of three tells while it waits, with these fields told otherwise.
pub fn state(ordinal: u8, otherwise: Value) -> Value {
    let pod = format!("a-{ordinal}");
    let mut state = json!({
        "protocol": PROTOCOL, "version": "0.0.0", "namespace": "n", "cluster": "a", "pod": pod, "node": pod,
        "ip": ip(ordinal), "phase": "waiting", "disk": "empty", "formed": false, "size": 3, "up": false,
    });
    let (Value::Object(all), Value::Object(otherwise)) = (&mut state, otherwise) else { unreachable!("objects") };
    all.extend(otherwise);
    state
}

/// The same of a server that leads.
pub fn leading(ordinal: u8) -> Value {
    let (node, address) = (format!("a-{ordinal}"), format!("{}:6868", ip(ordinal)));
    let leads = json!({
        "phase": "serving", "disk": "state", "formed": true, "size": null, "up": true, "leads": true,
        "leader": {"name": node, "rpcAddr": address}, "raft": [{"id": node, "address": address, "voter": true}],
        "members": [{"name": node, "ip": ip(ordinal), "status": "alive"}],
    });
    state(ordinal, leads)
}

/// A server, not started.
pub struct Server {
    directory: TempDir,
    /// Port of every wrapper.
    pub wrapper_port: u16,
    /// Port of every dkron's HTTP API.
    pub dkron_port: u16,
    /// The command; more can be put behind it.
    pub words: Vec<String>,
    ordinal: u8,
    held: Option<TcpListener>,
}

impl Server {
    /// `a-0`, a server by itself.
    pub fn alone(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("run")).expect("a directory");
        let program = telling_program(directory.path()).to_str().expect("text").to_owned();
        let words = [&[program.as_str(), "agent"], flags].concat().iter().map(|w| (*w).to_owned()).collect();
        let (wrapper_port, dkron_port) = (free_port(), free_port());
        let server = Self { directory, wrapper_port, dkron_port, words, ordinal: 0, held: None };
        server.raft(&[]);
        server
    }

    /// `a-<ordinal>`, one of several. All of them are on this machine, and the port of the program under test would be that of
    /// every peer too: somebody holds it, at an address that is nobody's, so that the program does without.
    pub fn among_peers(ordinal: u8, flags: &[&str]) -> Self {
        let mut server = Self::alone(flags);
        let held = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 99), 0)).expect("a port");
        server.wrapper_port = held.local_addr().expect("its address").port();
        (server.ordinal, server.held) = (ordinal, Some(held));
        server
    }

    /// With `--data-dir` behind the command.
    pub fn with_data_dir(mut self) -> Self {
        let flag = self.data_dir_flag();
        self.words.push(flag);
        self
    }

    /// That flag.
    pub fn data_dir_flag(&self) -> String {
        format!("--data-dir={}", self.path("data").display())
    }

    /// The flag of the copy of dkron's configuration.
    pub fn config_flag(&self) -> String {
        format!("--config={}", self.path("run/dkron.yaml").display())
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// dkron has run here before: its data directory holds raft's log.
    pub fn has_run(&self) {
        fs::create_dir_all(self.path("data/raft")).expect("a directory");
        fs::write(self.path("data/raft/raft.db"), "").expect("a file");
    }

    /// What `dkron raft list-peers` prints.
    pub fn raft(&self, voters: &[u8]) {
        let row = |ordinal: &u8| format!("a-{ordinal}  a-{ordinal}  {}:6868  follower  true\n", ip(*ordinal));
        let table = format!("Node  ID  Address  State  Voter\n{}", voters.iter().map(row).collect::<String>());
        fs::write(self.path("raft"), table).expect("a file");
    }

    /// What the label updater tells: these pods of so many that are wanted.
    pub fn desired(&self, replicas: u32, ordinals: &[u8]) {
        let pod = |ordinal: &u8| DesiredPod {
            name: format!("a-{ordinal}").into(),
            uid: "u".into(),
            ip: Some(ip(*ordinal).into()),
            deleting: false,
            formed: false,
        };
        let desired = Desired {
            replicas,
            ordinals_start: 0,
            set_uid: "s".into(),
            set_deleting: false,
            ordered_ready: false,
            grace_seconds: None,
            pods: ordinals.iter().map(pod).collect(),
        };
        let text = to_json(&desired, &boot_id().expect("a boot"), clock::now().at).expect("JSON");
        let new = self.path("desired.json.new");
        fs::write(&new, text).and_then(|()| fs::rename(new, self.path("desired.json"))).expect("a file");
    }

    /// A wrapper at a peer's address.
    pub fn peer(&self, ordinal: u8, state: &Value) -> Fake {
        assert!(self.held.is_some(), "the program under test would have the peer's port");
        Fake::wrapper(ip(ordinal), self.wrapper_port, state)
    }

    /// The program with this command, one of these first servers. No name has an address: those come from [`Self::desired`].
    pub fn wrapped(&self, peers: &[u8]) -> Wrapped {
        let peers: Vec<_> = peers.iter().map(|ordinal| unresolvable(&format!("a-{ordinal}"))).collect();
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        Wrapped::run(&words)
            .env("DKRON_HA_ROLE", "server")
            .env("DKRON_HA_CLUSTER", "a")
            .env("STATEFULSET_NAMESPACE", "n")
            .env("DKRON_HA_PEERS", peers.join(","))
            .env("INITIAL_CLUSTER_SIZE", peers.len().to_string())
            .env("POD_NAME", format!("a-{}", self.ordinal))
            .env("POD_IP", ip(self.ordinal).to_string())
            .env("DKRON_HA_RUN", self.path("run"))
            .env("DKRON_HA_DESIRED", self.path("desired.json"))
            .env("DKRON_HA_DKRON_PORT", self.dkron_port.to_string())
            .env("DKRON_HA_WRAPPER_PORT", self.wrapper_port.to_string())
    }

    /// dkron was started.
    pub fn is_started(&self) -> bool {
        self.path("told").exists()
    }

    /// Waits until dkron was started, ends it, and returns what it told of itself and what the program said.
    pub fn told(&self, running: Running) -> (Vec<String>, String) {
        until("dkron is started", || self.is_started());
        running.signal(Signal::TERM);
        let ended = running.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let told = self.last_words();
        fs::remove_file(self.path("told")).expect("a file");
        (told, ended.stderr)
    }

    /// What dkron was started with the last time.
    pub fn last_words(&self) -> Vec<String> {
        let told = fs::read_to_string(self.path("told")).expect("the program ran");
        told.lines().filter(|line| !line.starts_with("DKRON_HA_")).map(str::to_owned).collect()
    }

    /// The calls of dkron's command line so far.
    pub fn asked(&self) -> String {
        fs::read_to_string(self.path("asked")).unwrap_or_default()
    }
}
