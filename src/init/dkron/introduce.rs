//! Brings the gossip of an agent and that of a server together, without either being restarted.
//!
//! Members of memberlist, which serf is built on, exchange all they know over TCP now and then: one connects and tells, the other
//! tells in return, and both take in what they heard. Here a third connects: with nothing to tell it gets what the agent knows, tells
//! that to the server, and tells the agent what the server said. Neither can tell this from an exchange with the other, and what is
//! passed on need not be understood. Where gossip is encrypted, nobody answers a stranger, and nothing happens.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::http::{left, read_before};

/// An exchange of somebody who knows nobody: the kind of message, and in `MessagePack` `{Nodes: 0, UserStateLen: 0, Join: false}`.
pub const NOTHING: &[u8] = b"\x06\x83\xa5Nodes\x00\xacUserStateLen\x00\xa4Join\xc2";

/// What an answer begins with: an exchange, or a compressed one. Anything else is encrypted, or a refusal.
const KINDS: [u8; 2] = [6, 9];

/// A longer answer is refused: a member takes some 300 bytes.
const MOST_BYTES: usize = 8 << 20;

/// Lets both hear of each other, within this time.
///
/// # Errors
/// What the sockets say; `InvalidData` for an answer in another language.
pub fn introduce(agent: SocketAddr, server: SocketAddr, within: Duration) -> io::Result<()> {
    let end = Instant::now() + within;
    let agents = exchange(agent, NOTHING, end)?;
    let servers = exchange(server, &agents, end)?;
    exchange(agent, &servers, end).map(drop)
}

/// Tells `to` this, and returns what it tells.
fn exchange(to: SocketAddr, told: &[u8], end: Instant) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&to, left(end)?)?;
    stream.set_write_timeout(Some(left(end)?))?;
    stream.write_all(told)?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match read_before(&mut stream, &mut part, end)? {
            0 => break,
            length => answer.extend_from_slice(&part[..length]),
        }
        if answer.len() > MOST_BYTES {
            return Err(io::Error::new(ErrorKind::InvalidData, "the answer is too long"));
        }
    }
    match answer.first() {
        Some(kind) if KINDS.contains(kind) => Ok(answer),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "gossip is encrypted, or in another language")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A member that answers so many exchanges with `says`, and hands over what it was told.
    fn member(says: &'static [u8], exchanges: usize) -> (SocketAddr, Receiver<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (sender, told) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten().take(exchanges) {
                let mut part = [0; 100];
                let length = stream.read(&mut part).expect("what it is told");
                let _ = sender.send(part[..length].to_vec());
                let _ = stream.write_all(says);
            }
        });
        (address, told)
    }

    #[test]
    fn each_hears_what_the_other_knows() {
        let (agent, agent_heard) = member(b"\x06agents", 2);
        let (server, server_heard) = member(b"\x09servers", 1);
        introduce(agent, server, SOON).expect("both answer");
        assert_eq!(agent_heard.iter().collect::<Vec<_>>(), [NOTHING.to_vec(), b"\x09servers".to_vec()]);
        assert_eq!(server_heard.iter().collect::<Vec<_>>(), [b"\x06agents".to_vec()]);
    }

    #[test]
    fn who_speaks_another_language_is_told_nothing() {
        for refusal in [b"\x0aencrypted".as_slice(), b"\x0dno", b""] {
            let (agent, _heard) = member(refusal, 2);
            let (server, server_heard) = member(b"\x06servers", 1);
            let error = introduce(agent, server, SOON).expect_err("a refusal");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(server_heard.try_recv().is_err());
        }
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        assert!(introduce(nobody, nobody, SOON).is_err());
    }
}
