//! A body in chunks, as HTTP/1.1 sends it where its length is not known beforehand.

use std::io::{self, ErrorKind};

/// Longer lines of a size or a trailer are refused.
const MOST_LINE: usize = 1024;

/// Where in the body the bytes are.
#[derive(Debug)]
enum At {
    /// In the line with the size of a chunk.
    Size,
    /// In a chunk, with so many bytes to come.
    Data(usize),
    /// In the line break behind a chunk.
    Break,
    /// In the lines behind the last chunk.
    Trailer,
    /// Behind everything.
    End,
}

/// Takes the chunks apart.
#[derive(Debug)]
pub struct Chunks {
    at: At,
    line: Vec<u8>,
}

impl Chunks {
    /// At the beginning of the body.
    pub fn new() -> Self {
        Self { at: At::Size, line: Vec::new() }
    }

    /// Takes in some bytes, of which `take` gets those that are content; true when the body is whole.
    ///
    /// # Errors
    /// `InvalidData` for anything but chunks; whatever `take` returns.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        while let Some((first, rest)) = bytes.split_first() {
            if let At::End = self.at {
                break;
            }
            if let At::Data(left) = self.at {
                let (content, behind) = bytes.split_at(left.min(bytes.len()));
                take(content)?;
                self.at = if content.len() == left { At::Break } else { At::Data(left - content.len()) };
                bytes = behind;
                continue;
            }
            bytes = rest;
            self.line.push(*first);
            if *first == b'\n' {
                self.at = self.after_line()?;
                self.line.clear();
            } else if self.line.len() > MOST_LINE {
                return Err(no_chunks());
            }
        }
        Ok(matches!(self.at, At::End))
    }

    /// What follows the line that has just ended.
    fn after_line(&self) -> io::Result<At> {
        let line = std::str::from_utf8(&self.line).map_err(|_| no_chunks())?.trim_end_matches(['\r', '\n']);
        match self.at {
            At::Size => {
                let digits = line.split(';').next().unwrap_or_default().trim_end();
                // `from_str_radix` takes a sign too.
                let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok()).ok_or_else(no_chunks)?;
                Ok(if size == 0 { At::Trailer } else { At::Data(size) })
            }
            At::Break if line.is_empty() => Ok(At::Size),
            At::Trailer => Ok(if line.is_empty() { At::End } else { At::Trailer }),
            _ => Err(no_chunks()),
        }
    }
}

fn no_chunks() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the chunks of the answer are broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, step: usize) -> Option<(String, bool)> {
        let (mut chunks, mut content, mut whole) = (Chunks::new(), Vec::new(), false);
        for part in text.as_bytes().chunks(step) {
            let fed = chunks.feed(part, &mut |part| {
                content.extend_from_slice(part);
                Ok(())
            });
            whole = fed.ok()?;
        }
        Some((String::from_utf8(content).expect("text"), whole))
    }

    #[test]
    fn chunks_are_put_together_however_they_come() {
        let table = [
            ("4\r\nbody\r\n0\r\n\r\n", Some(("body", true))),
            ("0\r\n\r\n", Some(("", true))),
            ("2;name=value\r\nbo\r\n02 \r\ndy\r\n0\r\nTrailer: x\r\n\r\n", Some(("body", true))),
            ("A\r\n0123456789\r\n0\r\n\r\nmore", Some(("0123456789", true))),
            ("4\r\nbody\r\n0\r\n", Some(("body", false))),
            ("4\r\nbo", Some(("bo", false))),
            ("", Some(("", false))),
            ("4\r\nbody!\r\n0\r\n\r\n", None),
            ("\r\n", None),
            ("+4\r\nbody\r\n0\r\n\r\n", None),
            ("body\r\n", None),
            ("fffffffffffffffff\r\n", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(content, whole)| (content.to_owned(), whole));
            for step in [1, 3, 100] {
                assert_eq!(read(text, step), expected, "{text:?} in parts of {step}");
            }
        }
        assert_eq!(read(&"0".repeat(5000), 100), None, "a size without end");
    }
}
