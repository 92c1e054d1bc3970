//! The command line of the program, read by hand: two subcommands and one flag need no library.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
PID 1 of the dkron container: starts, watches and stops dkron.

Usage:
  dkron-ha-init install DEST                  copy this program to the file DEST
  dkron-ha-init run -- COMMAND [ARGS...]      run COMMAND as its init
  dkron-ha-init run --find-dkron -- ARGS...   look for dkron in the image and run it with ARGS
  dkron-ha-init --help | --version

Environment, exit codes and probes: docs/wrapper.md
";

/// What the program was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Copy the program to this file.
    Install(PathBuf),
    /// Run a command.
    Run {
        /// The words are dkron's arguments only; the program is to be found.
        find_dkron: bool,
        /// Everything behind `--`.
        words: Vec<OsString>,
    },
    /// Print [`HELP`].
    Help,
    /// Print name and version.
    Version,
}

/// Why the command line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(&'static str);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; see dkron-ha-init --help", self.0)
    }
}

impl std::error::Error for UsageError {}

impl Invocation {
    /// Reads the arguments, the program's own name left out.
    ///
    /// # Errors
    /// [`UsageError`] for anything that [`HELP`] does not show.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter();
        let first = arguments.next();
        match first.as_ref().and_then(|word| word.to_str()) {
            Some("install") => install(arguments),
            Some("run") => run(arguments),
            Some("--help" | "-h" | "help") => Ok(Self::Help),
            Some("--version" | "-V") => Ok(Self::Version),
            Some(_) => Err(UsageError("unknown subcommand")),
            None => Err(UsageError("a subcommand is missing")),
        }
    }
}

fn install(mut arguments: impl Iterator<Item = OsString>) -> Result<Invocation, UsageError> {
    match (arguments.next(), arguments.next()) {
        (Some(destination), None) if !destination.is_empty() => Ok(Invocation::Install(destination.into())),
        _ => Err(UsageError("install takes one file")),
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let mut find_dkron = false;
    loop {
        match arguments.next().as_ref().and_then(|word| word.to_str()) {
            Some("--find-dkron") => find_dkron = true,
            Some("--") => break,
            Some(_) => return Err(UsageError("run takes --find-dkron and then `--` before the command")),
            None => return Err(UsageError("run needs `--` and a command")),
        }
    }
    let words: Vec<_> = arguments.collect();
    if words.first().is_none_or(|word| word.is_empty()) {
        return Err(UsageError("nothing stands behind `--`"));
    }
    Ok(Invocation::Run { find_dkron, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Invocation, UsageError> {
        Invocation::read(words.iter().map(OsString::from))
    }

    #[test]
    fn the_shapes_of_the_help_are_read() {
        assert_eq!(read(&["install", "/a/b"]), Ok(Invocation::Install("/a/b".into())));
        let words = || vec!["dkron".into(), "--".into(), "--find-dkron".into()];
        let run = |find_dkron| Ok(Invocation::Run { find_dkron, words: words() });
        assert_eq!(read(&["run", "--", "dkron", "--", "--find-dkron"]), run(false));
        assert_eq!(read(&["run", "--find-dkron", "--", "dkron", "--", "--find-dkron"]), run(true));
        assert_eq!(read(&["--help"]), Ok(Invocation::Help));
        assert_eq!(read(&["--version"]), Ok(Invocation::Version));
    }

    #[test]
    fn anything_else_is_refused() {
        let bad: [&[&str]; 10] = [
            &[],
            &[""],
            &["start"],
            &["install"],
            &["install", ""],
            &["install", "a", "b"],
            &["run"],
            &["run", "dkron"],
            &["run", "--"],
            &["run", "--find", "--", "agent"],
        ];
        for words in bad {
            assert!(read(words).is_err(), "{words:?}");
        }
    }
}
