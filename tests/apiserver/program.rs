//! The program under test, on the command line of a person.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::command::{self, Output};

/// The `dkron-ha` of this build.
pub fn path() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_dkron-ha"))
}

/// The same as the label updater: what `DKRON_HA_PROGRAM` names, such as the static program as it is shipped, or of this build.
pub fn label_updater() -> PathBuf {
    std::env::var_os("DKRON_HA_PROGRAM").map_or_else(|| path().to_owned(), PathBuf::from)
}

/// Whether [`label_updater`] is a program as it is shipped.
pub fn is_shipped() -> bool {
    std::env::var_os("DKRON_HA_PROGRAM").is_some()
}

/// Runs `dkron-ha` to its end, without any environment.
pub fn dkron_ha(arguments: &[&str], stdin: &str) -> Result<Output> {
    let title = format!("dkron-ha {}", arguments.join(" "));
    command::run(Command::new(path()).args(arguments).env_clear(), stdin, title)
}
