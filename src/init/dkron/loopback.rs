//! For tests: HTTP servers on loopback that answer by path.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::response::head_end;

/// Answers to a request line without its version; `None` hangs up.
pub type Answers = fn(&str) -> Option<(u16, String)>;

/// A listening server; it closes its port when dropped.
pub struct Loopback {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    open: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Listens at 127.0.0.`host`.
    pub fn at(host: u8, port: u16, answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), port)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (asked, open) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Mutex::new(true)));
        let thread = thread::spawn({
            let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
            move || {
                for stream in listener.incoming().flatten() {
                    if !*open.lock().expect("the flag") {
                        return;
                    }
                    respond(stream, answers, &asked);
                }
            }
        });
        Self { address, asked, open, thread: Some(thread) }
    }

    /// The request lines so far, without their version.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the requests").clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        *self.open.lock().expect("the flag") = false;
        let _ = TcpStream::connect(self.address);
        // The port is free when its thread has ended.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn respond(mut stream: TcpStream, answers: Answers, asked: &Mutex<Vec<String>>) {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while head_end(&request).is_none() {
        match stream.read(&mut part) {
            Ok(length @ 1..) => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request);
    let line = request.lines().next().and_then(|line| line.rsplit_once(' ')).map_or("", |(line, _)| line);
    asked.lock().expect("the requests").push(line.to_owned());
    if let Some((status, body)) = answers(line) {
        let _ = write!(stream, "HTTP/1.0 {status} X\r\nX-Whom: a-0\r\nContent-Type: application/json\r\n\r\n{body}");
    }
}

/// A port where nobody listens at any address of 127.0.0.0/8, a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

/// 127.0.0.`host`.
pub fn ip(host: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, host).into()
}

/// A member as dkron shows it.
pub fn member(name: &str, addr: &str, tags: &str, status: u8) -> String {
    format!(
        r#"{{"Name":"{name}","Addr":"{addr}","Port":8946,"Tags":{{"dc":"dc1","region":"global","role":"dkron",{tags}"version":"4.0.9"}},"Status":{status},"ProtocolCur":2,"id":"a89efd5c","statusText":"x"}}"#
    )
}

/// The tags that a server has and an agent has not, or not so.
pub fn server_tags(addr: &str) -> String {
    format!(r#""expect":"3","port":"6868","rpc_addr":"{addr}:6868","server":"true","#)
}

/// A dkron that follows `a-1`.
pub fn follower(line: &str) -> Option<(u16, String)> {
    let leader = member("a-1", "127.0.0.3", &server_tags("127.0.0.3"), 1);
    Some(match line {
        "GET /v1/leader" => (200, leader),
        "GET /v1/isleader" => (404, r#""I am a follower""#.into()),
        "GET /v1/members" => {
            let agent = member("b-0", "127.0.0.9", "", 1);
            (200, format!("[{leader},{agent},{}]", member("a-0", "127.0.0.2", &server_tags("127.0.0.2"), 4)))
        }
        "GET /v1/busy" => {
            (200, r#"[{"id":"1","node_name":"a-0"},{"id":"2","node_name":"a-1"},{"node_name":"a-0"}]"#.into())
        }
        "POST /v1/leave" => (200, "null".into()),
        _ => return None,
    })
}
