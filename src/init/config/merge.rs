//! The user's configuration with one key more: text in, text out, and every byte of the user's kept.

use super::format::Format;
use super::root::Root;

/// How often dkron's leader looks for servers that came, left or have another address. dkron has no flag for it, and takes
/// 60 s; every second costs a rejoining server its vote.
pub const KEY: &str = "reconcileinterval";

/// What is put there. With 2 s a server that comes back waits up to 2 s for its vote, and one restart in seven takes longer than 6 s;
/// each tick costs the leader some kilobytes of writes and no processor time worth the name.
pub const INTERVAL: &str = "1s";

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// The text with the key.
    Text(String),
    /// The user has set the key.
    Own,
    /// It cannot be done, for this reason; everything works without it, up to a minute slower.
    Refused(&'static str),
}

/// The file for a user who has none: YAML.
pub fn alone() -> String {
    format!("{KEY}: {INTERVAL}\n")
}

/// Puts the key into a text of this format.
pub fn merge(format: Format, text: &str) -> Merged {
    let whole = format.read(text);
    if let Root::Other(why) = whole.root {
        return Merged::Refused(why);
    }
    if whole.values.keys().any(|(key, _)| key == KEY) {
        return Merged::Own;
    }
    // Also in letters that are written as numbers.
    let may_hold = |text: &str| [KEY, "\\u", "\\x"].iter().any(|sign| text.contains(sign));
    if !whole.values.is_complete() && may_hold(&text.to_lowercase()) {
        return Merged::Refused("it is not understood to its end, and may set the key itself");
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (at, put) = match whole.root {
        Root::Block { at, indent } => (at, format!("{}{KEY}: {INTERVAL}{line_end}", " ".repeat(indent))),
        Root::Flow { at, empty } => {
            let quote = if format == Format::Json { "\"" } else { "" };
            let comma = if empty { "" } else { "," };
            // Quotes around the key and the value are JSON; without them YAML needs a blank behind the colon.
            (at, format!("{quote}{KEY}{quote}: {quote}{INTERVAL}{quote}{comma}"))
        }
        Root::Top => {
            let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            (start, format!("{KEY} = \"{INTERVAL}\"{line_end}"))
        }
        Root::Empty => {
            let apart = if text.is_empty() || text.ends_with('\n') { "" } else { line_end };
            (text.len(), format!("{apart}{KEY}: {INTERVAL}{line_end}"))
        }
        Root::Other(why) => return Merged::Refused(why),
    };
    let (before, behind) = text.split_at(at);
    Merged::Text([before, &put, behind].concat())
}
