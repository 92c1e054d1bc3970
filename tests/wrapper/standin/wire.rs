//! How stand-ins talk: one letter, a length of four bytes, then JSON. No real dkron understands it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first byte of every message. Raft's own messages begin with 0 to 4, HTTP/2 with `P`.
pub const MARK: u8 = b'S';

const LARGEST: usize = 64 << 20;

/// Connects to the first address behind `address` that answers within `limit`.
///
/// # Errors
/// What the last one said.
pub fn dial(address: &str, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "passthrough: received empty target in Build()");
    if address.is_empty() {
        return Err(last);
    }
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// # Errors
/// The connection's.
pub fn send(stream: &mut TcpStream, message: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut bytes = vec![MARK];
    bytes.extend(length.to_be_bytes());
    bytes.extend(json);
    stream.write_all(&bytes)
}

/// # Errors
/// The connection's, its end, or a message of something else.
pub fn receive<T: DeserializeOwned>(stream: &mut TcpStream) -> io::Result<T> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if head[0] != MARK || length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = vec![0; length];
    stream.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}
