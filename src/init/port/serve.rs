//! Connections to the port: one short-lived thread each, bounded in size, time and number.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::super::dkron::http::read_before;
use super::super::dkron::response::head_end;
use super::super::threads;
use super::answer::answer;
use super::board::Board;

/// Connections at one time; more are closed unanswered. A kubelet keeps at most three, and each peer one.
const MOST_CONNECTIONS: usize = 16;

/// A longer request is refused.
const MOST_BYTES: usize = 4096;

/// Time that a request may take to arrive, and an answer to leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pause after a failed accept, such as one without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound port that nobody serves yet.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
}

impl Port {
    /// Binds `port` on all addresses.
    ///
    /// # Errors
    /// What the system says of sockets.
    pub fn bind(port: u16) -> io::Result<Self> {
        // An IPv6 socket takes IPv4 too, except where the node has no IPv6.
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?;
        Ok(Self { listener })
    }

    /// Serves what `board` shows, on threads of its own for as long as the program lives.
    ///
    /// # Errors
    /// What the system says of threads.
    pub fn serve(self, board: Arc<Board>) -> io::Result<()> {
        let permits = Arc::new(());
        let accept = move || loop {
            let Ok((stream, _)) = self.listener.accept() else {
                thread::sleep(ACCEPT_PAUSE);
                continue;
            };
            // One count is the loop's own.
            if Arc::strong_count(&permits) > MOST_CONNECTIONS {
                continue;
            }
            let (permit, board) = (Arc::clone(&permits), Arc::clone(&board));
            // A thread that cannot be had closes the connection; whoever asked asks again.
            let answer = move || {
                let _ = converse(stream, &board);
                drop(permit);
            };
            let _ = threads::begin("connection", Box::new(answer));
        };
        threads::begin("port", Box::new(accept))
    }
}

/// Reads one request and answers it.
fn converse(mut stream: TcpStream, board: &Board) -> io::Result<()> {
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
    stream.write_all(&answer(&received, board).bytes())?;
    stream.shutdown(Shutdown::Write)
}

#[cfg(test)]
mod tests;
