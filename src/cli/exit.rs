//! Exit codes and last words.

use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended, when nothing broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Everything that was asked for: 0.
    Well,
    /// An object was refused, or a check found something: 1.
    Refused,
}

/// Turns a result into the process's exit code: 0 well, 1 refused or failed (2 is clap's, for usage).
pub fn code(result: anyhow::Result<Done>) -> ExitCode {
    match result {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::Refused) => ExitCode::FAILURE,
        // Whoever reads our output (`| head`) may stop; that is no failure of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even this cannot be written, the code has to say it.
            _ = writeln!(io::stderr(), "dkron-ha: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
