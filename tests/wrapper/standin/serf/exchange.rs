//! memberlist's exchange of all members, as far as a third can stand between two of them: who has nothing to tell may begin one,
//! and what it gets can be passed on as it came. What a stand-in tells in it is its own: a length of four bytes, then JSON.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::table::News;

/// The kind of message with which it begins.
pub const KIND: u8 = 6;

/// How memberlist refuses, in a message of its own.
const REFUSAL: u8 = 13;

/// What follows from somebody who knows nobody, in `MessagePack`: three fields, `Nodes` and `UserStateLen` of zero and no `Join`.
const NOBODY: &[u8] = b"\x83\xa5Nodes\x00\xacUserStateLen\x00\xa4Join\xc2";

const LARGEST: u32 = 1 << 20;

/// What the other side tells.
///
/// # Errors
/// The connection's, or another language.
pub fn read(stream: &mut TcpStream) -> io::Result<Vec<News>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    if head[1] == NOBODY[0] {
        let mut rest = vec![0; NOBODY.len() - 1];
        stream.read_exact(&mut rest)?;
        return if rest == NOBODY[1..] { Ok(Vec::new()) } else { Err(io::ErrorKind::InvalidData.into()) };
    }
    let mut length = [head[1], 0, 0, 0];
    stream.read_exact(&mut length[1..])?;
    let length = u32::from_be_bytes(length);
    if head[0] != KIND || length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length as usize];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Tells this.
///
/// # Errors
/// The connection's.
pub fn write(stream: &mut TcpStream, news: &[News]) -> io::Result<()> {
    let text = serde_json::to_vec(news)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    stream.write_all(&[&[KIND], length.to_be_bytes().as_slice(), &text].concat())
}

/// Refuses it: gossip is encrypted.
///
/// # Errors
/// The connection's.
pub fn refuse(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&[REFUSAL])
}
