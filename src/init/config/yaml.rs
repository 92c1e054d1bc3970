//! YAML, as far as a configuration file needs it: the keys of a mapping at the root of the first document, and the place where
//! another key can be put. A scanner of lines, no parser: what it does not know it does not guess.
//!
//! Read: plain and quoted scalars on one line, lists of them in both styles, a mapping in braces. Known to be there but not
//! read: nested mappings, blocks of text, aliases, tags, anything over several lines.

use super::flow::Scanner;
use super::root::{Root, Whole};
use super::values::{Value, Values, plain};

/// Reads a text.
pub fn read(text: &str) -> Whole {
    let refused = |why| Whole { values: Values::unread(), root: Root::Other(why) };
    let bare = text.replace("\r\n", "\n").contains('\r');
    if bare {
        return refused("it has ends of lines that are none for Unix or Windows");
    }
    let start = match prolog(text) {
        Ok(Some(start)) => start,
        Ok(None) => return Whole { values: Values::default(), root: Root::Empty },
        Err(why) => return refused(why),
    };
    let line = line_at(text, start);
    let indent = indent(line);
    let first = &line[indent..];
    if first.starts_with('{') {
        return flow(text, start + indent);
    }
    if key(first).is_none() {
        return refused("its root is no mapping, or one with an anchor, a tag or a key that is not understood");
    }
    let mut block = Block { text, at: start, indent, keys: Vec::new() };
    let complete = block.read().is_some();
    Whole { values: Values::of(block.keys, complete), root: Root::Block { at: start, indent } }
}

/// Offset of the line in which the root begins; `None` if there is nothing but comments.
fn prolog(text: &str) -> Result<Option<usize>, &'static str> {
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut directives, mut begun) = (false, false);
    while at < text.len() {
        let line = line_at(text, at);
        let left = line.trim();
        if let Some(behind) = marker(line, "---") {
            match behind {
                _ if begun => return Err("its first document is empty"),
                "" => begun = true,
                _ if behind.starts_with('{') => return Ok(Some(at + line.find('{').unwrap_or(0))),
                _ => return Err("something stands behind `---`"),
            }
        } else if line.starts_with('%') && !begun {
            directives = true;
        } else if marker(line, "...").is_some() {
            return Err("its first document is empty");
        } else if !left.is_empty() && !left.starts_with('#') {
            return if directives && !begun { Err("a directive stands before no `---`") } else { Ok(Some(at)) };
        }
        at += line.len();
    }
    Ok(None)
}

/// What stands behind `---` or `...` at the beginning of a line, without a comment.
fn marker<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let behind = line.strip_prefix(mark)?;
    let left = behind.trim();
    match () {
        () if left.is_empty() => Some(""),
        () if !behind.starts_with([' ', '\t']) => None,
        () if left.starts_with('#') => Some(""),
        () => Some(left),
    }
}

fn flow(text: &str, at: usize) -> Whole {
    let mut scanner = Scanner::at(text, at);
    let read = scanner.mapping(0);
    let complete = read.is_some() && scanner.end_of_line() && {
        scanner.skip_blank();
        ends(scanner.rest())
    };
    let empty = read.as_ref().is_some_and(Vec::is_empty);
    Whole { values: Values::of(read.unwrap_or_default(), complete), root: Root::Flow { at: at + 1, empty } }
}

/// Whether the document ends here.
fn ends(rest: &str) -> bool {
    let line = line_at(rest, 0);
    rest.is_empty() || marker(line, "---").is_some() || marker(line, "...").is_some()
}

fn line_at(text: &str, at: usize) -> &str {
    text[at..].split_inclusive('\n').next().unwrap_or("")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_blank(line: &str) -> bool {
    let left = line.trim();
    left.is_empty() || left.starts_with('#')
}

fn is_item(line: &str) -> bool {
    let left = line.trim_end();
    left == "-" || left.starts_with("- ")
}

/// A key at the beginning of a line, and the offset behind its colon.
fn key(line: &str) -> Option<(String, usize)> {
    if line.starts_with(['"', '\'']) {
        let mut scanner = Scanner::at(line, 0);
        let Some(Value::Scalar(key)) = scanner.quoted() else { return None };
        while scanner.take(" ") {}
        return (scanner.take(":") && scanner.rest().starts_with(char::is_whitespace)).then_some((key, scanner.at));
    }
    if is_item(line)
        || line.starts_with(['&', '*', '!', '?', '|', '>', '@', '`', '%', '[', ']', '{', '}', ',', '#', '\t'])
    {
        return None;
    }
    let colon = line.match_indices(':').find(|(at, _)| {
        let behind = &line[at + 1..];
        behind.is_empty() || behind.starts_with(char::is_whitespace)
    })?;
    let key = line[..colon.0].trim_end();
    (!key.is_empty() && !key.contains(" #")).then(|| (key.to_owned(), colon.0 + 1))
}

struct Block<'a> {
    text: &'a str,
    /// Always the beginning of a line.
    at: usize,
    indent: usize,
    keys: Vec<(String, Value)>,
}

impl<'a> Block<'a> {
    fn line(&self) -> &'a str {
        line_at(self.text, self.at)
    }

    /// Reads all keys; `None` if it had to stop before the end.
    fn read(&mut self) -> Option<()> {
        loop {
            self.skip_blank();
            let line = self.line();
            if ends(&self.text[self.at..]) {
                return Some(());
            }
            let (key, behind) = key(line.get(self.indent..)?).filter(|_| indent(line) == self.indent)?;
            if key == "<<" {
                // It takes in the keys of another mapping, whatever they are.
                return None;
            }
            let value = self.value(self.at + self.indent + behind);
            self.keys.push((key, value.clone().unwrap_or(Value::Unread)));
            value?;
        }
    }

    fn skip_blank(&mut self) {
        while self.at < self.text.len() && is_blank(self.line()) {
            self.at += self.line().len();
        }
    }

    /// Reads the value that begins at `start` and goes to the line behind it; `None` if nobody knows where that is.
    fn value(&mut self, start: usize) -> Option<Value> {
        let line = line_at(self.text, start);
        let left = line.trim();
        let mut scanner = Scanner::at(self.text, start + line.len() - line.trim_start().len());
        self.at = start + line.len();
        match left.chars().next() {
            None | Some('#') => Some(self.nested()),
            Some('"' | '\'' | '[' | '{') => {
                let value = if left.starts_with(['"', '\'']) { scanner.quoted() } else { scanner.node(0) };
                let value = value.filter(|_| scanner.end_of_line())?;
                self.at = scanner.at;
                Some(value)
            }
            Some('|' | '>' | '&' | '*' | '!' | '?' | '@' | '`' | '%' | '-') if !is_word(left) => {
                self.skip_nested();
                Some(Value::Unread)
            }
            Some(_) => {
                let text = left.find(" #").map_or(left, |comment| left[..comment].trim_end());
                // A mapping on the line of its key is an error of the author's.
                let broken = text.contains(": ") || text.ends_with(':');
                let more = self.skip_nested();
                let value = if more { Value::Unread } else { plain(text) };
                (!broken).then_some(value)
            }
        }
    }

    /// The value on the lines below its key.
    fn nested(&mut self) -> Value {
        let begin = self.at;
        self.skip_blank();
        let line = self.line();
        let (first, item) = (indent(line), is_item(line.trim_start_matches(' ')));
        if !(first > self.indent || (first == self.indent && item)) || ends(&self.text[self.at..]) {
            return Value::Null;
        }
        if !item {
            self.at = begin;
            self.skip_nested();
            return Value::Unread;
        }
        let (mut items, mut read) = (Vec::new(), true);
        loop {
            self.skip_blank();
            let line = self.line();
            let content = line.trim_start_matches(' ');
            let at_item = indent(line) == first && is_item(content);
            if !at_item && indent(line) <= self.indent || ends(&self.text[self.at..]) {
                break;
            }
            match at_item.then(|| item_text(content)).flatten() {
                Some(item) => items.push(item),
                None => read = false,
            }
            self.at += line.len();
        }
        if read { Value::List(items) } else { Value::Unread }
    }

    /// Skips lines that stand deeper than the keys; tells whether there was any.
    fn skip_nested(&mut self) -> bool {
        let mut any = false;
        while self.at < self.text.len() {
            let line = self.line();
            if !line.trim().is_empty() {
                if indent(line) <= self.indent {
                    break;
                }
                any |= !is_blank(line);
            }
            self.at += line.len();
        }
        any
    }
}

/// Whether a text that begins with `-` or `?` is a word all the same.
fn is_word(text: &str) -> bool {
    text.starts_with(['-', '?']) && text[1..].starts_with(|c: char| !c.is_whitespace())
}

/// The scalar behind `- `.
fn item_text(content: &str) -> Option<String> {
    let text = content[1..].trim();
    if text.starts_with(['"', '\'']) {
        let mut scanner = Scanner::at(text, 0);
        let value = scanner.quoted()?;
        return match value {
            Value::Scalar(item) if scanner.end_of_line() => Some(item),
            _ => None,
        };
    }
    let text = text.find(" #").map_or(text, |comment| text[..comment].trim_end());
    let special = text.starts_with(['[', '{', '&', '*', '!', '|', '>', '@', '`', '%', '#']) || is_item(text);
    if special || text.contains(": ") || text.ends_with(':') {
        return None;
    }
    match plain(text) {
        Value::Scalar(item) => Some(item),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
