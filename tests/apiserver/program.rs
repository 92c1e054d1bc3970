//! The program under test, on the command line of a person.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command::{self, Output};

/// The `dkron-ha` of this build.
pub fn path() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_dkron-ha"))
}

/// Runs `dkron-ha` to its end, without any environment.
pub fn dkron_ha(arguments: &[&str], stdin: &str) -> Result<Output> {
    let title = format!("dkron-ha {}", arguments.join(" "));
    command::run(Command::new(path()).args(arguments).env_clear(), stdin, title)
}
