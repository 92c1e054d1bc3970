//! TOML, as far as a configuration file needs it: the keys in front of the first table.
//!
//! Read: strings and numbers on one line, lists of them. Known to be there but not read: inline tables, strings over several
//! lines, keys with dots.

use super::flow::Scanner;
use super::root::{Root, Whole};
use super::values::{Value, Values, plain};

/// Reads a text.
pub fn read(text: &str) -> Whole {
    let mut keys = Vec::new();
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let complete = read_root(&mut Scanner::at(text, start), &mut keys).is_some();
    Whole { values: Values::of(keys, complete), root: Root::Top }
}

/// Reads up to the first table or the end; `None` if it had to stop before.
fn read_root(scanner: &mut Scanner<'_>, keys: &mut Vec<(String, Value)>) -> Option<()> {
    loop {
        scanner.skip_blank();
        if scanner.peek().is_none_or(|next| next == '[') {
            return Some(());
        }
        let key = key(scanner)?;
        let nested = scanner.peek() == Some('.');
        while scanner.peek() == Some('.') {
            scanner.take(".");
            skip_spaces(scanner);
            self::key(scanner)?;
        }
        if !scanner.take("=") {
            return None;
        }
        skip_spaces(scanner);
        let value = value(scanner)?;
        if !scanner.end_of_line() {
            return None;
        }
        keys.push((key, if nested { Value::Unread } else { value }));
    }
}

fn skip_spaces(scanner: &mut Scanner<'_>) {
    while scanner.take(" ") || scanner.take("\t") {}
}

/// One part of a key, and the blanks behind it.
fn key(scanner: &mut Scanner<'_>) -> Option<String> {
    let key = if scanner.rest().starts_with(['"', '\'']) {
        match scanner.quoted()? {
            Value::Scalar(key) => key,
            _ => return None,
        }
    } else {
        let rest = scanner.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
        scanner.at += end;
        rest[..end].to_owned()
    };
    skip_spaces(scanner);
    (!key.is_empty()).then_some(key)
}

fn value(scanner: &mut Scanner<'_>) -> Option<Value> {
    for quotes in ["\"\"\"", "'''"] {
        if scanner.take(quotes) {
            scanner.at += scanner.rest().find(quotes)? + quotes.len();
            // Up to two quotes may stand before the closing ones.
            while scanner.take(&quotes[..1]) {}
            return Some(Value::Unread);
        }
    }
    match scanner.peek()? {
        '"' | '\'' => scanner.quoted(),
        '[' | '{' => scanner.node(0),
        _ => {
            let rest = scanner.rest();
            let end = rest.find(['\n', '#']).unwrap_or(rest.len());
            let text = rest[..end].trim_end();
            scanner.at += text.len();
            (!text.is_empty() && !text.contains([' ', '\t'])).then(|| plain(text))
        }
    }
}

#[cfg(test)]
mod tests;
