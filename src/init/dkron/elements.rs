//! A long JSON array, an element at a time: dkron lists every agent and every running job in one answer, and memory must not
//! grow with them.

use std::io::{self, ErrorKind};

/// A longer string is taken for an empty one: the output of a job may be long, and no name is.
const MOST_STRING: usize = 1024;

/// A longer element is refused: serf limits the tags of a member to 512 bytes.
const MOST_ELEMENT: usize = 8192;

/// Where in the array the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before `[`.
    Before,
    /// Between elements.
    Between,
    /// In an element, so many brackets deep.
    Element(usize),
    /// Behind `]`.
    After,
}

/// Cuts an array of objects into its elements. What an element holds is not judged here.
#[derive(Debug)]
pub struct Elements {
    at: At,
    /// Where the present string begins in `element`, behind its quote, and whether the last byte was a backslash.
    string: Option<(usize, bool)>,
    /// The present string is too long: nothing of it is kept.
    skipped: bool,
    element: Vec<u8>,
}

impl Elements {
    /// At the beginning of the array.
    pub fn new() -> Self {
        Self { at: At::Before, string: None, skipped: false, element: Vec::new() }
    }

    /// Takes in some bytes; `take` gets each object that they complete.
    ///
    /// # Errors
    /// `InvalidData` for anything but an array of objects, or an element that is too long; whatever `take` returns.
    pub fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for byte in bytes {
            if self.push(*byte)? {
                take(&self.element)?;
                self.element.clear();
            }
        }
        Ok(())
    }

    /// To be asked when the bytes have ended.
    ///
    /// # Errors
    /// `InvalidData` for an array that does not end.
    pub fn end(&self) -> io::Result<()> {
        if self.at == At::After { Ok(()) } else { Err(no_array()) }
    }

    /// Takes in one byte; true where it completes an element.
    fn push(&mut self, byte: u8) -> io::Result<bool> {
        if let At::Element(depth) = self.at {
            return self.inside(byte, depth);
        }
        self.at = match (self.at, byte) {
            (at, b' ' | b'\t' | b'\n' | b'\r') => at,
            (At::Before, b'[') | (At::Between, b',') => At::Between,
            (At::Between, b']') => At::After,
            (At::Between, b'{') => {
                self.element.push(byte);
                At::Element(1)
            }
            _ => return Err(no_array()),
        };
        Ok(false)
    }

    fn inside(&mut self, byte: u8, depth: usize) -> io::Result<bool> {
        if let Some((begin, escaped)) = self.string {
            let ends = byte == b'"' && !escaped;
            if ends || !self.skipped {
                self.element.push(byte);
            }
            self.string = (!ends).then_some((begin, byte == b'\\' && !escaped));
            self.skipped &= !ends;
            if !ends && self.element.len() - begin > MOST_STRING {
                self.element.truncate(begin);
                self.skipped = true;
            }
            return Ok(false);
        }
        self.element.push(byte);
        if self.element.len() > MOST_ELEMENT {
            return Err(io::Error::new(ErrorKind::InvalidData, "an element of the answer is too long"));
        }
        let depth = match byte {
            b'{' | b'[' => depth + 1,
            b'}' | b']' => depth - 1,
            _ => depth,
        };
        if byte == b'"' {
            self.string = Some((self.element.len(), false));
        }
        self.at = if depth == 0 { At::Between } else { At::Element(depth) };
        Ok(depth == 0)
    }
}

fn no_array() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is no list")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, step: usize) -> Result<Vec<String>, String> {
        let (mut elements, mut found) = (Elements::new(), Vec::new());
        for part in text.as_bytes().chunks(step) {
            let fed = elements.feed(part, &mut |element| {
                found.push(String::from_utf8(element.to_vec()).expect("text"));
                Ok(())
            });
            fed.map_err(|error| error.to_string())?;
            assert!(elements.element.capacity() <= 2 * MOST_ELEMENT);
        }
        elements.end().map_err(|error| error.to_string())?;
        Ok(found)
    }

    #[test]
    fn objects_are_cut_out_whatever_they_hold() {
        let table: [(&str, &[&str]); 6] = [
            ("[]", &[]),
            (" [ ] \n", &[]),
            (r#"[{"a":1},{"b":[{"c":{}}]}]"#, &[r#"{"a":1}"#, r#"{"b":[{"c":{}}]}"#]),
            (" [\n{ \"a\" : 1 } ,\n{}\n]\n", &[r#"{ "a" : 1 }"#, "{}"]),
            (r#"[{"a":"]}{[,\\\"}"}]"#, &[r#"{"a":"]}{[,\\\"}"}"#]),
            (r#"[{"a\\":"\\"},{"é":"\u00e9"}]"#, &[r#"{"a\\":"\\"}"#, r#"{"é":"\u00e9"}"#]),
        ];
        for (text, expected) in table {
            for step in [1, 2, 5, 100] {
                assert_eq!(cut(text, step).expect(text), expected, "{text} in parts of {step}");
            }
        }
    }

    #[test]
    fn a_long_string_becomes_an_empty_one() {
        for filling in ["x".repeat(300_000), "\\\"".repeat(70_000), "\\u00e9".repeat(50_000), "é}".repeat(2000)] {
            let text = format!(r#"[{{"output":"{filling}","node_name":"a-0"}},{{}}]"#);
            assert_eq!(cut(&text, 4096).expect("cut"), [r#"{"output":"","node_name":"a-0"}"#, "{}"]);
        }
        let kept = format!(r#"{{"a":"{}"}}"#, "x".repeat(MOST_STRING));
        assert_eq!(cut(&format!("[{kept}]"), 9).expect("cut"), [kept]);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "null", "{}", "[", "[{}", "[{]", "[1]", "[null]", "[[]]", "[{}]]", "[{}] x", "<html>", "]", "[\"a\"]"]
        {
            assert!(cut(text, 3).is_err(), "{text}");
        }
        let many = format!("[{{{}}}]", r#""a":1,"#.repeat(MOST_ELEMENT));
        assert!(cut(&many, 4096).expect_err("too long").contains("too long"));
    }
}
