//! The probe port of a server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::fake_dkron::{FALSE_LEADER, FakeDkron, LEADER, NOBODY, free_port};
use crate::names::UNRESOLVABLE;
use crate::wrapped::{Running, Wrapped, until};

struct Ports {
    wrapper: u16,
    dkron: u16,
}

/// A server that is alone, so that its child starts at once.
fn server(role: &str) -> (Running, Ports) {
    let ports = Ports { wrapper: free_port(), dkron: free_port() };
    (wrapped(role, &ports).start(), ports)
}

fn wrapped(role: &str, ports: &Ports) -> Wrapped {
    Wrapped::shell("echo up; exec sleep 600")
        .env("DKRON_HA_ROLE", role)
        .env("INITIAL_CLUSTER_SIZE", "1")
        .env("DKRON_HA_WRAPPER_PORT", ports.wrapper.to_string())
        .env("DKRON_HA_DKRON_PORT", ports.dkron.to_string())
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

#[test]
fn ready_is_what_dkron_strictly_says_and_live_does_not_ask_it() {
    let (running, ports) = server("server");
    running.wait_for("stdout", "up");
    assert_eq!(status(ports.wrapper, "/probe/ready"), 503, "no dkron answers");
    assert!(get(ports.wrapper, "/probe/ready").contains("refused"));
    let dkron = FakeDkron::at(1, ports.dkron, NOBODY);
    for (answer, ready) in [(NOBODY, 503), (FALSE_LEADER, 503), (LEADER, 200), (NOBODY, 503)] {
        dkron.answer(answer);
        assert_eq!(status(ports.wrapper, "/probe/ready"), ready, "{answer:?}");
        assert_eq!((status(ports.wrapper, "/probe/live"), status(ports.wrapper, "/probe/start")), (200, 200));
    }
    let text = get(ports.wrapper, "/probe/ready");
    assert!(text.contains("dkron knows no leader (status 500)"), "{text}");
    assert_eq!(status(ports.wrapper, "/v1/leader"), 404);
}

#[test]
fn a_server_that_waits_for_its_peers_is_alive_and_not_ready() {
    let ports = Ports { wrapper: free_port(), dkron: free_port() };
    let running = wrapped("server", &ports).env("DKRON_HA_PEERS", UNRESOLVABLE).start();
    running.wait_for("stderr", "waiting for the addresses");
    assert_eq!(
        ["/probe/live", "/probe/start", "/probe/ready"].map(|path| status(ports.wrapper, path)),
        [200, 200, 503]
    );
}

#[test]
fn a_dkron_that_listens_only_at_the_pods_address_is_asked_there() {
    let ports = Ports { wrapper: free_port(), dkron: free_port() };
    let _dkron = FakeDkron::at(18, ports.dkron, LEADER);
    let running = wrapped("server", &ports).env("POD_IP", "127.0.0.18").start();
    running.wait_for("stdout", "up");
    assert_eq!(status(ports.wrapper, "/probe/ready"), 200);
}

#[test]
fn a_dkron_that_hangs_makes_the_probe_fail_in_time() {
    let (running, ports) = server("server");
    running.wait_for("stdout", "up");
    let _silent = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.dkron)).expect("a free port");
    let asked = Instant::now();
    assert_eq!(status(ports.wrapper, "/probe/ready"), 503);
    assert!(asked.elapsed() >= Duration::from_millis(700), "{:?}", asked.elapsed());
    // A kubelet waits for one second; a busy machine may need some more.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[test]
fn requests_are_bounded_in_size_time_and_number() {
    let (running, ports) = server("server");
    running.wait_for("stdout", "up");
    let endless = [b"GET /probe/live HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let answer = send(ports.wrapper, &endless);
    assert!(!answer.contains("200 OK"), "{answer}");
    assert!(send(ports.wrapper, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").contains("400 Bad Request"));

    // Sixteen who say nothing fill the house; the next is sent away, and after two seconds all of them are.
    let opened = Instant::now();
    let mut idle: Vec<_> = (0..16).map(|_| connect(ports.wrapper)).collect();
    if opened.elapsed() < Duration::from_secs(1) {
        assert_eq!(get(ports.wrapper, "/probe/live"), "", "no place for the seventeenth");
    }
    for stream in &mut idle {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
    until("there is room again", || status(ports.wrapper, "/probe/live") == 200);
}

#[test]
fn a_port_that_is_taken_costs_the_probes_and_not_dkron() {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    let ports = Ports { wrapper: taken.local_addr().expect("an address").port(), dkron: free_port() };
    let running = wrapped("server", &ports).start();
    running.wait_for("stdout", "up");
    assert!(
        running.file("stderr").contains(&format!("no probes on port {}", ports.wrapper)),
        "{}",
        running.file("stderr")
    );
}

#[test]
fn an_agent_serves_no_probes() {
    let (running, ports) = server("agent");
    running.wait_for("stdout", "up");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, ports.wrapper)).is_err());
}

#[test]
fn a_role_that_only_a_file_tells_may_be_a_servers() {
    let (running, ports) = server("auto");
    running.wait_for("stdout", "up");
    assert_eq!(status(ports.wrapper, "/probe/live"), 200);
}
