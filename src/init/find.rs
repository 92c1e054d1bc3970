//! Where the program to run lies. It is started at its own path: dkron looks for plugins beside itself.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::contract;

/// Where dkron's images and packages have it: 3.2 and newer, before 3.2, and the distributions' packages.
const DKRON_PLACES: [&str; 3] = ["/usr/local/bin/dkron", "/opt/local/dkron/dkron", "/usr/bin/dkron"];

/// Where a program is looked for if `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// A program that cannot be run.
#[derive(Debug, PartialEq, Eq)]
pub enum FindError {
    /// A command that is nowhere.
    NotFound(OsString),
    /// No place holds a dkron.
    NoDkron(Vec<PathBuf>),
    /// A file that this user may not execute, or that is none.
    NotExecutable(PathBuf),
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(word) => write!(f, "{}: not found", word.display()),
            Self::NoDkron(tried) => {
                f.write_str("no dkron in this image; tried")?;
                for place in tried {
                    write!(f, " {}", place.display())?;
                }
                write!(f, ": name its command in the annotation {}/command", contract::DOMAIN)
            }
            Self::NotExecutable(path) => write!(f, "{}: not an executable file", path.display()),
        }
    }
}

impl std::error::Error for FindError {}

/// What lies at a path.
enum Found {
    Nothing,
    Unusable,
    Program,
}

fn look(path: &Path) -> Found {
    match path.metadata() {
        Err(_) => Found::Nothing,
        Ok(metadata) if metadata.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok() => Found::Program,
        Ok(_) => Found::Unusable,
    }
}

/// First program among `places`, or the first unusable file, as shells choose.
fn first(places: &[PathBuf]) -> Result<Option<PathBuf>, FindError> {
    let mut unusable = None;
    for place in places {
        match look(place) {
            Found::Program => return Ok(Some(place.clone())),
            Found::Unusable => unusable = unusable.or(Some(place)),
            Found::Nothing => {}
        }
    }
    unusable.map_or(Ok(None), |path| Err(FindError::NotExecutable(path.clone())))
}

/// `name` in every directory of `path`; an empty entry is the working directory.
fn along(path: Option<&OsStr>, name: &OsStr) -> Vec<PathBuf> {
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    std::env::split_paths(path)
        .map(|directory| if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory })
        .map(|directory| directory.join(name))
        .collect()
}

/// The file behind the first word of a command; `path` is the variable `PATH`.
///
/// # Errors
/// [`FindError`] if there is none.
pub fn program(word: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, FindError> {
    let places = if word.as_encoded_bytes().contains(&b'/') { vec![PathBuf::from(word)] } else { along(path, word) };
    first(&places)?.ok_or_else(|| FindError::NotFound(word.to_owned()))
}

/// dkron in an image whose entry point nobody could know from outside.
///
/// # Errors
/// [`FindError`] with all places tried.
pub fn dkron(path: Option<&OsStr>) -> Result<PathBuf, FindError> {
    let mut places: Vec<_> = DKRON_PLACES.iter().map(PathBuf::from).collect();
    for place in along(path, OsStr::new("dkron")) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    first(&places)?.ok_or(FindError::NoDkron(places))
}
