//! An HTTP/1 answer as it comes in: a status, and a body whose end is told by a length, by chunks, or by the end of the
//! connection.

use std::io::{self, ErrorKind};

use super::chunks::Chunks;

/// A longer head is refused: dkron's and the wrapper's take some 200 bytes.
const MOST_HEAD: usize = 4096;

/// Who gets the body: the status, and the next bytes.
pub type Take<'a> = &'a mut dyn FnMut(u16, &[u8]) -> io::Result<()>;

/// What is expected next.
#[derive(Debug)]
enum At {
    /// More of the head; this much came.
    Head(Vec<u8>),
    /// So many bytes of the body.
    Length(u16, usize),
    /// Chunks.
    Chunks(u16, Chunks),
    /// Whatever comes before the connection ends.
    Rest(u16),
}

/// An answer as it comes in.
#[derive(Debug)]
pub struct Answering {
    at: At,
}

impl Answering {
    /// Nothing came yet.
    pub fn new() -> Self {
        Self { at: At::Head(Vec::new()) }
    }

    /// Takes in what was read, nothing for the end of the connection; returns the status once the answer is whole.
    ///
    /// # Errors
    /// `UnexpectedEof` for an answer that breaks off, `InvalidData` for what is no HTTP/1; whatever `take` returns.
    pub fn feed(&mut self, part: &[u8], take: Take<'_>) -> io::Result<Option<u16>> {
        if let At::Head(received) = &mut self.at {
            received.extend_from_slice(part);
            let Some(end) = head_end(received) else {
                return match part {
                    [] => Err(breaks_off()),
                    _ if !begins_well(received) => Err(invalid("the answer is no HTTP")),
                    _ if received.len() > MOST_HEAD => Err(invalid("the head of the answer is too long")),
                    _ => Ok(None),
                };
            };
            let received = std::mem::take(received);
            self.at = body(&received[..end])?;
            return self.body(&received[end..], false, take);
        }
        self.body(part, part.is_empty(), take)
    }

    fn body(&mut self, part: &[u8], ended: bool, take: Take<'_>) -> io::Result<Option<u16>> {
        let (status, whole) = match &mut self.at {
            At::Head(_) => return Ok(None),
            At::Length(status, left) => {
                let wanted = part.len().min(*left);
                take(*status, &part[..wanted])?;
                *left -= wanted;
                (*status, *left == 0)
            }
            At::Chunks(status, chunks) => {
                let status = *status;
                (status, chunks.feed(part, &mut |content| take(status, content))?)
            }
            At::Rest(status) => {
                take(*status, part)?;
                (*status, ended)
            }
        };
        match whole {
            true => Ok(Some(status)),
            false if ended => Err(breaks_off()),
            false => Ok(None),
        }
    }
}

/// Reads a head: what follows it.
fn body(head: &[u8]) -> io::Result<At> {
    let head = std::str::from_utf8(head).map_err(|_| invalid("the head of the answer is no text"))?;
    let mut lines = head.lines();
    let status = lines.next().and_then(status).ok_or_else(|| invalid("the answer is no HTTP"))?;
    let mut at = At::Rest(status);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            return Ok(At::Chunks(status, Chunks::new()));
        }
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().map_err(|_| invalid("the length of the answer is no number"))?;
            at = At::Length(status, length);
        }
    }
    Ok(at)
}

/// Position behind the empty line that ends a head.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Whether this can become the head of an answer.
fn begins_well(received: &[u8]) -> bool {
    received.iter().zip(b"HTTP/1.").all(|(one, other)| one == other)
}

fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let code = rest.split(' ').next()?;
    let three_digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    (version.starts_with("HTTP/1.") && three_digits).then(|| code.parse().ok()).flatten()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn breaks_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the answer breaks off")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status and body of an answer that comes in parts of `step` bytes.
    fn read(text: &str, ends: bool, step: usize) -> Result<Option<(u16, String)>, ErrorKind> {
        let (mut answer, mut body) = (Answering::new(), Vec::new());
        let parts = text.as_bytes().chunks(step).chain(ends.then_some([].as_slice()));
        for part in parts {
            let fed = answer.feed(part, &mut |_, part| {
                body.extend_from_slice(part);
                Ok(())
            });
            if let Some(status) = fed.map_err(|error| error.kind())? {
                return Ok(Some((status, String::from_utf8(body).expect("text"))));
            }
        }
        Ok(None)
    }

    #[test]
    fn an_answer_is_whole_or_an_error_however_it_comes() {
        let whole = |status, body: &str| Ok(Some((status, body.to_owned())));
        let table = [
            ("HTTP/1.0 200 OK\r\n\r\nbody", true, whole(200, "body")),
            ("HTTP/1.0 200 OK\r\n\r\nbody", false, Ok(None)),
            ("HTTP/1.1 500 Internal Server Error\r\ncontent-LENGTH: 4\r\n\r\nnull", false, whole(500, "null")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbody", true, whole(200, "bo")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, whole(200, "")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", false, Ok(None)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", true, Err(ErrorKind::UnexpectedEof)),
            ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nbody", true, Err(ErrorKind::InvalidData)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", false, whole(200, "body")),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\nbody\r\n0\r\n",
                true,
                Err(ErrorKind::UnexpectedEof),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nbody\r\n",
                true,
                Err(ErrorKind::InvalidData),
            ),
            ("HTTP/1.1 204\r\n\r\n", true, whole(204, "")),
            ("HTTP/2 200 OK\r\n\r\n", true, Err(ErrorKind::InvalidData)),
            ("HTTP/1.1 2000 OK\r\n\r\n", true, Err(ErrorKind::InvalidData)),
            ("SSH-2.0-x\r\n", false, Err(ErrorKind::InvalidData)),
            ("HTTP/1.1 200 OK\r\n", true, Err(ErrorKind::UnexpectedEof)),
            ("", true, Err(ErrorKind::UnexpectedEof)),
        ];
        for (text, ends, expected) in table {
            for step in [1, 3, 7, 1000] {
                assert_eq!(read(text, ends, step), expected, "{text:?} in parts of {step}");
            }
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MOST_HEAD));
        assert_eq!(read(&endless, false, 1000), Err(ErrorKind::InvalidData));
    }
}
