//! A dkron that is a shell script, and HTTP servers on loopback that answer as a dkron or as the wrapper before it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::wrapped::write_program;

/// dkron's answer to `/v1/leader` where a member leads.
pub const LEADER: (u16, &str) =
    (200, r#"{"Name":"a-2","Addr":"10.0.0.3","Tags":{"rpc_addr":"10.0.0.3:6868"},"Status":1}"#);

/// The same where nobody leads.
pub const NOBODY: (u16, &str) = (500, "null");

/// The same in the moment when it takes a member without an address for the leader.
pub const FALSE_LEADER: (u16, &str) = (200, r#"{"Name":"a-2","Addr":"10.0.0.3","Tags":{},"Status":1}"#);

/// Below the ports that the system gives to outgoing connections, which might take one that was just found free.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A port where nobody listens, and which no other test of this program is given.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() % u32::from(PORTS.end - PORTS.start);
    loop {
        let next = first + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + u16::try_from(next % u32::from(PORTS.end - PORTS.start)).expect("below");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// Status and body by path; `None` for a server that never answers.
type Answers = Option<BTreeMap<&'static str, (u16, String)>>;

/// A listening fake; it closes its port when dropped.
pub struct Fake {
    address: SocketAddrV4,
    answers: Arc<Mutex<Answers>>,
    over: Arc<Mutex<bool>>,
    asked: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// A dkron at `ip` with this answer to `/v1/leader`.
    pub fn dkron(ip: Ipv4Addr, port: u16, leader: (u16, &str)) -> Self {
        let fake = Self::at(ip, port);
        fake.shows(leader);
        fake
    }

    /// A wrapper at `ip` that tells this state.
    pub fn wrapper(ip: Ipv4Addr, port: u16, state: &Value) -> Self {
        let fake = Self::at(ip, port);
        fake.tells(state);
        fake
    }

    fn at(ip: Ipv4Addr, port: u16) -> Self {
        let address = SocketAddrV4::new(ip, port);
        let listener = TcpListener::bind(address).expect("a free port");
        let answers = Arc::new(Mutex::new(None));
        let (over, asked) = (Arc::new(Mutex::new(false)), Arc::new(AtomicUsize::new(0)));
        let thread = thread::spawn({
            let (answers, over, asked) = (Arc::clone(&answers), Arc::clone(&over), Arc::clone(&asked));
            move || {
                let mut unanswered = Vec::new();
                for stream in listener.incoming().flatten() {
                    if *over.lock().expect("the flag") {
                        return;
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                    match &*answers.lock().expect("the answers") {
                        Some(answers) => respond(stream, answers),
                        None => unanswered.push(stream),
                    }
                }
            }
        });
        Self { address, answers, over, asked, thread: Some(thread) }
    }

    /// From now on answers so to `/v1/leader`.
    pub fn shows(&self, (status, leader): (u16, &str)) {
        self.answer([
            ("/v1/leader", (status, leader.to_owned())),
            ("/v1/isleader", (404, r#""I am a follower""#.to_owned())),
            ("/v1/members", (200, "[]".to_owned())),
        ]);
    }

    /// From now on tells this state.
    pub fn tells(&self, state: &Value) {
        self.answer([("/v1/state", (200, state.to_string()))]);
    }

    /// From now on answers so at this path, and nowhere else.
    pub fn says(&self, path: &'static str, answer: &Value) {
        self.answer([(path, (200, answer.to_string()))]);
    }

    /// Takes connections and says nothing from now on.
    pub fn hangs(&self) {
        *self.answers.lock().expect("the answers") = None;
    }

    fn answer<const N: usize>(&self, answers: [(&'static str, (u16, String)); N]) {
        *self.answers.lock().expect("the answers") = Some(BTreeMap::from(answers));
    }

    /// Number of questions so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        *self.over.lock().expect("the flag") = true;
        let _ = TcpStream::connect(self.address);
        // The port is free when its thread has ended.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn respond(mut stream: TcpStream, answers: &BTreeMap<&'static str, (u16, String)>) {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(length @ 1..) => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.strip_prefix("GET ").and_then(|rest| rest.split_once(" HTTP/1.")).map(|(path, _)| path);
    let answer = path.and_then(|path| answers.get(path));
    let (status, body) = answer.map_or((404, ""), |(status, body)| (*status, body));
    let _ = write!(stream, "HTTP/1.0 {status} X\r\nX-Whom: a-0\r\nContent-Type: application/json\r\n\r\n{body}");
}

/// A program called `dkron` in `directory`. As an agent it writes its arguments and its `DKRON_` variables, line by line, into the
/// file `told` beside it, and runs until TERM. `raft list-peers` prints the file `raft`, `raft remove-peer` takes a server out of
/// that; both write their arguments into `asked`.
pub fn telling_program(directory: &Path) -> PathBuf {
    let script = format!(
        "cd '{}' || exit 1
case $1 in
agent) ;;
raft)
  echo \"$*\" >> asked
  if [ \"$2\" = remove-peer ]; then
    grep -v \"^$6 \" raft > raft.new
    mv raft.new raft
  else
    cat raft
  fi
  exit 0 ;;
*) exit 0 ;;
esac
sleep 600 &
trap 'kill $!; exit 0' TERM
{{ for w in \"$@\"; do echo \"$w\"; done; env | grep ^DKRON_; }} > told.new
mv told.new told
wait
",
        directory.display()
    );
    program(directory, &script)
}

/// A program called `dkron` in `directory` with this script.
pub fn program(directory: &Path, script: &str) -> PathBuf {
    let path = directory.join("dkron");
    write_program(&path, &format!("#!/bin/sh\n{script}"), 0o755);
    path
}
