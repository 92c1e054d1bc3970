//! One HTTP request, as small as it can be: plain text to loopback and pod addresses, all within one deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::procedure::Told;
use super::response::{Answering, Take};

/// A longer body is refused by [`ask`].
const MOST_BODY: usize = 256 * 1024;

/// Longest time for a connection to come about; together with a second try elsewhere it stays below a second.
const CONNECT: Duration = Duration::from_millis(500);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`, with an empty body.
    Post,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// What followed the head.
    pub body: Vec<u8>,
}

/// Asks `address` for `path` and reads the whole answer before `end`, connecting included.
///
/// # Errors
/// Whatever the sockets say; `TimedOut` when the time is over; `UnexpectedEof` for an answer that breaks off; `InvalidData` for one
/// that is no HTTP/1, or too long.
pub fn ask(address: SocketAddr, method: Method, path: &str, end: Instant) -> io::Result<Response> {
    let mut body = Vec::new();
    let status = exchange(address, method, path, end, &mut |_, part| {
        body.extend_from_slice(part);
        if body.len() > MOST_BODY { Err(invalid("the answer is too long")) } else { Ok(()) }
    })?;
    Ok(Response { status, body })
}

/// As [`ask`] with `GET`, but the body, of any length, goes to `take` as it comes, in parts, each with the status.
///
/// # Errors
/// Those of [`ask`], and what `take` returns: the exchange ends there.
pub fn stream(address: SocketAddr, path: &str, end: Instant, take: Take<'_>) -> io::Result<u16> {
    exchange(address, Method::Get, path, end, take)
}

/// What an outcome of [`ask`] tells about who is there.
pub fn told<T>(outcome: io::Result<T>) -> Told<T> {
    match outcome {
        Ok(answer) => Told::Answer(answer),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused => Told::Nobody,
            ErrorKind::InvalidData => Told::Unreadable,
            _ => Told::Silence,
        },
    }
}

fn exchange(address: SocketAddr, method: Method, path: &str, end: Instant, take: Take<'_>) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, left(end)?.min(CONNECT))?;
    stream.set_write_timeout(Some(left(end)?))?;
    let (method, length) = match method {
        Method::Get => ("GET", ""),
        Method::Post => ("POST", "Content-Length: 0\r\n"),
    };
    // The proxies of a service mesh refuse HTTP/1.0.
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: dkron-ha-init\r\nConnection: close\r\n{length}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Answering::new();
    let mut part = [0; 4096];
    loop {
        let length = read_before(&mut stream, &mut part, end)?;
        if let Some(status) = answer.feed(&part[..length], take)? {
            return Ok(status);
        }
    }
}

/// Time that is left; an error when there is none.
///
/// # Errors
/// `TimedOut`.
pub fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// One read that ends at `end`, whatever signals come between.
///
/// # Errors
/// `TimedOut`, or what the socket says.
pub fn read_before(stream: &mut TcpStream, buffer: &mut [u8], end: Instant) -> io::Result<usize> {
    loop {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(buffer) {
            // A socket with a timeout is not restarted after a signal handler, and a timeout shows as `WouldBlock`:
            // both times `left` decides.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            read => return read,
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
