//! The start of a server among its peers: what they say decides when dkron is started, and with which words. How whole clusters
//! start is shown by `tests/wrapper`.

use std::fs;
use std::time::{Duration, Instant};

use dkron_ha::contract::port;
use rustix::process::Signal;
use serde_json::json;

use crate::fake_dkron::{FALSE_LEADER, Fake, LEADER, NOBODY};
use crate::server::{Server, ip, leading, state};
use crate::wrapped::until;

/// Some looks at the peers, a quarter of a second apart.
const LOOKS: Duration = Duration::from_secs(1);

const USERS: [&str; 4] = ["--server", "--bootstrap-expect", "2", "--retry-join=provider=k8s"];

/// `agent --server`, the data directory, these words, and those that every server gets.
fn words(server: &Server, own: u8, more: &[&str]) -> Vec<String> {
    let bind = format!("--bind-addr={}:8946", ip(own));
    let (data, config) = (server.data_dir_flag(), server.config_flag());
    let tag = format!("--tag=rpc_addr={}:{}", ip(own), port::DKRON_RPC);
    let founds = more.iter().any(|flag| flag.starts_with("--bootstrap-expect"));
    let tags: &[&str] = if founds { &[] } else { &[&tag] };
    [&["agent", "--server", &data], more, &[&bind, &config], tags].concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn where_all_first_servers_are_empty_the_lowest_founds_the_cluster_and_joins_itself_too() {
    let server = Server::among_peers(0, &USERS).with_data_dir();
    let _peers = [1, 2].map(|one| server.peer(one, &state(one, json!({}))));
    server.desired(3, &[0, 1, 2]);
    let (told, said) = server.told(server.wrapped(&[0, 1, 2]).env("DKRON_JOIN", "x").start());
    let joins = ["11", "12", "10"].map(|host| format!("--retry-join=127.0.0.{host}"));
    let expected = words(&server, 0, &["--retry-interval=1s", &joins[0], &joins[1], &joins[2], "--bootstrap-expect=3"]);
    assert_eq!(told, expected);
    assert!(said.contains("all first servers are there and empty"), "{said}");
    let copy = fs::read_to_string(server.path("run/dkron.yaml")).expect("dkron's configuration");
    assert!(copy.contains("reconcileinterval"), "{copy}");
}

#[test]
fn a_server_waits_for_its_turn_and_does_not_join_itself() {
    let server = Server::among_peers(1, &USERS).with_data_dir();
    let first = server.peer(0, &state(0, json!({})));
    let _last = server.peer(2, &state(2, json!({})));
    server.desired(3, &[0, 1, 2]);
    let running = server.wrapped(&[0, 1, 2]).start();
    running.wait_for("stderr", "waiting for a-0, which starts first");
    std::thread::sleep(LOOKS);
    assert!(!server.is_started(), "a-0 does not serve yet");
    first.tells(&state(0, json!({"phase": "serving", "up": true, "expecting": true, "raft": []})));
    let joins = ["10", "12"].map(|host| format!("--retry-join=127.0.0.{host}"));
    let expected = words(&server, 1, &["--retry-interval=1s", &joins[0], &joins[1], "--bootstrap-expect=3"]);
    assert_eq!(server.told(running).0, expected);
}

#[test]
fn nothing_is_founded_while_a_first_server_is_missing_or_somebody_else() {
    let server = Server::among_peers(0, &USERS).with_data_dir();
    let _peer = server.peer(1, &state(1, json!({})));
    server.desired(3, &[0, 1, 2]);
    let running = server.wrapped(&[0, 1, 2]).start();
    running.wait_for("stderr", "waiting for all first servers, any of which may hold the cluster: a-1 (");
    until("the missing server is named", || running.file("stderr").contains("a-2 ("));
    std::thread::sleep(LOOKS);
    assert!(!server.is_started(), "a-2 is missing");
    // Its address was given to a leader of the same name in another namespace.
    let mut other = leading(2);
    other["namespace"] = json!("other");
    let missing = server.peer(2, &other);
    until("the stranger is looked at", || missing.asked() > 2);
    std::thread::sleep(LOOKS);
    assert!(!server.is_started() && server.asked().is_empty(), "a-2 is somebody else: {}", server.asked());
    missing.tells(&state(2, json!({})));
    assert!(server.told(running).0.contains(&"--bootstrap-expect=3".to_owned()));
}

#[test]
fn nothing_is_founded_beside_raft_state() {
    let server = Server::among_peers(0, &USERS).with_data_dir();
    let _holder = server.peer(1, &state(1, json!({"disk": "state", "formed": true, "size": null})));
    let _empty = server.peer(2, &state(2, json!({})));
    server.desired(3, &[0, 1, 2]);
    let running = server.wrapped(&[0, 1, 2]).start();
    running.wait_for("stderr", "others hold raft state and this disk is empty, waiting for all: a-1 (127.0.0.11 with");
    std::thread::sleep(LOOKS);
    assert!(!server.is_started());
}

#[test]
fn with_raft_state_here_and_no_leader_dkron_starts_without_founding() {
    let server = Server::among_peers(0, &USERS).with_data_dir();
    server.has_run();
    let _peer = server.peer(1, &state(1, json!({"disk": "state", "formed": true, "size": null})));
    server.desired(3, &[0, 1, 2]);
    let running = server.wrapped(&[0, 1, 2]).start();
    until("dkron is started", || server.is_started());
    let first = server.last_words();
    assert_eq!(first, words(&server, 0, &["--retry-interval=1s", "--retry-join=127.0.0.11"]));
    // Nobody has read that state yet: it looks once more before it goes, joining nobody.
    let (told, said) = server.told(running);
    assert_eq!(told, words(&server, 0, &[]));
    assert!(said.contains("there is raft state and no leader"), "{said}");
}

#[test]
fn a_leader_is_joined_at_once_also_when_others_have_no_address() {
    let server = Server::among_peers(0, &["--server", "--bootstrap-expect=3"]).with_data_dir();
    let _peer = server.peer(1, &leading(1));
    server.raft(&[1]);
    server.desired(3, &[0, 1]);
    let (told, said) = server.told(server.wrapped(&[0, 1, 2]).env("DKRON_BOOTSTRAP_EXPECT", "3").start());
    assert_eq!(told, words(&server, 0, &["--retry-interval=1s", "--retry-join=127.0.0.11"]));
    assert!(said.contains("a-1 leads: starting dkron to join it"), "{said}");
    assert_eq!(server.asked(), "raft list-peers --rpc-addr 127.0.0.11:6868\n");
}

#[test]
fn the_own_entry_of_a_disk_that_was_lost_is_removed_before_the_start() {
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let _peer = server.peer(1, &leading(1));
    server.raft(&[0, 1]);
    server.desired(3, &[0, 1]);
    let (told, said) = server.told(server.wrapped(&[0, 1, 2]).start());
    assert_eq!(told, words(&server, 0, &["--retry-interval=1s", "--retry-join=127.0.0.11"]));
    assert!(said.contains("having the stale entry of a-0 removed by the leader at 127.0.0.11:6868"), "{said}");
    let list = "raft list-peers --rpc-addr 127.0.0.11:6868\n";
    let remove = "raft remove-peer --rpc-addr 127.0.0.11:6868 --peer-id a-0\n";
    assert_eq!(server.asked(), [list, remove, list].concat());
}

#[test]
fn a_leader_that_appears_while_peers_are_waited_for_is_joined() {
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let peer = server.peer(1, &state(1, json!({})));
    server.desired(3, &[0, 1]);
    let running = server.wrapped(&[0, 1, 2]).start();
    running.wait_for("stderr", "waiting for all first servers");
    peer.tells(&leading(1));
    assert_eq!(server.told(running).0, words(&server, 0, &["--retry-interval=1s", "--retry-join=127.0.0.11"]));
}

#[test]
fn a_dkron_without_wrapper_counts_where_kubernetes_vouches_for_its_address() {
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let peer = Fake::dkron(ip(1), server.dkron_port, LEADER);
    server.desired(3, &[0, 2]);
    let running = server.wrapped(&[0, 1, 2]).start();
    running.wait_for("stderr", "waiting for all first servers");
    std::thread::sleep(LOOKS);
    assert_eq!(peer.asked(), 0, "nobody says whose address that is");
    peer.shows(FALSE_LEADER);
    server.desired(3, &[0, 1, 2]);
    until("it is looked at", || peer.asked() > 6);
    assert!(!server.is_started(), "a leader without an address is none");
    peer.shows(NOBODY);
    until("its raft configuration is read", || server.asked().contains("--rpc-addr 127.0.0.11:6868"));
    peer.shows(LEADER);
    // The leader that it names is nobody's surely, so that nothing is asked of that.
    assert_eq!(server.told(running).0, words(&server, 0, &["--retry-interval=1s", "--retry-join=127.0.0.11"]));
    assert!(!server.asked().contains("10.0.0.3"), "{}", server.asked());
}

#[test]
fn a_server_added_by_scaling_up_waits_for_a_leader() {
    let server = Server::among_peers(1, &["--server"]).with_data_dir();
    let first = server.peer(0, &state(0, json!({"size": 1})));
    server.desired(2, &[0, 1]);
    let running = server.wrapped(&[0]).start();
    running.wait_for("stderr", "waiting for a leader: a-0 (127.0.0.10 empty, waiting)");
    std::thread::sleep(LOOKS);
    assert!(!server.is_started(), "it is none of the first servers");
    first.tells(&leading(0));
    assert_eq!(server.told(running).0, words(&server, 1, &["--retry-interval=1s", "--retry-join=127.0.0.10"]));
}

#[test]
fn a_server_alone_starts_at_once_and_joins_nobody() {
    let server = Server::alone(&["--server", "--retry-join=provider=k8s"]).with_data_dir();
    let (told, _) = server.told(server.wrapped(&[0]).start());
    let bind = "--bind-addr=127.0.0.10:8946";
    let (data, config) = (server.data_dir_flag(), server.config_flag());
    assert_eq!(told, ["agent", "--server", &data, "--bootstrap-expect=1", bind, &config]);
}

#[test]
fn a_signal_ends_the_wait_at_once_and_others_do_not() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let server = Server::among_peers(0, &["--server"]).with_data_dir();
        let running = server.wrapped(&[0, 1]).start();
        running.wait_for("stderr", "waiting for all first servers");
        running.signal(Signal::HUP);
        running.signal(Signal::USR1);
        std::thread::sleep(Duration::from_millis(200));
        let sent = Instant::now();
        running.signal(signal);
        assert_eq!(running.ended().code, Some(128 + signal.as_raw()));
        assert!(sent.elapsed() < Duration::from_secs(5), "{signal:?}");
        assert!(!server.is_started());
    }
}

#[test]
fn a_long_wait_is_told_again() {
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let running = server.wrapped(&[0, 1]).start();
    until("a second line", || running.file("stderr").matches("waiting for all first servers").count() == 2);
    let said = running.file("stderr");
    assert!(said.contains("a-1 (no address: ") && !server.is_started(), "{said}");
}
