//! The program under test, started with a clean environment and never left behind.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::processes::descendants;

/// The program that Cargo built for these tests.
pub const BUILT: &str = env!("CARGO_BIN_EXE_dkron-ha-init");

/// The program under test: [`BUILT`], or what `DKRON_HA_INIT` names, such as the static program as it is shipped.
pub fn program() -> String {
    std::env::var("DKRON_HA_INIT").unwrap_or_else(|_| BUILT.into())
}

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until `condition` holds; fails the test otherwise.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(PATIENCE, LOOK, what, condition);
}

/// The same for what may take so long, with looks so far apart.
pub fn until_within(patience: Duration, look: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < end, "not within {patience:?}: {what}");
        thread::sleep(look);
    }
}

/// A command line that ends in the program under test.
pub struct Wrapped {
    before: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Option<String>,
}

impl Wrapped {
    /// `dkron-ha-init` with these arguments.
    pub fn with(arguments: &[&str]) -> Self {
        Self { before: Vec::new(), arguments: words(arguments), environment: Vec::new(), input: None }
    }

    /// `dkron-ha-init run -- COMMAND`.
    pub fn run(command: &[&str]) -> Self {
        Self::with(&[&["run", "--"], command].concat())
    }

    /// `dkron-ha-init run -- sh -c SCRIPT`.
    pub fn shell(script: &str) -> Self {
        Self::run(&["sh", "-c", script])
    }

    /// A shell script that runs the program itself, as `"$0"`.
    pub fn script(script: &str) -> Self {
        Self::with(&[]).under(&["sh", "-c", script])
    }

    /// With words before it all, such as `unshare --pid --fork`.
    pub fn under(mut self, before: &[&str]) -> Self {
        self.before.splice(..0, words(before));
        self
    }

    /// With a variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// With text on stdin.
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Starts it in a directory of its own.
    pub fn start(self) -> Running {
        let directory = tempfile::tempdir().expect("a directory");
        let file = |name: &str| directory.path().join(name);
        fs::write(file("stdin"), self.input.unwrap_or_default()).expect("stdin");
        let program = OsString::from(program());
        let mut words = self.before.into_iter().chain([program]).chain(self.arguments);
        let child = Command::new(words.next().expect("a program"))
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment)
            .current_dir(directory.path())
            // A signal sent to a whole group by mistake must not end the tests.
            .process_group(0)
            .stdin(File::open(file("stdin")).expect("stdin"))
            .stdout(File::create(file("stdout")).expect("stdout"))
            .stderr(File::create(file("stderr")).expect("stderr"))
            .spawn()
            .expect("the program starts");
        Running { child, directory }
    }

    /// Runs it to its end.
    pub fn ended(self) -> Ended {
        self.start().ended()
    }
}

fn words(list: &[&str]) -> Vec<OsString> {
    list.iter().map(OsString::from).collect()
}

/// A started program; killed when dropped.
pub struct Running {
    child: Child,
    directory: TempDir,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it and its child wrote.
    pub stdout: String,
    /// What it and its child wrote.
    pub stderr: String,
}

impl Running {
    /// Process identifier of the outermost program.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// A path in its working directory.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Content of a file in its working directory; empty while there is none.
    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file in its working directory holds `text`.
    pub fn wait_for(&self, name: &str, text: &str) {
        until(&format!("{text:?} in {name}"), || self.file(name).contains(text));
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program lives");
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its status")
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        let mut status = None;
        until("the end of the program", || {
            status = self.poll();
            status.is_some()
        });
        Ended { code: status.and_then(|s| s.code()), stdout: self.file("stdout"), stderr: self.file("stderr") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        let below = descendants(self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in below {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Writes a file that can be executed, by another process: a descriptor of ours, open for writing, would live on in whatever
/// a neighbouring test starts at that moment, and the file would stay busy.
pub fn write_program(path: &Path, text: &str, mode: u32) {
    let script = r#"printf %s "$1" > "$0" && chmod "$2" "$0""#;
    let mode = format!("{mode:o}");
    let done = Command::new("sh").args(["-c", script]).arg(path).args([text, &mode]).status().expect("a shell");
    assert!(done.success(), "{}", path.display());
}
