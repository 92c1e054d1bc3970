//! Calls of dkron's own command line (`raft list-peers`, `raft remove-peer`, `version`): started by the main loop, which alone reaps,
//! with their output read by a thread of their own.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

use super::child;
use super::exit::Exit;
use super::threads;

/// dkron itself gives up a connection after 10 s.
const PATIENCE: Duration = Duration::from_secs(11);

/// Longer output is cut: a table of peers has a line of 100 bytes for each.
const MOST_BYTES: u64 = 64 * 1024;

/// Variables by which dkron would read an agent's settings, of no use to these calls and a fault in some.
const AGENTS: &str = "DKRON_";

/// A call that was made.
#[derive(Debug)]
struct Call<Q> {
    pid: Pid,
    question: Q,
    end: Instant,
    output: Option<Output>,
    exit: Option<Exit>,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Done<Q> {
    /// What it was made for.
    pub question: Q,
    /// How it ended.
    pub exit: Exit,
    /// What it wrote.
    pub output: Output,
}

/// What a program wrote.
#[derive(Debug, Default)]
pub struct Output {
    /// To its standard output.
    pub out: String,
    /// To its standard error.
    pub err: String,
}

/// All calls under way, each with the question that it answers.
#[derive(Debug)]
pub struct Tools<Q> {
    calls: Vec<Call<Q>>,
}

impl<Q> Tools<Q> {
    /// None yet.
    pub fn new() -> Self {
        Self { calls: Vec::new() }
    }

    /// Calls `program` with `words`; `tell` hears once of all that it wrote.
    ///
    /// # Errors
    /// What the system says of processes, pipes and threads, and the question.
    pub fn call(
        &mut self,
        program: &Path,
        words: &[&str],
        question: Q,
        tell: impl FnOnce(Pid, Output) + Send + 'static,
    ) -> Result<(), (io::Error, Q)> {
        match begin(program, words, tell) {
            Ok(pid) => {
                self.calls.push(Call { pid, question, end: Instant::now() + PATIENCE, output: None, exit: None });
                Ok(())
            }
            Err(error) => Err((error, question)),
        }
    }

    /// Takes in what a call wrote.
    pub fn wrote(&mut self, pid: Pid, output: Output) -> Option<Done<Q>> {
        self.calls.iter_mut().find(|call| call.pid == pid)?.output = Some(output);
        self.done(pid)
    }

    /// Takes in the end of a process; `None` too if it was none of these.
    pub fn ended(&mut self, pid: Pid, exit: Exit) -> Option<Done<Q>> {
        self.calls.iter_mut().find(|call| call.pid == pid)?.exit = Some(exit);
        self.done(pid)
    }

    /// Whether a process is one of these.
    pub fn has(&self, pid: Pid) -> bool {
        self.calls.iter().any(|call| call.pid == pid)
    }

    /// Ends those that have taken too long; they are reaped as others are.
    pub fn end_the_slow(&mut self) {
        let now = Instant::now();
        for call in self.calls.iter_mut().filter(|call| call.exit.is_none() && call.end <= now) {
            child::send(call.pid, Signal::KILL);
            call.end = now + PATIENCE;
        }
    }

    fn done(&mut self, pid: Pid) -> Option<Done<Q>> {
        let at = self.calls.iter().position(|call| call.pid == pid && call.output.is_some() && call.exit.is_some())?;
        let call = self.calls.swap_remove(at);
        Some(Done { question: call.question, exit: call.exit?, output: call.output? })
    }
}

fn begin(program: &Path, words: &[&str], tell: impl FnOnce(Pid, Output) + Send + 'static) -> io::Result<Pid> {
    let ((out, to_out), (err, to_err)) = (io::pipe()?, io::pipe()?);
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(to_out).stderr(to_err);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(AGENTS.as_bytes())) {
        command.env_remove(name);
    }
    let pid = Pid::from_child(&command.spawn()?);
    // The command holds the writing ends too, and the output would never end.
    drop(command);
    let read = move || {
        // One after the other: what these calls say of errors fits into a pipe.
        tell(pid, Output { out: text(out), err: text(err) });
    };
    threads::begin("tool", Box::new(read))?;
    Ok(pid)
}

/// What `program version` prints; `None` if it cannot be asked. To be called before the main loop reaps anything.
pub fn version(program: &Path) -> Option<String> {
    let (told, answer) = channel();
    let pid = begin(program, &["version"], move |_, output| drop(told.send(output))).ok()?;
    let output = answer.recv_timeout(PATIENCE).ok();
    if output.is_none() {
        child::send(pid, Signal::KILL);
    }
    // A process that closed its outputs ends, or was killed.
    let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
    output.map(|output| output.out + &output.err)
}

/// All that comes, up to an end that is generous; what came before an error is told all the same.
fn text(from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.take(MOST_BYTES).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
