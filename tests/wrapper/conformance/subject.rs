//! The programs that are checked.

use std::env;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One dkron.
#[derive(Clone)]
pub struct Subject {
    pub program: PathBuf,
    /// What it calls itself: name and version.
    pub label: String,
    /// 3 or 4.
    pub generation: u8,
    pub stands_in: bool,
}

impl Subject {
    /// The stand-in as both generations, and the real ones that are there.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::stand_in(4), Self::stand_in(3)];
        for variable in ["DKRON_BIN", "DKRON_BIN_V3"] {
            if let Some(program) = env::var_os(variable) {
                all.push(Self::real(Path::new(&program)));
            }
        }
        all
    }

    fn stand_in(generation: u8) -> Self {
        let version = if generation == 3 { "3.2.7" } else { "4.0.9" };
        Self { program: own_link().to_owned(), label: format!("stand-in {version}"), generation, stands_in: true }
    }

    fn real(program: &Path) -> Self {
        let printed = Command::new(program).arg("version").output().expect("DKRON_BIN and DKRON_BIN_V3 are programs");
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        let version = printed.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("unknown");
        let generation = if version.trim_start_matches('v').starts_with('3') { 3 } else { 4 };
        Self { program: program.to_owned(), label: format!("real {version}"), generation, stands_in: false }
    }

    /// A command of it, in an environment without dkron's variables.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DKRON_")) {
            command.env_remove(name);
        }
        if self.stands_in {
            command.env("DKRON_STANDIN_GENERATION", self.generation.to_string());
        }
        command
    }
}

/// This program under the name `dkron`.
fn own_link() -> &'static Path {
    static LINK: OnceLock<PathBuf> = OnceLock::new();
    LINK.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dkron-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory below target/tmp");
        let link = directory.join("dkron");
        symlink(env::current_exe().expect("this program has a path"), &link).expect("a symbolic link");
        link
    })
}
