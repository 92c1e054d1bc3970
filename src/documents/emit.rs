//! Block-style YAML as `kubectl get -o yaml` prints it, from JSON text.
//!
//! Written by hand because `serde-saphyr` writes numbers from their value: 1.10 comes out as 1.1 and 1e3 as 1000.0,
//! and serde has no way to hand it a number's text. Here the text stays.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::last_wins::LastWins;
use super::style::{self, Style};
use super::{Document, Format, MAX_DEPTH, json};

/// YAML readers look for a key's colon within 1,024 characters; longer keys need a `?` before them.
const LONGEST_SIMPLE_KEY: usize = 256;

/// Why JSON text could not be written as YAML.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The text is no JSON, or holds half a surrogate pair.
    #[error("not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A number that no 64-bit float reaches: readers make text of it, or refuse it.
    #[error("the number {0} is out of range")]
    Number(String),
    /// Nesting beyond [`MAX_DEPTH`].
    #[error("lists and maps are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

/// Writes one JSON value as a YAML document without a `---`. Keys keep their order and numbers their text;
/// of a repeated key the last value is written.
///
/// # Errors
/// Text that is no JSON, or that YAML cannot say.
pub fn to_yaml(json: &str) -> Result<String, WriteError> {
    let raw: &RawValue = serde_json::from_str(json)?;
    if json::depth(json) > MAX_DEPTH {
        return Err(WriteError::TooDeep);
    }
    let mut out = String::new();
    block(raw, 0, &mut out)?;
    Ok(out)
}

/// Writes JSON values as the YAML documents of one file, with `---` between them.
///
/// # Errors
/// As [`to_yaml`].
pub fn write_yaml<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<String, WriteError> {
    let documents = values.into_iter().map(to_yaml).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.join("---\n"))
}

/// Writes a file as it was read: the JSON texts, one after the other, when all came as JSON, else YAML documents.
///
/// # Errors
/// As [`to_yaml`].
pub fn write(documents: &[Document]) -> Result<String, WriteError> {
    let texts = documents.iter().map(|document| document.json.as_str());
    if documents.iter().all(|document| document.format == Format::Json) {
        return Ok(texts.flat_map(|text| [text, "\n"]).collect());
    }
    write_yaml(texts)
}

/// Writes a value where the line already stands at column `indent`. Recurses [`MAX_DEPTH`] deep at most.
fn block(raw: &RawValue, indent: usize, out: &mut String) -> Result<(), WriteError> {
    match children(raw)? {
        Children::Map(entries) => {
            for (index, (key, value)) in entries.into_iter().enumerate() {
                start_line(index, indent, out);
                push_key(&key, indent, out);
                push_value(value, indent, out)?;
            }
        }
        Children::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                start_line(index, indent, out);
                out.push_str("- ");
                block(item, indent + 2, out)?;
            }
        }
        // At the very beginning of a document a block has no parent to be indented against.
        Children::None if indent == 0 => push_scalar(raw, None, out)?,
        Children::None => push_scalar(raw, Some(indent), out)?,
    }
    Ok(())
}

/// Writes what follows a key's colon; the key stands at column `indent`.
fn push_value(raw: &RawValue, indent: usize, out: &mut String) -> Result<(), WriteError> {
    let inner = match children(raw)? {
        Children::Map(_) => indent + 2,
        Children::List(_) => indent,
        Children::None => {
            out.push(' ');
            return push_scalar(raw, Some(indent + 2), out);
        }
    };
    out.push('\n');
    start_line(1, inner, out);
    block(raw, inner, out)
}

fn start_line(index: usize, indent: usize, out: &mut String) {
    if index > 0 {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// Writes the key and its colon.
fn push_key(key: &str, indent: usize, out: &mut String) {
    let start = out.len();
    push_text(key, style::of_key(key), 0, out);
    if out.len() - start > LONGEST_SIMPLE_KEY {
        out.insert_str(start, "? ");
        out.push('\n');
        start_line(1, indent, out);
    }
    out.push(':');
}

/// Writes a scalar or an empty list or map, and ends the line. Blocks go to column `indent`, if there may be any.
fn push_scalar(raw: &RawValue, indent: Option<usize>, out: &mut String) -> Result<(), WriteError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw.get())?;
            let style = if indent.is_some() { style::of_value(&text) } else { style::of_key(&text) };
            push_text(&text, style, indent.unwrap_or_default(), out);
            if matches!(style, Style::Literal(_)) {
                return Ok(());
            }
        }
        Some(b'{') => out.push_str("{}"),
        Some(b'[') => out.push_str("[]"),
        Some(b't' | b'f' | b'n') => out.push_str(raw.get()),
        _ if raw.get().parse().is_ok_and(f64::is_finite) => out.push_str(raw.get()),
        _ => return Err(WriteError::Number(raw.get().to_owned())),
    }
    out.push('\n');
    Ok(())
}

fn push_text(text: &str, style: Style, indent: usize, out: &mut String) {
    match style {
        Style::Plain => out.push_str(text),
        Style::Single => {
            out.push('\'');
            out.push_str(&text.replace('\'', "''"));
            out.push('\'');
        }
        Style::Double => push_double_quoted(text, out),
        Style::Literal(chomping) => {
            out.push('|');
            out.push_str(chomping);
            out.push('\n');
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                start_line(usize::from(!line.is_empty()), indent, out);
                out.push_str(line);
                out.push('\n');
            }
        }
    }
}

fn push_double_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            shown if style::is_printable(shown) => out.push(shown),
            // All that is not printable is within four digits; writing to a String cannot fail.
            hidden => drop(write!(out, "\\u{:04x}", u32::from(hidden))),
        }
    }
    out.push('"');
}

/// What a block is made of.
enum Children<'a> {
    Map(Vec<(String, &'a RawValue)>),
    List(Vec<&'a RawValue>),
    /// A scalar, or nothing inside.
    None,
}

fn children(raw: &RawValue) -> Result<Children<'_>, serde_json::Error> {
    Ok(match raw.get().as_bytes().first() {
        Some(b'{') => match serde_json::from_str::<Entries<'_>>(raw.get())?.0 {
            entries if entries.is_empty() => Children::None,
            entries => Children::Map(entries),
        },
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(raw.get())? {
            items if items.is_empty() => Children::None,
            items => Children::List(items),
        },
        _ => Children::None,
    })
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = LastWins::new();
                while let Some((key, value)) = map.next_entry()? {
                    entries.insert(key, value);
                }
                Ok(Entries(entries.into_entries()))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}
