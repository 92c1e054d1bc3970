//! A dkron that only answers `/v1/leader`, on loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::wrapped::write_program;

/// dkron's answer where a member leads.
pub const LEADER: (u16, &str) =
    (200, r#"{"Name":"a-2","Addr":"10.0.0.3","Tags":{"rpc_addr":"10.0.0.3:6868"},"Status":1}"#);

/// dkron's answer where nobody leads.
pub const NOBODY: (u16, &str) = (500, "null");

/// dkron's answer in the moment when it takes a member without an address for the leader.
pub const FALSE_LEADER: (u16, &str) = (200, r#"{"Name":"a-2","Addr":"10.0.0.3","Tags":{},"Status":1}"#);

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A listening fake.
pub struct FakeDkron {
    address: SocketAddrV4,
    answer: Arc<Mutex<Option<(u16, &'static str)>>>,
    asked: Arc<AtomicUsize>,
}

impl FakeDkron {
    /// Listens at 127.0.0.`host`.
    pub fn at(host: u8, port: u16, answer: (u16, &'static str)) -> Self {
        let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, host), port);
        let listener = TcpListener::bind(address).expect("a free port");
        let fake = Self { address, answer: Arc::new(Mutex::new(Some(answer))), asked: Arc::new(AtomicUsize::new(0)) };
        let (answer, asked) = (Arc::clone(&fake.answer), Arc::clone(&fake.asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some((status, body)) = *answer.lock().expect("the answer") else { break };
                asked.fetch_add(1, Ordering::Relaxed);
                respond(stream, status, body);
            }
        });
        fake
    }

    /// Answers otherwise from now on.
    pub fn answer(&self, answer: (u16, &'static str)) {
        *self.answer.lock().expect("the answer") = Some(answer);
    }

    /// Number of questions so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for FakeDkron {
    fn drop(&mut self) {
        *self.answer.lock().expect("the answer") = None;
        let _ = TcpStream::connect(self.address);
    }
}

fn respond(mut stream: TcpStream, status: u16, body: &str) {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(length @ 1..) => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let known = request.starts_with(b"GET /v1/leader HTTP/1.");
    let (status, body) = if known { (status, body) } else { (404, "") };
    let _ = write!(stream, "HTTP/1.0 {status} X\r\nX-Whom: a-0\r\nContent-Type: application/json\r\n\r\n{body}");
}

/// A program called `dkron` in `directory` that writes its arguments and its `DKRON_` variables, line by line, into the
/// file `told` beside it and ends with code 0.
pub fn telling_program(directory: &Path) -> PathBuf {
    let told = directory.join("told");
    program(
        directory,
        &format!("{{ for w in \"$@\"; do echo \"$w\"; done; env | grep ^DKRON_; }} > '{}'\nexit 0\n", told.display()),
    )
}

/// A program called `dkron` in `directory` with this script.
pub fn program(directory: &Path, script: &str) -> PathBuf {
    let path = directory.join("dkron");
    write_program(&path, &format!("#!/bin/sh\n{script}"), 0o755);
    path
}
