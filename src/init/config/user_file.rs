//! The configuration file that dkron reads, found and read as dkron does.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::command::Word;
use super::format::Format;
use super::search::search;
use super::values::Values;

/// A longer file is not read.
const LONGEST: u64 = 1 << 20;

/// The file that dkron reads, as far as this program can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFile {
    /// Where it is, there or not; `None` if there is none, or nobody can know which.
    pub path: Option<PathBuf>,
    /// What stands in it.
    pub content: Content,
    /// What it says.
    pub values: Values,
}

/// What stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing that dkron reads: it goes on with its defaults.
    Nothing,
    /// A text of this format.
    Text(Format, String),
    /// Something that this program cannot read.
    Unknown(&'static str),
}

impl UserFile {
    /// Finds and reads the file: `given` is the value of `--config`, `home` the variable `HOME`.
    pub fn load(given: Word<'_>, home: Option<&str>) -> Self {
        let path = match given {
            Word::Unreadable => return Self::unknown(None, "only a shell knows its name"),
            Word::Is(file) if !file.is_empty() => Some(PathBuf::from(file)),
            Word::Is(_) | Word::Absent => search(home, Self::is_file),
        };
        let Some(path) = path else { return Self::nothing(None) };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > LONGEST => return Self::unknown(Some(path), "it is too long"),
            Ok(metadata) if metadata.is_file() => {}
            // dkron cannot read it either, and says no more of it than a line at the level info.
            _ => return Self::nothing(Some(path)),
        }
        let format = Format::of(&path);
        match fs::read(&path).map(String::from_utf8) {
            _ if format == Format::None => Self::nothing(Some(path)),
            Err(_) => Self::nothing(Some(path)),
            Ok(Err(_)) => Self::unknown(Some(path), "it is not UTF-8"),
            Ok(Ok(text)) => {
                let values = format.read(&text).values;
                Self { path: Some(path), content: Content::Text(format, text), values }
            }
        }
    }

    fn is_file(path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| !metadata.is_dir())
    }

    fn nothing(path: Option<PathBuf>) -> Self {
        Self { path, content: Content::Nothing, values: Values::default() }
    }

    fn unknown(path: Option<PathBuf>, why: &'static str) -> Self {
        Self { path, content: Content::Unknown(why), values: Values::unread() }
    }
}
