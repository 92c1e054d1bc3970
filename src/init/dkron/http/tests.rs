//! Servers on loopback that behave well and badly.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use super::super::response::head_end;
use super::*;

/// A server on loopback that reads one request and then does this.
fn server(behave: impl FnOnce(TcpStream, Vec<u8>) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut request, mut part) = (Vec::new(), [0; 1024]);
        while head_end(&request).is_none() {
            let length = stream.read(&mut part).expect("a request");
            request.extend_from_slice(&part[..length]);
        }
        behave(stream, request);
    });
    address
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[test]
fn the_request_says_what_is_meant() {
    for (method, line) in [(Method::Get, "GET /v1/x HTTP/1.1"), (Method::Post, "POST /v1/x HTTP/1.1")] {
        let address = server(|mut stream, request| {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n{}", String::from_utf8_lossy(&request)).expect("an answer");
        });
        let response = ask(address, method, "/v1/x", soon()).expect("an answer");
        let request = String::from_utf8(response.body).expect("text");
        assert_eq!(request.lines().next(), Some(line));
        assert_eq!(request.contains("Content-Length: 0\r\n"), method == Method::Post);
        assert!(request.contains(&format!("Host: {address}\r\n")), "{request}");
    }
}

#[test]
fn who_is_there_is_told_by_how_it_failed() {
    let closed =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let told_of = |address| told(ask(address, Method::Get, "/", soon()).map(|response| response.status));
    assert_eq!(told_of(closed), Told::Nobody);
    assert_eq!(told_of(server(|stream, _| drop(stream))), Told::Silence);
    assert_eq!(told_of(server(|mut stream, _| drop(stream.write_all(b"220 mail\r\n")))), Told::Unreadable);
    assert_eq!(told_of(server(|mut stream, _| drop(stream.write_all(b"HTTP/1.0 404 X\r\n\r\n")))), Told::Answer(404));
}

#[test]
fn a_server_that_hangs_or_never_ends_is_left() {
    let hangs = server(|stream, _| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let begun = Instant::now();
    let error = ask(hangs, Method::Get, "/", begun + Duration::from_millis(200)).expect_err("no answer");
    assert_eq!(told::<()>(Err(error)), Told::Silence);
    assert!(begun.elapsed() >= Duration::from_millis(190), "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());

    let babbles = |mut stream: TcpStream, _| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    };
    let error = ask(server(babbles), Method::Get, "/", soon()).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let (mut most, begun) = (0, Instant::now());
    let error = stream(server(babbles), "/", begun + Duration::from_millis(300), &mut |status, part| {
        most = most.max(part.len());
        assert_eq!(status, 200);
        Ok(())
    });
    assert_eq!(error.expect_err("no end").kind(), ErrorKind::TimedOut);
    assert!((1..=4096).contains(&most), "{most}");
    let stopped = stream(server(babbles), "/", soon(), &mut |_, _| Err(ErrorKind::Other.into()));
    assert_eq!(stopped.expect_err("what the taker says").kind(), ErrorKind::Other);
}
