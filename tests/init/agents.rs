//! Agents: asked for at their servers, introduced to them, restarted when nothing else helps and nothing runs on them.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use dkron_ha::contract::port;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_dkron::{Fake, free_port, program};
use crate::wrapped::{Running, Wrapped, until, until_within};

/// Address of the agent's pod.
const OWN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 30);

/// Address of the server.
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 31);

/// An agent of this name acts as early as any.
const NODE: &str = "w-34";

/// A dkron that writes down its starts, and ends on TERM when the job below its plugin has ended.
const DKRON: &str = r#"cd "${0%/*}" || exit 1
[ "$1" = agent ] || exit 0
sh -c 'if [ -e job ]; then cat job; fi; exec sleep 600' & plugin=$!
trap 'echo term >> starts; while [ -e job ]; do sleep 0.1; done; kill $plugin; exit 0' TERM
echo start >> starts
while :; do wait; done
"#;

/// One agent, and ports of its own for everything.
struct Agent {
    directory: TempDir,
    wrapper_port: u16,
    serf_port: u16,
    rpc_port: u16,
}

impl Agent {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        program(directory.path(), DKRON);
        Self { directory, wrapper_port: free_port(), serf_port: free_port(), rpc_port: free_port() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A job that runs until it is told to end.
    fn with_a_job(self) -> Self {
        assert!(std::process::Command::new("mkfifo").arg(self.path("job")).status().expect("mkfifo").success());
        self
    }

    fn end_job(&self) {
        fs::OpenOptions::new().write(true).open(self.path("job")).expect("the job reads");
        fs::remove_file(self.path("job")).expect("a file");
    }

    /// The server that it joins, by the wrapper there.
    fn server(&self) -> Fake {
        Fake::wrapper(SERVER, self.wrapper_port, &json!({}))
    }

    fn start(&self) -> Running {
        self.started(self.joining(&SERVER.to_string()))
    }

    fn started(&self, wrapped: Wrapped) -> Running {
        let running = wrapped.start();
        until("dkron is started", || self.starts() == "start\n");
        running
    }

    /// The program with an agent that joins so.
    fn joining(&self, join: &str) -> Wrapped {
        let program = self.path("dkron");
        let flags = [
            format!("--node-name={NODE}"),
            format!("--bind-addr={OWN}:{}", self.serf_port),
            format!("--rpc-port={}", self.rpc_port),
            format!("--retry-join={join}"),
        ];
        let mut words = vec![program.to_str().expect("text"), "agent"];
        words.extend(flags.iter().map(String::as_str));
        Wrapped::run(&words)
            .env("DKRON_HA_ROLE", "agent")
            .env("POD_IP", OWN.to_string())
            .env("DKRON_HA_WRAPPER_PORT", self.wrapper_port.to_string())
            .env("DKRON_HA_DKRON_PORT", free_port().to_string())
    }

    fn starts(&self) -> String {
        fs::read_to_string(self.path("starts")).unwrap_or_default()
    }
}

/// What the server's wrapper says of the agent.
fn sees(server: &Fake, status: Option<&str>) {
    let member = status.map(|status| json!({"name": NODE, "ip": OWN, "status": status}));
    let answer: Value = json!({"namespace": "n", "cluster": "a", "led": true, "member": member});
    server.says("/v1/member/w-34", &answer);
}

/// A member of the gossip that takes part in so many exchanges, and what it was told in each.
fn gossip(at: Ipv4Addr, port: u16, exchanges: usize, says: &'static [u8]) -> thread::JoinHandle<Vec<Vec<u8>>> {
    let listener = TcpListener::bind((at, port)).expect("a free port");
    thread::spawn(move || {
        let exchange = |mut stream: TcpStream| {
            let mut told = [0; 256];
            let length = stream.read(&mut told).expect("an exchange");
            stream.write_all(says).expect("an answer");
            told[..length].to_vec()
        };
        listener.incoming().take(exchanges).map(|stream| exchange(stream.expect("a connection"))).collect()
    })
}

#[test]
fn an_agent_that_its_servers_lost_is_introduced_to_them() {
    // Servers are looked for at the usual port alone: at another one somebody else may be.
    let agent = Agent { serf_port: port::DKRON_SERF, ..Agent::new() };
    let server = agent.server();
    sees(&server, Some("alive"));
    let own = gossip(OWN, agent.serf_port, 2, b"\x06agent");
    let others = gossip(SERVER, agent.serf_port, 1, b"\x06server");
    let running = agent.start();
    running.wait_for("stderr", "the servers see this agent\n");
    sees(&server, None);
    until_within(Duration::from_secs(60), Duration::from_millis(100), "an introduction", || own.is_finished());
    assert_eq!(others.join().expect("the server"), [b"\x06agent"]);
    assert_eq!(own.join().expect("the agent")[1], b"\x06server");
    sees(&server, Some("alive"));
    running.wait_for("stderr", "the servers see this agent again, after ");
    assert_eq!(agent.starts(), "start\n", "nobody restarted it");
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(0));
}

#[test]
fn an_agent_that_nothing_helps_is_restarted_but_not_while_a_job_runs() {
    let (idle, busy, given) = (Agent::new(), Agent::new().with_a_job(), Agent::new());
    // A server holds its connection for as long as the job runs that it gave.
    let port = TcpListener::bind((OWN, given.rpc_port)).expect("a free port");
    let _stream = TcpStream::connect((OWN, given.rpc_port)).expect("a connection");
    let _other_end = port.accept().expect("a connection");
    let agents = [&idle, &busy, &given];
    let servers = agents.map(Agent::server);
    let all_see = |status| {
        for server in &servers {
            sees(server, Some(status));
        }
    };
    all_see("alive");
    let running = agents.map(Agent::start);
    for running in &running {
        running.wait_for("stderr", "the servers see this agent\n");
    }
    all_see("failed");
    let begun = Instant::now();
    let patience = Duration::from_secs(150);
    let look = Duration::from_millis(100);
    until_within(patience, look, "the idle one is restarted", || idle.starts() == "start\nterm\nstart\n");
    assert!(begun.elapsed() > Duration::from_secs(60), "{:?}", begun.elapsed());
    let said = running[0].file("stderr");
    assert!(
        said.contains("no job runs: restarting dkron\n") && said.contains("introducing it to 127.0.0.31"),
        "{said}"
    );
    for running in &running[1..] {
        until_within(patience, look, "the others are spared", || running.file("stderr").contains("while 1 jobs run"));
    }
    assert_eq!((busy.starts().as_str(), given.starts().as_str()), ("start\n", "start\n"));
    busy.end_job();
    until_within(patience, look, "its job has ended", || busy.starts() == "start\nterm\nstart\n");
    assert_eq!(given.starts(), "start\n");
    sees(&servers[0], Some("alive"));
    running[0].wait_for("stderr", "the servers see this agent again, after ");
}

#[test]
fn term_is_passed_on_at_once_and_dkron_waits_for_its_job() {
    let agent = Agent::new().with_a_job();
    let running = agent.start();
    running.signal(Signal::TERM);
    running.wait_for("stderr", "waiting for 1 running jobs");
    until("dkron hears it", || agent.starts() == "start\nterm\n");
    running.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(300));
    agent.end_job();
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(agent.starts(), "start\nterm\n", "a second one would change its code");
}

#[test]
fn an_agent_that_names_no_hosts_asks_where_the_webhook_says() {
    let agent = Agent::new();
    let server = agent.server();
    sees(&server, Some("alive"));
    let place = |wrapped: Wrapped, cluster: &str| {
        let place = wrapped.env("STATEFULSET_NAMESPACE", "n").env("DKRON_HA_CLUSTER", cluster);
        agent.started(place.env("DKRON_HA_SERVERS", SERVER.to_string()))
    };
    let running = place(agent.joining("provider=k8s label_selector=a=b"), "a");
    running.wait_for("stderr", "the servers see this agent\n");
    drop(running);
    fs::remove_file(agent.path("starts")).expect("a file");
    let asked = server.asked();
    let other = place(agent.joining("provider=k8s label_selector=a=b"), "b");
    until("it has asked", || server.asked() > asked + 2);
    assert!(!other.file("stderr").contains("the servers see"), "the webhook said another cluster");
}

#[test]
fn an_agent_without_anybody_to_ask_says_so_once() {
    let agent = Agent::new();
    let running = agent.started(agent.joining("provider=k8s label_selector=a=b"));
    running.wait_for("stderr", "no servers are known to ask after this agent");
    running.signal(Signal::INT);
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
