//! The probes of the dkron container: a server of three paths, with one short-lived thread a connection.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::contract::path;

use super::http::{head_end, read_before};
use super::leader;

/// Connections at one time; more are closed unanswered. A kubelet keeps at most three.
const MOST_CONNECTIONS: usize = 16;

/// A longer request is refused.
const MOST_BYTES: usize = 4096;

/// Time that a request may take to arrive, and an answer to leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// Time for asking dkron: the kubelet gives a probe one second if nobody says otherwise.
const DKRON_PATIENCE: Duration = Duration::from_millis(800);

/// Pause after a failed accept, such as one without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound port that nobody serves yet.
#[derive(Debug)]
pub struct Probes {
    listener: TcpListener,
    dkron: Vec<SocketAddr>,
}

impl Probes {
    /// Binds `port` on all addresses; `dkron_port` is that of dkron's HTTP API, here or at `pod_ip`.
    ///
    /// # Errors
    /// What the system says of sockets.
    pub fn bind(port: u16, dkron_port: u16, pod_ip: Option<IpAddr>) -> io::Result<Self> {
        // An IPv6 socket takes IPv4 too, except where the node has no IPv6.
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?;
        // dkron listens on all addresses, or on the pod's where the user said so.
        let hosts = [Some(IpAddr::from(Ipv4Addr::LOCALHOST)), pod_ip];
        let dkron = hosts.into_iter().flatten().map(|ip| SocketAddr::new(ip, dkron_port)).collect();
        Ok(Self { listener, dkron })
    }

    /// Serves on threads of its own for as long as the program lives.
    ///
    /// # Errors
    /// What the system says of threads.
    pub fn serve(self) -> io::Result<()> {
        let Self { listener, dkron } = self;
        let dkron: Arc<[SocketAddr]> = dkron.into();
        let permits = Arc::new(());
        let accept = move || loop {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(ACCEPT_PAUSE);
                continue;
            };
            // One count is the loop's own.
            if Arc::strong_count(&permits) > MOST_CONNECTIONS {
                continue;
            }
            let (permit, dkron) = (Arc::clone(&permits), Arc::clone(&dkron));
            // A thread that cannot be had closes the connection; the kubelet asks again.
            let _ = thread::Builder::new().name("probe".into()).spawn(move || {
                let _ = converse(stream, &dkron);
                drop(permit);
            });
        };
        thread::Builder::new().name("probes".into()).spawn(accept)?;
        Ok(())
    }
}

/// Reads one request and answers it.
fn converse(mut stream: TcpStream, dkron: &[SocketAddr]) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut received = Vec::new();
    let mut part = [0; 1024];
    while head_end(&received).is_none() && received.len() < MOST_BYTES {
        let length = read_before(&mut stream, &mut part, end)?;
        if length == 0 {
            return Ok(());
        }
        received.extend_from_slice(&part[..length]);
    }
    let (status, text) = answer(&received, || ready(dkron));
    let length = text.len() + 1;
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}Connection: close\r\n\r\n{text}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

/// Status line and text for a request.
fn answer(request: &[u8], ready: impl FnOnce() -> Result<String, String>) -> (&'static str, String) {
    let target = head_end(request)
        .and_then(|end| std::str::from_utf8(&request[..end]).ok())
        .and_then(|head| head.lines().next())
        .and_then(|line| line.strip_suffix(" HTTP/1.1").or_else(|| line.strip_suffix(" HTTP/1.0")))
        .and_then(|line| line.split_once(' '));
    let Some((method, target)) = target else {
        return ("400 Bad Request", "no request that this port understands".into());
    };
    let asked = target.split_once('?').map_or(target, |(path, _)| path);
    match (method, asked) {
        // While peers are waited for, dkron serves nothing: that this program answers is all there is to ask.
        ("GET", path::PROBE_LIVE | path::PROBE_START) => ("200 OK", "alive".into()),
        ("GET", path::PROBE_READY) => match ready() {
            Ok(leader) => ("200 OK", leader),
            Err(reason) => ("503 Service Unavailable", reason),
        },
        _ => ("404 Not Found", format!("try {}, {} or {}", path::PROBE_LIVE, path::PROBE_READY, path::PROBE_START)),
    }
}

/// Whether the own dkron knows a leader, and so takes part.
fn ready(dkron: &[SocketAddr]) -> Result<String, String> {
    let end = Instant::now() + DKRON_PATIENCE;
    let mut reason = String::from("nobody to ask");
    for address in dkron {
        match leader::ask(*address, end.saturating_duration_since(Instant::now())) {
            Ok(Ok(leader)) => return Ok(format!("leader: {leader}")),
            Ok(Err(none)) => return Err(none.to_string()),
            Err(error) => reason = format!("{address}: {error}"),
        }
    }
    Err(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_paths_are_answered_and_nothing_else() {
        let table = [
            ("GET /probe/live HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"),
            ("GET /probe/start HTTP/1.0\r\n\r\n", "200 OK"),
            ("GET /probe/live?verbose HTTP/1.1\r\n\r\n", "200 OK"),
            ("GET /probe/ready HTTP/1.1\r\n\r\n", "503 Service Unavailable"),
            ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("GET /probe/live/ HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("POST /probe/live HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("GET /probe/live HTTP/2\r\n\r\n", "400 Bad Request"),
            ("GET /probe/live HTTP/1.1\r\n", "400 Bad Request"),
            ("\u{16}\u{3}\u{1}\r\n\r\n", "400 Bad Request"),
        ];
        for (request, expected) in table {
            assert_eq!(answer(request.as_bytes(), || Err("no".into())).0, expected, "{request:?}");
        }
        let ready = answer(b"GET /probe/ready HTTP/1.1\r\n\r\n", || Ok("leader: a".into()));
        assert_eq!(ready, ("200 OK", "leader: a".to_owned()));
    }
}
