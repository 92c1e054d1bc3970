//! The copy of the user's configuration that dkron reads instead: with one key more, and with the plugins found all the same.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf, absolute};

use super::super::disk::whole_file::{self, Kind};
use super::merge::{self, Merged};
use super::search::DIRECTORY;
use super::user_file::{Content, UserFile};

/// Name of the copy, without its end.
const NAME: &str = "dkron";

/// dkron looks for plugins in this directory beside its configuration file.
const PLUGINS: &str = "plugins";

/// Why there is no copy: dkron reads the user's file.
#[derive(Debug)]
pub enum NoCopy {
    /// The user has set the key.
    Own,
    /// The file is written in a way that does not allow it.
    Refused(&'static str),
    /// The directory did not take it.
    Io(io::Error),
}

impl fmt::Display for NoCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => write!(f, "it sets {} itself", merge::KEY),
            Self::Refused(why) => f.write_str(why),
            Self::Io(error) => write!(f, "no copy can be written: {error}"),
        }
    }
}

impl std::error::Error for NoCopy {}

impl From<io::Error> for NoCopy {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the copy into the directory `run`, over one that is there, and returns its path, which is complete.
///
/// # Errors
/// [`NoCopy`]: without a copy everything works, but a server that comes back waits up to a minute for its vote.
pub fn write(run: &Path, user: &UserFile) -> Result<PathBuf, NoCopy> {
    let (extension, text) = match &user.content {
        Content::Unknown(why) => return Err(NoCopy::Refused(why)),
        Content::Nothing => ("yaml".as_ref(), merge::alone()),
        Content::Text(format, text) => match merge::merge(*format, text) {
            Merged::Text(text) => (user.path.as_deref().and_then(Path::extension).unwrap_or("yaml".as_ref()), text),
            Merged::Own => return Err(NoCopy::Own),
            Merged::Refused(why) => return Err(NoCopy::Refused(why)),
        },
    };
    let file = absolute(run)?.join(NAME).with_extension(extension);
    link_plugins(run, user.path.as_deref())?;
    whole_file::write(&file, text.as_bytes(), Kind::Secret)?;
    Ok(file)
}

/// Lets dkron find the plugins that lie beside the user's file, or where it looks without one. They need not be there yet.
fn link_plugins(run: &Path, user: Option<&Path>) -> io::Result<()> {
    let directory = user.and_then(Path::parent).unwrap_or(Path::new(DIRECTORY));
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let plugins = absolute(directory)?.join(PLUGINS);
    let link = run.join(PLUGINS);
    if fs::read_link(&link).is_ok_and(|to| to == plugins) {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(plugins, link)
}

#[cfg(test)]
mod tests;
