//! What can be wrong with a file, and where.

use std::fmt;

use super::{MAX_DEPTH, MAX_YAML_SIZE};

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place right after `text`.
    pub(super) fn end_of(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self { line: text.bytes().filter(|byte| *byte == b'\n').count() + 1, column: last.chars().count() + 1 }
    }

    pub(super) fn fail(self, cause: Cause) -> ReadError {
        ReadError { at: self, cause }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {cause}")]
pub struct ReadError {
    /// Where it was noticed.
    pub at: Position,
    /// What is wrong there.
    pub cause: Cause,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Some bytes are no UTF-8.
    #[error("this is not UTF-8 text")]
    NotUtf8,
    /// A character that YAML does not allow, not even in quotes.
    #[error("the character U+{:04X} is not allowed in YAML; in double quotes it can be written as an escape", u32::from(*.0))]
    Forbidden(char),
    /// A character at which kubectl's YAML 1.1 reader begins a new line and others do not.
    #[error("the character U+{:04X} would be a line break for kubectl; write it as an escape in double quotes", u32::from(*.0))]
    LineBreak(char),
    /// Syntax of which kubectl's YAML 1.1 reader would make something else, or nothing.
    #[error("{0}")]
    Dialect(&'static str),
    /// A line that begins with `---` and goes on with something else than a comment.
    #[error("only a comment may follow `---` on its line, not `{0}`")]
    Separator(String),
    /// The text is no YAML; the parser's words.
    #[error("not valid YAML: {0}")]
    Yaml(String),
    /// The text is no JSON; the parser's words.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// Something follows a finished YAML document; kubectl would drop it without a word.
    #[error("the document ended before this; separate documents by a line `---`")]
    AfterEnd,
    /// The document is not an object.
    #[error("a Kubernetes object is a map, and this document is {0}")]
    NotAnObject(&'static str),
    /// A tag does not fit its text.
    #[error("`{text}` is not a {tag}")]
    Tag {
        /// The tag in its short form, `!!int`.
        tag: String,
        /// The text under it, shortened.
        text: String,
    },
    /// Infinity or not-a-number, which JSON cannot say.
    #[error("`{0}` is not a number that JSON has; as text it needs quotes")]
    NotFinite(String),
    /// A list, a map, null or an unsigned number beyond the signed range as the key of a map.
    #[error("{0} cannot be the key of a map")]
    Key(&'static str),
    /// A merge key `<<` with something else than a map, an alias of a map or a list of these.
    #[error("`<<` merges a map or a list of maps only")]
    Merge,
    /// An alias inside the very node that its anchor names.
    #[error("this alias is inside the node it stands for")]
    SelfAlias,
    /// Nesting beyond [`MAX_DEPTH`].
    #[error("lists and maps are nested more than {MAX_DEPTH} levels deep, aliases included")]
    TooDeep,
    /// A document beyond [`MAX_YAML_SIZE`].
    #[error("the document becomes larger than {} MiB, aliases and merge keys followed", MAX_YAML_SIZE / 1024 / 1024)]
    TooLarge,
}
