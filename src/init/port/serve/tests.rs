//! Connections on loopback.

use std::io::Read;

use super::super::answer::tests::snapshot;
use super::*;

/// A served port and what it shows.
fn served() -> (u16, Arc<Board>) {
    let port = Port::bind(0).expect("a port");
    let number = port.listener.local_addr().expect("its address").port();
    let board = Arc::new(Board::new(snapshot()));
    port.serve(Arc::clone(&board)).expect("threads");
    (number, board)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the port");
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
    send(port, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
}

#[test]
fn what_is_shown_is_answered_at_once() {
    let (port, board) = served();
    assert!(get(port, "/probe/ready").ends_with("\r\n\r\nleader: a-1\n"));
    let mut next = snapshot();
    next.health.ready = Err("nobody leads".into());
    board.show(next);
    let answer = get(port, "/probe/ready");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\nnobody leads\n"), "{answer}");
    assert!(get(port, "/v1/state").contains("\r\nContent-Type: application/json\r\n"));
}

#[test]
fn requests_are_bounded_in_size_time_and_number() {
    let (port, _) = served();
    let endless = [b"GET /probe/live HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let answer = send(port, &endless);
    assert!(!answer.contains("200 OK"), "{answer}");

    // A port of its own: the place of the one before may not be free yet.
    let (port, _) = served();
    // Sixteen who say nothing fill the house; the next is sent away, and after two seconds all of them are.
    let opened = Instant::now();
    let mut idle: Vec<_> = (0..MOST_CONNECTIONS).map(|_| connect(port)).collect();
    let answer = get(port, "/probe/live");
    if opened.elapsed() < Duration::from_secs(1) {
        assert_eq!(answer, "", "no place for the seventeenth");
    }
    for stream in &mut idle {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
    let end = Instant::now() + Duration::from_secs(20);
    while !get(port, "/probe/live").contains("200 OK") {
        assert!(Instant::now() < end, "there is room again");
    }
}
