//! Raft's own message `TimeoutNow`, the one message of real raft that the stand-in understands: the byte 3, then a map
//! in msgpack. The answer is an empty error and a map without values.

use std::io::{self, Read};
use std::net::TcpStream;

/// The type of the message.
pub const TYPE: u8 = 3;

/// What a follower of dkron answers.
pub const ANSWER: &[u8] = b"\xa0\x83\xa4Addr\xc0\xa2ID\xc0\xafProtocolVersion\x00";

/// Reads one message off `stream`, its type included.
///
/// # Errors
/// The connection's, or bytes that are no such map.
pub fn read(stream: &mut TcpStream) -> io::Result<()> {
    let [kind, map] = take(stream)?;
    if kind != TYPE || map & 0xf0 != 0x80 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    for _ in 0..map & 0x0f {
        skip(stream)?;
        skip(stream)?;
    }
    Ok(())
}

/// Steps over one string, byte string, nil or number.
fn skip(stream: &mut TcpStream) -> io::Result<()> {
    let [kind] = take(stream)?;
    let length = match kind {
        0x00..=0x7f | 0xc0 => 0,
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        0xcf => 8,
        0xa0..=0xbf => usize::from(kind & 0x1f),
        0xc4 | 0xd9 => usize::from(take::<1>(stream)?[0]),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    stream.read_exact(&mut vec![0; length])
}

fn take<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
