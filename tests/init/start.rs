//! The start of a server: what its peers answer decides the arguments.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::fake_dkron::{FALSE_LEADER, FakeDkron, LEADER, NOBODY, free_port, telling_program};
use crate::names::UNRESOLVABLE;
use crate::wrapped::Wrapped;

const OWN: &str = "a-0.a.n.svc";

/// A server of three: itself, 127.0.0.X and 127.0.0.Y.
struct Server {
    directory: TempDir,
    port: u16,
    words: Vec<String>,
}

impl Server {
    fn new(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let program = telling_program(directory.path()).to_str().expect("text").to_owned();
        let words = [&[program.as_str(), "agent"], flags].concat().iter().map(|w| (*w).to_owned()).collect();
        Self { directory, port: free_port(), words }
    }

    fn wrapped(&self, peers: &str) -> Wrapped {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        Wrapped::run(&words)
            .env("DKRON_HA_ROLE", "server")
            .env("DKRON_HA_PEERS", peers)
            .env("DKRON_HA_CLUSTER_DOMAIN", "cluster.local")
            .env("INITIAL_CLUSTER_SIZE", "3")
            .env("POD_NAME", "a-0")
            .env("POD_IP", "127.0.0.1")
            .env("DKRON_HA_DKRON_PORT", self.port.to_string())
            .env("DKRON_HA_WRAPPER_PORT", free_port().to_string())
    }

    /// What the program told of itself.
    fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.directory.path().join("told")).expect("the program ran");
        told.lines().filter(|line| !line.starts_with("DKRON_HA_")).map(str::to_owned).collect()
    }
}

#[test]
fn nobody_leads_so_a_cluster_is_founded_after_five_rounds() {
    let server = Server::new(&["--server", "--bootstrap-expect", "2", "--retry-join=provider=k8s"]);
    let peers = [FakeDkron::at(11, server.port, NOBODY), FakeDkron::at(12, server.port, FALSE_LEADER)];
    let started = Instant::now();
    let ended = server.wrapped(&format!("{OWN},127.0.0.11,127.0.0.12")).env("DKRON_JOIN", "x").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected = [
        "agent",
        "--server",
        "--retry-interval=1s",
        "--retry-join=127.0.0.11",
        "--retry-join=127.0.0.12",
        "--bootstrap-expect=3",
        "--bind-addr=127.0.0.1:8946",
    ];
    assert_eq!(server.told(), expected);
    assert!(peers.iter().all(|peer| peer.asked() >= 5));
    assert!(started.elapsed() >= Duration::from_secs(4), "five rounds, a second apart");
}

#[test]
fn a_leader_is_joined_at_once_also_when_others_have_no_address() {
    let server = Server::new(&["--server", "--bootstrap-expect=3"]);
    let _peer = FakeDkron::at(13, server.port, LEADER);
    let peers = format!("{OWN},127.0.0.13,{UNRESOLVABLE}");
    let ended = server.wrapped(&peers).env("DKRON_BOOTSTRAP_EXPECT", "3").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected = [
        "agent",
        "--server",
        "--retry-interval=1s",
        "--retry-join=127.0.0.13",
        &format!("--retry-join={UNRESOLVABLE}"),
        "--bind-addr=127.0.0.1:8946",
    ];
    assert_eq!(server.told(), expected);
    assert!(ended.stderr.contains("127.0.0.13 says that a-2 at 10.0.0.3:6868 leads: joining"), "{}", ended.stderr);
}

#[test]
fn a_leader_that_appears_while_asking_is_joined() {
    let server = Server::new(&["--server"]);
    let peer = FakeDkron::at(14, server.port, NOBODY);
    let running = server.wrapped(&format!("{OWN},127.0.0.14")).start();
    running.wait_for("stderr", "no leader so far");
    peer.answer(LEADER);
    assert_eq!(running.ended().code, Some(0));
    assert!(!server.told().iter().any(|word| word.starts_with("--bootstrap-expect")), "{:?}", server.told());
}

#[test]
fn a_server_added_by_scaling_up_waits_for_a_leader() {
    let server = Server::new(&["--server"]);
    // Nobody listens at 127.0.0.15 yet; the own name comes last.
    let running = server.wrapped(&format!("127.0.0.15,{OWN}")).env("INITIAL_CLUSTER_SIZE", "1").start();
    running.wait_for("stderr", "waiting for a leader");
    let _peer = FakeDkron::at(15, server.port, LEADER);
    assert_eq!(running.ended().code, Some(0));
    assert!(server.told().contains(&"--retry-join=127.0.0.15".to_owned()));
}

#[test]
fn a_server_alone_starts_at_once() {
    let server = Server::new(&["--server", "--retry-join=provider=k8s"]);
    let ended = server.wrapped(OWN).env("INITIAL_CLUSTER_SIZE", "1").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(server.told(), ["agent", "--server", "--bootstrap-expect=1", "--bind-addr=127.0.0.1:8946"]);
}

#[test]
fn flags_in_a_shell_string_are_exchanged() {
    let mut server = Server::new(&[]);
    let script = format!("exec {} agent --server --bootstrap-expect=2 --retry-join \"a b\"", server.words[0]);
    server.words = vec!["/bin/sh".into(), "-c".into(), script];
    let _peer = FakeDkron::at(16, server.port, LEADER);
    let ended = server.wrapped(&format!("{OWN},127.0.0.16")).env("DKRON_BOOTSTRAP_EXPECT", "2").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected =
        ["agent", "--server", "--retry-interval=1s", "--retry-join=127.0.0.16", "--bind-addr=127.0.0.1:8946"];
    assert_eq!(server.told(), expected);
}

#[test]
fn a_script_in_a_file_gets_variables() {
    let mut server = Server::new(&[]);
    let script = server.directory.path().join("start.sh");
    fs::write(&script, format!("exec {} agent --server --bootstrap-expect=2", server.words[0])).expect("a script");
    server.words = vec!["/bin/sh".into(), script.to_str().expect("text").into()];
    let _peer = FakeDkron::at(16, server.port, LEADER);
    let ended = server.wrapped(&format!("{OWN},127.0.0.16")).env("DKRON_BOOTSTRAP_EXPECT", "2").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut told = server.told();
    told.sort();
    let expected = [
        "--bootstrap-expect=2",
        "--server",
        "DKRON_BIND_ADDR=127.0.0.1:8946",
        "DKRON_RETRY_INTERVAL=1s",
        "DKRON_RETRY_JOIN=127.0.0.16",
        "agent",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_server_that_only_its_flags_show_is_known() {
    let server = Server::new(&["--server"]);
    let wrapped = || server.wrapped(OWN).env("INITIAL_CLUSTER_SIZE", "1").env("DKRON_HA_ROLE", "auto");
    assert_eq!(wrapped().ended().code, Some(0));
    assert!(server.told().contains(&"--bootstrap-expect=1".to_owned()));

    let silent = Server { words: server.words[..2].to_vec(), ..Server::new(&[]) };
    let silent = Server { directory: server.directory, ..silent };
    let wrapped = |value| {
        silent.wrapped(OWN).env("INITIAL_CLUSTER_SIZE", "1").env("DKRON_HA_ROLE", "auto").env("DKRON_SERVER", value)
    };
    assert_eq!(wrapped("1").ended().code, Some(0));
    assert!(silent.told().contains(&"--bootstrap-expect=1".to_owned()));
    assert_eq!(wrapped("false").ended().code, Some(0));
    assert_eq!(silent.told(), ["agent", "DKRON_SERVER=false"]);
}

#[test]
fn an_agent_starts_as_it_is_and_joins_as_it_was_told() {
    let server = Server::new(&["--node-name=x"]);
    let join = "provider=k8s namespace=n label_selector=\"dkron-ha.io/server-of=a\"";
    let wrapped = || server.wrapped(UNRESOLVABLE).env("DKRON_HA_ROLE", "agent").env("DKRON_HA_JOIN", join);
    assert_eq!(wrapped().ended().code, Some(0));
    assert_eq!(server.told(), ["agent", "--node-name=x", &format!("DKRON_RETRY_JOIN={join}")]);
    assert_eq!(wrapped().env("DKRON_RETRY_JOIN", "own").ended().code, Some(0));
    assert_eq!(server.told(), ["agent", "--node-name=x", "DKRON_RETRY_JOIN=own"]);
}

#[test]
fn a_signal_ends_the_wait_at_once_and_others_do_not() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let server = Server::new(&["--server"]);
        let running = server.wrapped(&format!("{OWN},{UNRESOLVABLE}")).start();
        running.wait_for("stderr", "waiting for the addresses of 1 peers");
        running.signal(Signal::HUP);
        running.signal(Signal::USR1);
        std::thread::sleep(Duration::from_millis(200));
        let sent = Instant::now();
        running.signal(signal);
        assert_eq!(running.ended().code, Some(128 + signal.as_raw()));
        assert!(sent.elapsed() < Duration::from_secs(5), "{signal:?}");
        assert!(!server.directory.path().join("told").exists(), "dkron was never started");
    }
}

#[test]
fn a_long_wait_is_told_again() {
    let server = Server::new(&["--server"]);
    let running = server.wrapped(&format!("{OWN},{UNRESOLVABLE}")).start();
    crate::wrapped::until("a second line", || running.file("stderr").matches("waiting for the addresses").count() == 2);
    assert!(running.file("stderr").contains("no address: "), "{}", running.file("stderr"));
}
