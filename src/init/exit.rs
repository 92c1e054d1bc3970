//! With which code the program ends. dkron itself ends with 0 or 1, so that every other code tells who failed.

use std::process::ExitCode;

use rustix::process::WaitStatus;

/// Why the program ends. [`Exit::code`] is the table; `docs/wrapper.md` explains each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The child's own code, or that of a subcommand which did its work.
    Code(u8),
    /// The child was killed by this signal, or this signal came before there was a child.
    Signal(i32),
    /// The command line cannot be read.
    Usage,
    /// The operating system refused something that must not fail: a thread, a signal handler, a new process.
    System,
    /// `install` could not put the file in its place.
    Install,
    /// An environment variable holds what it must not.
    Settings,
    /// The command was found and cannot be executed.
    NotExecutable,
    /// The command was not found.
    NotFound,
}

impl Exit {
    /// The number that the caller sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            // Signals are numbered from 1 to 64.
            Self::Signal(signal) => 128 + u8::try_from(signal).unwrap_or(0),
            Self::Usage => 64,
            Self::System => 70,
            Self::Install => 73,
            Self::Settings => 78,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }

    /// How a child ended; `None` while it lives (stopped or continued).
    pub fn of(status: WaitStatus) -> Option<Self> {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => u8::try_from(code).ok().map(Self::Code),
            (None, Some(signal)) => Some(Self::Signal(signal)),
            (None, None) => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
