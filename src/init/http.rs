//! One HTTP GET, as small as it can be: dkron's API on loopback and pod addresses, plain text, short answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer answers are refused: `/v1/leader` takes a few hundred bytes.
const MOST_BYTES: usize = 64 * 1024;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// What followed the head.
    pub body: Vec<u8>,
}

/// Asks `address` for `path` and reads the whole answer `within` that time, connecting included.
///
/// # Errors
/// Whatever the sockets say; `TimedOut` when the time is over; `InvalidData` for an answer that is no HTTP/1, too long or cut off.
pub fn get(address: SocketAddr, path: &str, within: Duration) -> io::Result<Response> {
    let end = Instant::now() + within;
    let mut stream = TcpStream::connect_timeout(&address, left(end)?)?;
    stream.set_write_timeout(Some(left(end)?))?;
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nUser-Agent: dkron-ha-init\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut received = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = read_before(&mut stream, &mut part, end)?;
        received.extend_from_slice(&part[..length]);
        if received.len() > MOST_BYTES {
            return Err(invalid("the answer is too long"));
        }
        if let Some(response) = parse(&received, length == 0)? {
            return Ok(response);
        }
    }
}

/// Time that is left; an error when there is none.
pub fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
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
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            read => return read,
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Position behind the empty line that ends a head.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Reads what came so far; `None` if more must come.
fn parse(received: &[u8], ended: bool) -> io::Result<Option<Response>> {
    let Some(head_end) = head_end(received) else {
        return if ended { Err(invalid("the answer is no HTTP, or cut off")) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&received[..head_end]).map_err(|_| invalid("the head of the answer is no text"))?;
    let mut lines = head.lines();
    let status = lines.next().and_then(status).ok_or_else(|| invalid("the answer is no HTTP"))?;
    let body = &received[head_end..];
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())
    });
    match length {
        Some(None) => Err(invalid("the length of the answer is no number")),
        Some(Some(length)) if body.len() >= length => Ok(Some(Response { status, body: body[..length].to_vec() })),
        Some(Some(_)) if ended => Err(invalid("the answer is cut off")),
        None if ended => Ok(Some(Response { status, body: body.to_vec() })),
        _ => Ok(None),
    }
}

fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let code = rest.split(' ').next()?;
    let three_digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    (version.starts_with("HTTP/1.") && three_digits).then(|| code.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_or_an_error() {
        let response = |status, body: &str| Ok(Some(Response { status, body: body.into() }));
        let table = [
            ("HTTP/1.0 200 OK\r\n\r\nbody", true, response(200, "body")),
            ("HTTP/1.0 200 OK\r\n\r\nbody", false, Ok(None)),
            ("HTTP/1.1 500 Internal Server Error\r\ncontent-LENGTH: 4\r\n\r\nnull", false, response(500, "null")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbody", true, response(200, "bo")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", false, Ok(None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", true, Err(())),
            ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nbody", true, Err(())),
            ("HTTP/1.1 204\r\n\r\n", true, response(204, "")),
            ("HTTP/2 200 OK\r\n\r\n", true, Err(())),
            ("HTTP/1.1 2000 OK\r\n\r\n", true, Err(())),
            ("SSH-2.0-x\r\n\r\n", true, Err(())),
            ("HTTP/1.1 200 OK\r\n", true, Err(())),
        ];
        for (text, ended, expected) in table {
            assert_eq!(parse(text.as_bytes(), ended).map_err(drop), expected, "{text:?}");
        }
    }
}
