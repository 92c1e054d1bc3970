//! Leadership given away from outside: raft's own message `TimeoutNow`, which a leader sends to the server that is to follow it.
//! dkron has no command for it.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::procedure::{Name, Outcome};
use super::http::{left, read_before};

/// hashicorp/raft's number of the message (3), then its header in msgpack, a map of three: address and ID of the sender, which nobody
/// reads, and the version of raft's protocol (3).
const TIMEOUT_NOW: &[u8] = b"\x03\x83\xa4Addr\xa1x\xa2ID\xa1x\xafProtocolVersion\x03";

/// First byte of an answer without an error: an empty string in msgpack.
const NO_ERROR: u8 = 0xa0;

/// Asks the server whose raft listens at `follower` to take over at once. It is heard at once; whether an election follows, and is
/// won, shows at the servers' leader.
///
/// # Errors
/// Why the message was not taken.
pub fn hand_over(follower: SocketAddr, within: Duration) -> Outcome<()> {
    send(follower, Instant::now() + within).map_err(|error| Name::from(error.to_string()))
}

fn send(follower: SocketAddr, end: Instant) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&follower, left(end)?)?;
    stream.set_write_timeout(Some(left(end)?))?;
    stream.write_all(TIMEOUT_NOW)?;
    let mut answer = [0; 256];
    let length = read_before(&mut stream, &mut answer, end)?;
    match answer[..length].split_first() {
        Some((&NO_ERROR, _)) => Ok(()),
        Some((_, words)) => {
            let words: String =
                words.iter().copied().filter(|byte| (b' '..=b'~').contains(byte)).map(char::from).collect();
            Err(io::Error::other(format!("raft answers: {words}")))
        }
        None => Err(io::Error::new(ErrorKind::UnexpectedEof, "raft closed the connection")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// Hands over to a server on loopback that answers so; returns the outcome and what the server heard.
    fn hand_over_to(answer: Option<&'static [u8]>, within: Duration) -> (Outcome<()>, Vec<u8>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let raft = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut heard = vec![0; TIMEOUT_NOW.len()];
            stream.read_exact(&mut heard).expect("the message");
            match answer {
                Some(answer) => stream.write_all(answer).expect("the answer"),
                None => drop(stream.read(&mut [0; 1])),
            }
            heard
        });
        let outcome = hand_over(address, within);
        (outcome, raft.join().expect("the server"))
    }

    #[test]
    fn the_message_is_rafts_and_an_empty_error_means_taken() {
        let real = b"\xa0\x83\xa4Addr\xc0\xa2ID\xc0\xafProtocolVersion\x00";
        let (outcome, heard) = hand_over_to(Some(real), Duration::from_secs(20));
        assert_eq!(outcome, Ok(()));
        assert_eq!(heard.len(), 31);
        assert_eq!((heard[0], heard[1], heard[30]), (3, 0x83, 3));
    }

    #[test]
    fn anything_else_is_a_failure_with_words() {
        let refused = |answer| hand_over_to(Some(answer), Duration::from_secs(20)).0.expect_err("a refusal");
        assert!(refused(b"\xb0raft is shut down\x83").contains("raft is shut down"));
        assert_eq!(&*refused(b""), "raft closed the connection");
        assert!(hand_over_to(None, Duration::from_millis(100)).0.expect_err("no answer").contains("timed out"));
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let nobody = hand_over(closed.expect("a port"), Duration::from_secs(20));
        assert!(nobody.expect_err("nobody").contains("refused"));
    }
}
