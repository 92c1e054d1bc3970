//! The port of the wrapper of a server: probes, state, metrics.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_dkron::{FALSE_LEADER, Fake, LEADER, NOBODY, free_port};
use crate::server::{Server, ip};
use crate::wrapped::{Running, Wrapped, until};

/// A server that is alone and has run before, whose dkron has started.
fn server() -> (Server, Running) {
    let server = Server::alone(&["--server"]).with_data_dir();
    server.has_run();
    server.desired(1, &[0]);
    let running = server.wrapped(&[0]).start();
    until("dkron is started", || server.is_started());
    (server, running)
}

/// Something that is no server, at this port.
fn other(role: &str) -> (Running, u16) {
    let port = free_port();
    let wrapped = Wrapped::shell("echo up; exec sleep 600").env("DKRON_HA_ROLE", role);
    let running = wrapped.env("DKRON_HA_WRAPPER_PORT", port.to_string()).start();
    running.wait_for("stdout", "up");
    (running, port)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the probe port");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

fn send(port: u16, request: &[u8]) -> String {
    let mut stream = connect(port);
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(port: u16, path: &str) -> String {
    send(
        port,
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: kube-probe/1.34\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )
}

fn status(port: u16, path: &str) -> u16 {
    get(port, path).split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn body(port: u16, path: &str) -> String {
    get(port, path).split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// Waits until the readiness probe answers so, with these words.
fn until_ready_is(port: u16, code: u16, words: &str) {
    until(&format!("{code} {words}"), || {
        let answer = get(port, "/probe/ready");
        answer.starts_with(&format!("HTTP/1.1 {code} ")) && answer.contains(words)
    });
}

#[test]
fn ready_is_a_voter_whose_dkron_strictly_names_a_leader_and_live_does_not_ask_it() {
    let (server, _running) = server();
    let port = server.wrapper_port;
    assert_eq!(status(port, "/probe/ready"), 503, "no dkron answers");
    let dkron = Fake::dkron(Ipv4Addr::LOCALHOST, server.dkron_port, LEADER);
    until_ready_is(port, 503, "a-2 leads, and this server is not in its raft configuration yet");
    assert!(!server.path("data/dkron-ha.json").exists());
    server.raft(&[0, 2]);
    until_ready_is(port, 200, "leader: a-2 at 10.0.0.3:6868");
    assert!(server.asked().contains("raft list-peers --rpc-addr 10.0.0.3:6868"), "{}", server.asked());
    // What is decided is shown before it is done.
    until("a marker", || server.path("data/dkron-ha.json").exists());
    let marker = std::fs::read(server.path("data/dkron-ha.json")).expect("a marker");
    let marker: Value = serde_json::from_slice(&marker).expect("JSON");
    assert_eq!((&marker["setUid"], marker["members"].as_array().map(Vec::len)), (&json!("s"), Some(2)));
    for answer in [NOBODY, FALSE_LEADER] {
        dkron.shows(answer);
        until_ready_is(port, 503, "no leader");
        dkron.shows(LEADER);
        until_ready_is(port, 200, "leader: a-2");
    }
    assert_eq!((status(port, "/probe/live"), status(port, "/probe/start")), (200, 200));
    assert_eq!(status(port, "/v1/leader"), 404);
}

#[test]
fn a_dkron_that_hangs_makes_the_server_unready_and_no_probe_wait() {
    let (server, _running) = server();
    let port = server.wrapper_port;
    let dkron = Fake::dkron(Ipv4Addr::LOCALHOST, server.dkron_port, LEADER);
    server.raft(&[0]);
    until_ready_is(port, 200, "leader: a-2");
    dkron.hangs();
    let mut longest = Duration::ZERO;
    until("the server is unready", || {
        let asked = Instant::now();
        let (ready, live) = (status(port, "/probe/ready"), status(port, "/probe/live"));
        longest = longest.max(asked.elapsed());
        assert_eq!(live, 200);
        ready == 503
    });
    // A kubelet waits for one second.
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[test]
fn a_server_that_waits_for_its_peers_is_alive_and_not_ready() {
    let server = Server::alone(&["--server"]).with_data_dir();
    let running = server.wrapped(&[0, 1]).start();
    running.wait_for("stderr", "waiting for all first servers");
    let probes = ["/probe/live", "/probe/start", "/probe/ready"];
    assert_eq!(probes.map(|path| status(server.wrapper_port, path)), [200, 200, 503]);
    let state: Value = serde_json::from_str(&body(server.wrapper_port, "/v1/state")).expect("JSON");
    let told = ["namespace", "cluster", "pod", "ip", "phase", "disk", "size", "up"].map(|field| &state[field]);
    let expected =
        [json!("n"), json!("a"), json!("a-0"), json!(ip(0)), json!("waiting"), json!("empty"), json!(2), json!(false)];
    assert_eq!(told, expected.each_ref());
    let metrics = body(server.wrapper_port, "/metrics");
    for sample in ["live 1", "ready 0", "dkron_starts_total 0", "phase{phase=\"waiting\"} 1"] {
        assert!(metrics.contains(&format!("\ndkron_ha_wrapper_{sample}\n")), "{sample}: {metrics}");
    }
}

#[test]
fn what_a_person_must_know_is_told_to_the_label_updater() {
    let server = Server::alone(&["--server"]).with_data_dir();
    server.has_run();
    let marker = json!({"namespace": "n", "cluster": "old", "setUid": null, "former": [], "members": []});
    std::fs::write(server.path("data/dkron-ha.json"), marker.to_string()).expect("a marker");
    let running = server.wrapped(&[0, 1]).start();
    running.wait_for("stderr", "DKHA-301");
    until("the notice", || body(server.wrapper_port, "/v1/notices").contains("DiskOfAnotherCluster"));
    let told: Value = serde_json::from_str(&body(server.wrapper_port, "/v1/notices")).expect("JSON");
    let [notice] = told["notices"].as_array().expect("a list").as_slice() else { panic!("{told}") };
    assert_eq!(notice["warning"], true);
    let text = notice["text"].as_str().expect("a text");
    assert!(text.starts_with("DKHA-301: ") && text.contains("n/old"), "{text}");
    assert!(notice["at"].as_u64() >= told["began"].as_u64() && notice["count"].as_u64() >= Some(1), "{told}");
}

#[test]
fn a_server_of_a_set_that_was_never_formed_is_ready_so_that_the_next_is_made() {
    let server = Server::alone(&["--server"]).with_data_dir();
    let _running = server.wrapped(&[0]).start();
    until("dkron is started", || server.is_started());
    until_ready_is(server.wrapper_port, 200, "no server has ever known a leader");
}

#[test]
fn a_dkron_that_listens_only_at_the_pods_address_is_asked_there() {
    let (server, _running) = server();
    let _dkron = Fake::dkron(ip(0), server.dkron_port, LEADER);
    server.raft(&[0]);
    until_ready_is(server.wrapper_port, 200, "leader: a-2");
}

#[test]
fn requests_are_bounded_in_size_time_and_number() {
    let (server, _running) = server();
    let port = server.wrapper_port;
    let endless = [b"GET /probe/live HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let answer = send(port, &endless);
    assert!(!answer.contains("200 OK"), "{answer}");
    assert!(send(port, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").contains("400 Bad Request"));

    // Sixteen who say nothing fill the house; the next is sent away, and after two seconds all of them are.
    let opened = Instant::now();
    let mut idle: Vec<_> = (0..16).map(|_| connect(port)).collect();
    if opened.elapsed() < Duration::from_secs(1) {
        assert_eq!(get(port, "/probe/live"), "", "no place for the seventeenth");
    }
    for stream in &mut idle {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
    until("there is room again", || status(port, "/probe/live") == 200);
}

#[test]
fn a_port_that_is_taken_costs_the_probes_and_not_dkron() {
    let server = Server::among_peers(0, &["--server"]).with_data_dir();
    let (_, said) = server.told(server.wrapped(&[0]).start());
    assert!(said.contains(&format!("no state and no probes on port {}", server.wrapper_port)), "{said}");
}

#[test]
fn an_agent_serves_no_probes() {
    let (_running, port) = other("agent");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn a_role_that_only_a_file_tells_may_be_a_servers() {
    let (_running, port) = other("auto");
    assert_eq!(status(port, "/probe/live"), 200);
    assert_eq!(status(port, "/v1/state"), 404);
}
