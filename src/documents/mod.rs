//! YAML and JSON files, read as kubectl 1.34 reads them and written as it prints them. Text in, text out.
//!
//! Reading follows `k8s.io/apimachinery/pkg/util/yaml` 0.34 (how a file falls apart into documents) and
//! `sigs.k8s.io/yaml` 1.6 over `go.yaml.in/yaml/v2` 2.4 (how YAML 1.1 becomes JSON). On purpose it differs so far:
//! - Keys keep the author's order; kubectl sorts them.
//! - Integers beyond the signed 64 bits keep their digits up to the unsigned 64; kubectl rounds them to a float when
//!   it sends them.
//! - What follows a finished document without a `---` is refused; kubectl drops it.
//! - Documents deeper than [`MAX_DEPTH`] or larger than [`MAX_YAML_SIZE`] are refused.
//! - The syntax is read by `granit-parser`, a YAML 1.2 parser. It takes some files that kubectl refuses, and refuses a
//!   few oddities that kubectl takes; where both would take a file for different things, it is refused
//!   ([`Cause::Dialect`]).
//!
//! A `List` stays one document.

mod compose;
mod dialect;
mod emit;
mod error;
mod json;
mod last_wins;
mod node;
mod number;
mod scalar;
mod split;
mod style;

pub use emit::{WriteError, to_yaml, write, write_yaml};
pub use error::{Cause, Position, ReadError};

/// The deepest nesting of lists and maps in one document, aliases followed. `serde_json` refuses 128.
pub const MAX_DEPTH: usize = 100;

/// How large one YAML document may become as JSON, about in bytes, aliases and merge keys followed.
/// An API server takes 3 MiB in one request.
pub const MAX_YAML_SIZE: usize = 16 * 1024 * 1024;

/// One object of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The object as JSON text. What was written as JSON is the author's own text, byte for byte;
    /// what was written as YAML has no white space and its keys in the author's order.
    pub json: String,
    /// How it was written.
    pub format: Format,
    /// The line of the file where the object begins, from 1.
    pub line: usize,
}

/// How a document was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Read by kubectl's YAML reader, also when it looks like JSON.
    Yaml,
    /// One of the JSON values that a file begins with.
    Json,
}

/// Every object of a file, in order. Empty documents, and documents that are only comments or `null`, are left out.
///
/// A file whose first visible character is `{` is a series of JSON values. When that breaks off after no more than
/// one value, the rest is YAML, as for kubectl.
///
/// # Errors
/// The first thing in the text that cannot be read, with its place.
pub fn read(text: &[u8]) -> Result<Vec<Document>, ReadError> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let sound = text.get(..error.valid_up_to()).and_then(|sound| std::str::from_utf8(sound).ok());
        Position::end_of(sound.unwrap_or_default()).fail(Cause::NotUtf8)
    })?;
    let mut documents = Vec::new();
    if text.trim_start().starts_with('{') {
        json::read(text, &mut documents)?;
    } else {
        read_yaml(text, 1, &mut documents)?;
    }
    Ok(documents)
}

/// Reads `text`, which begins on line `first_line` of the file, as YAML documents.
fn read_yaml(text: &str, first_line: usize, documents: &mut Vec<Document>) -> Result<(), ReadError> {
    for chunk in split::chunks(text, first_line) {
        let Some(composed) = compose::compose(&chunk?)? else { continue };
        documents.push(Document { json: composed.object.to_json(), format: Format::Yaml, line: composed.at.line });
    }
    Ok(())
}
