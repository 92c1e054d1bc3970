//! What JSON, YAML's flow style and TOML's arrays share: quotes, brackets and commas. Forward only, and never far:
//! nesting ends at [`DEEPEST`].

use super::values::{Value, plain};

/// Deeper nesting is not read.
const DEEPEST: usize = 32;

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    /// Offset in bytes.
    pub at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner of `text` that begins at the offset `at`.
    pub fn at(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character, which stays.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes past `text` if it comes next.
    pub fn take(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }

    /// Goes past blanks, ends of lines and comments.
    pub fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if self.peek() != Some('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Goes to the next line if nothing but a comment is left on this one.
    pub fn end_of_line(&mut self) -> bool {
        let rest = self.rest();
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        let left = line.trim();
        // A comment needs a blank before it.
        let done = left.is_empty() || (left.starts_with('#') && line.starts_with([' ', '\t']));
        if done {
            self.at += line.len();
        }
        done
    }

    /// A scalar in quotes; `None` if the quotes do not end. [`Value::Unread`] where its text is not plain to see.
    pub fn quoted(&mut self) -> Option<Value> {
        let quote = self.peek()?;
        let mut chars = self.rest().char_indices().skip(1).peekable();
        let (mut text, mut known) = (String::new(), true);
        while let Some((at, next)) = chars.next() {
            if next == quote {
                // YAML: two single quotes are one.
                if quote == '\'' && chars.next_if(|(_, c)| *c == '\'').is_some() {
                    text.push('\'');
                    continue;
                }
                self.at += at + 1;
                return Some(if known { Value::Scalar(text) } else { Value::Unread });
            }
            match next {
                '\n' => known = false,
                '\\' if quote == '"' => match escaped(chars.next()?.1) {
                    Some(meant) => text.push(meant),
                    None => known = false,
                },
                _ => text.push(next),
            }
        }
        None
    }

    /// A value in flow style; `None` if it is not understood.
    pub fn node(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            '"' | '\'' => self.quoted(),
            '[' => self.list(depth),
            '{' => self.mapping(depth).map(|_| Value::Unread),
            // Anchors, aliases, tags and what YAML keeps for itself.
            '&' | '*' | '!' | '?' | '|' | '>' | '@' | '`' | '%' => None,
            _ => {
                let rest = self.rest();
                let end = plain_end(rest);
                self.at += end;
                let text = rest[..end].trim();
                Some(if text.contains('\n') { Value::Unread } else { plain(text) })
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.take("[");
        let (mut items, mut read) = (Vec::new(), true);
        loop {
            self.skip_blank();
            if self.take("]") {
                return Some(if read { Value::List(items) } else { Value::Unread });
            }
            match self.node(depth + 1)? {
                Value::Scalar(item) => items.push(item),
                _ => read = false,
            }
            self.skip_blank();
            if self.take(":") {
                // A pair without braces.
                read = false;
                self.skip_blank();
                self.node(depth + 1)?;
                self.skip_blank();
            }
            if !self.take(",") && self.peek() != Some(']') {
                return None;
            }
        }
    }

    /// The keys and values between braces.
    pub fn mapping(&mut self, depth: usize) -> Option<Vec<(String, Value)>> {
        self.take("{");
        let mut keys = Vec::new();
        loop {
            self.skip_blank();
            if self.take("}") {
                return Some(keys);
            }
            let before = self.at;
            let key = match self.node(depth + 1)? {
                Value::Scalar(key) => Some(key),
                _ => None,
            };
            self.skip_blank();
            let value = if self.take(":") {
                self.skip_blank();
                if self.peek()? == ',' || self.peek()? == '}' { Value::Null } else { self.node(depth + 1)? }
            } else {
                Value::Null
            };
            self.skip_blank();
            // Without this an empty key would be read for ever.
            if (!self.take(",") && self.peek() != Some('}')) || self.at == before {
                return None;
            }
            keys.push((key?, value));
        }
    }
}

/// Where a plain scalar ends in flow style.
fn plain_end(text: &str) -> usize {
    let mut before = ' ';
    for (at, next) in text.char_indices() {
        let colon = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n', ',', '[', ']', '{', '}']);
        match next {
            ',' | '[' | ']' | '{' | '}' => return at,
            ':' if colon(&text[at + 1..]) => return at,
            '#' if before.is_whitespace() => return at,
            _ => before = next,
        }
    }
    text.len()
}

/// The escapes that all three languages know. Numbers of characters are left unread.
fn escaped(next: char) -> Option<char> {
    match next {
        '"' | '\\' | '/' => Some(next),
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        _ => None,
    }
}
