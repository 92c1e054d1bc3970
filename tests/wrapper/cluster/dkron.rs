//! Which dkron the servers run: a real one, named by the environment, or the stand-in.

use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// How much a figure is worth that was measured on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// dkron itself.
    Real,
    /// This program, called `dkron`.
    StandIn,
}

/// A dkron.
#[derive(Clone, Debug)]
pub struct Dkron {
    kind: Kind,
    program: PathBuf,
    version: String,
}

impl Dkron {
    /// What `DKRON_BIN` names, else the stand-in.
    pub fn main() -> Result<Self> {
        match std::env::var_os("DKRON_BIN") {
            Some(program) => Self::real(Path::new(&program)),
            None => Self::stand_in("4"),
        }
    }

    /// What `DKRON_BIN_V3` names, else the stand-in as version 3.
    pub fn three() -> Result<Self> {
        let Some(program) = std::env::var_os("DKRON_BIN_V3") else { return Self::stand_in("3") };
        let dkron = Self::real(Path::new(&program))?;
        ensure!(dkron.version.starts_with("3."), "DKRON_BIN_V3 is {dkron}");
        Ok(dkron)
    }

    fn real(program: &Path) -> Result<Self> {
        let program = program.canonicalize().with_context(|| format!("{}", program.display()))?;
        Ok(Self { kind: Kind::Real, version: version(&program)?, program })
    }

    fn stand_in(generation: &str) -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        Ok(Self { kind: Kind::StandIn, program, version: generation.to_owned() })
    }

    /// How much a figure is worth that was measured on it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it sends an execution to another server when the first is not ready: since 4.1.
    pub fn retries(&self) -> bool {
        let mut numbers = self.version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (4, 1)
    }

    /// Whether it is version 4 or later.
    pub fn follows_names(&self) -> bool {
        !self.version.starts_with('3')
    }

    /// Makes a folder with a `dkron` in it, for `PATH`.
    pub fn install(&self, folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let program = folder.join("dkron");
        if self.kind == Kind::Real {
            symlink(&self.program, &program).with_context(|| format!("linking {}", program.display()))?;
            return Ok(program);
        }
        // Its generation must not depend on an environment that the wrapper may change.
        let named = folder.join("stand-in");
        std::fs::create_dir_all(&named).with_context(|| format!("creating {}", named.display()))?;
        let named = named.join("dkron");
        symlink(&self.program, &named).with_context(|| format!("linking {}", named.display()))?;
        let script = format!("#!/bin/sh\nDKRON_STANDIN_GENERATION={} exec {} \"$@\"\n", self.version, named.display());
        std::fs::write(&program, script).with_context(|| format!("writing {}", program.display()))?;
        let mode = Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).with_context(|| format!("making {} a program", program.display()))?;
        Ok(program)
    }
}

impl fmt::Display for Dkron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::StandIn => write!(f, "stand-in for dkron {}", self.version),
            Kind::Real => write!(f, "dkron {}", self.version),
        }
    }
}

fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("version").output().with_context(|| format!("{}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(version) = text.lines().find_map(|line| line.strip_prefix("Version: ")) else {
        bail!("{} version: {text}", program.display());
    };
    Ok(version.trim().trim_start_matches('v').to_owned())
}
