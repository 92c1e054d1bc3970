//! A file that begins with JSON values, and what to do when that breaks off.

use serde_json::value::RawValue;

use super::error::{Cause, Position, ReadError};
use super::{Document, Format, MAX_DEPTH, read_yaml};

/// Reads the JSON values that `text` begins with, then YAML if kubectl would still take it for YAML:
/// after one value at most, from the line break behind it.
pub(super) fn read(text: &str, documents: &mut Vec<Document>) -> Result<(), ReadError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut count = 0;
    let mut end = 0;
    let mut line = 1;
    loop {
        let error = match values.next() {
            None => return Ok(()),
            Some(Ok(value)) => {
                let start = values.byte_offset().saturating_sub(value.get().len());
                line += lines(text.get(end..start));
                end = values.byte_offset();
                match object(value.get()) {
                    Ok(Some(json)) => documents.push(Document { json, format: Format::Json, line }),
                    Ok(None) => {}
                    Err(cause) => return Err(Position::end_of(text.get(..start).unwrap_or_default()).fail(cause)),
                }
                line += lines(Some(value.get()));
                count += 1;
                continue;
            }
            Some(Err(error)) => error,
        };
        let at = Position { line: error.line(), column: error.column().max(1) };
        let json = at.fail(Cause::Json(words(&error)));
        if count > 1 {
            return Err(json);
        }
        let rest = text.get(end..).unwrap_or_default();
        let skipped = white_space_to_line_end(rest);
        line += lines(rest.get(..skipped));
        // Of the two readings, the one that came further tells more.
        return read_yaml(rest.get(skipped..).unwrap_or_default(), line, documents)
            .map_err(|yaml| if yaml.at > json.at { yaml } else { json });
    }
}

/// The object's text; nothing for null.
fn object(value: &str) -> Result<Option<String>, Cause> {
    match value.as_bytes().first() {
        Some(b'{') if depth(value) > MAX_DEPTH => Err(Cause::TooDeep),
        Some(b'{') => Ok(Some(value.to_owned())),
        Some(b'n') => Ok(None),
        Some(b'[') => Err(Cause::NotAnObject("a list")),
        Some(b'"') => Err(Cause::NotAnObject("text")),
        Some(b't' | b'f') => Err(Cause::NotAnObject("true or false")),
        _ => Err(Cause::NotAnObject("a number")),
    }
}

/// How deep lists and maps are nested in valid JSON text.
pub(super) fn depth(json: &str) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn lines(text: Option<&str>) -> usize {
    text.unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count()
}

/// The length of the white space that `text` begins with, no further than its first line break.
fn white_space_to_line_end(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    text.bytes().take(blank).position(|byte| byte == b'\n').map_or(blank, |at| at + 1)
}

/// `serde_json`'s message without the place, which is told apart.
fn words(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(place) => message.get(..place).unwrap_or_default().to_owned(),
        None => message,
    }
}
