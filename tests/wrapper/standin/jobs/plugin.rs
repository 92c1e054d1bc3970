//! The executors, in processes of their own: `dkron shell` runs commands, `dkron http` is there and does nothing. They
//! outlive a dkron that is killed, as dkron's do, and so do the commands.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::job::Job;
use crate::standin::generation::Generation;
use crate::standin::{random, settings};

/// Tells a plugin that dkron started it.
const COOKIE: &str = "DKRON_PLUGIN_MAGIC_COOKIE";

const NAMES: [&str; 2] = ["shell", "http"];

/// Whether a subcommand is a plugin. Version 3 has programs of their own for them, which people do not find here.
pub fn is_one(subcommand: &str) -> bool {
    let inside = Generation::from_environment() == Generation::Four || std::env::var_os(COOKIE).is_some();
    inside && NAMES.contains(&subcommand)
}

#[derive(Serialize, Deserialize)]
struct Order {
    number: u64,
    job: Job,
}

/// What became of a command.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    number: u64,
    pub success: bool,
    pub output: String,
}

/// The plugins of one dkron.
pub struct Plugins {
    children: Mutex<Vec<Child>>,
    orders: Mutex<ChildStdin>,
    waiting: Arc<Mutex<BTreeMap<u64, Sender<Outcome>>>>,
}

impl Plugins {
    /// # Errors
    /// A child that cannot be started.
    pub fn start() -> io::Result<Self> {
        let mut children = Vec::new();
        for name in NAMES {
            let child = Command::new("/proc/self/exe")
                .arg0(own_path())
                .arg(name)
                .env(COOKIE, "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            children.push(child);
        }
        let shell = &mut children[0];
        let orders = shell.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let answers = shell.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let waiting: Arc<Mutex<BTreeMap<u64, Sender<Outcome>>>> = Arc::default();
        let sorting = Arc::clone(&waiting);
        thread::spawn(move || {
            for line in BufReader::new(answers).lines().map_while(Result::ok) {
                let Ok(outcome) = serde_json::from_str::<Outcome>(&line) else { continue };
                if let Some(sender) = sorting.lock().expect("nobody panics with this lock").remove(&outcome.number) {
                    let _ = sender.send(outcome);
                }
            }
            // Whoever waits for a dead plugin learns it by a closed channel.
            sorting.lock().expect("nobody panics with this lock").clear();
        });
        Ok(Self { children: Mutex::new(children), orders: Mutex::new(orders), waiting })
    }

    /// Has the shell plugin run the job's command; the answer comes when it ends.
    pub fn execute(&self, job: &Job) -> Receiver<Outcome> {
        let (sender, receiver) = channel();
        let number = random::number();
        self.waiting.lock().expect("nobody panics with this lock").insert(number, sender);
        let order = serde_json::to_string(&Order { number, job: job.clone() }).unwrap_or_default();
        if writeln!(self.orders.lock().expect("nobody panics with this lock"), "{order}").is_err() {
            self.waiting.lock().expect("nobody panics with this lock").remove(&number);
        }
        receiver
    }

    /// Ends the plugins; commands that they run go on.
    pub fn stop(&self) {
        for child in self.children.lock().expect("nobody panics with this lock").iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The name under which this program was called, so that its children are called `dkron` too.
fn own_path() -> PathBuf {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    std::path::absolute(&called).ok().filter(|path| path.exists()).unwrap_or(called)
}

/// `dkron shell` and `dkron http`.
pub fn run() -> ExitCode {
    if std::env::var_os(COOKIE).is_none() {
        eprintln!(
            "This binary is a plugin. These are not meant to be executed directly.\n\
             Please execute the program that consumes these plugins, which will\n\
             load any plugins automatically"
        );
        return ExitCode::FAILURE;
    }
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)));
    for line in io::stdin().lines().map_while(Result::ok) {
        let Ok(order) = serde_json::from_str::<Order>(&line) else { continue };
        thread::spawn(move || {
            let (success, output) = command(&order.job);
            let outcome = Outcome { number: order.number, success, output };
            let line = serde_json::to_string(&outcome).unwrap_or_default();
            let _ = writeln!(io::stdout().lock(), "{line}");
        });
    }
    // dkron is gone, and nobody told the plugin.
    loop {
        thread::park();
    }
}

/// Runs what the job says. What it printed comes after the reason why it failed.
fn command(job: &Job) -> (bool, String) {
    let line = job.configured("command");
    let words: Vec<&str> =
        if job.configured("shell") == "true" { vec!["/bin/sh", "-c", line] } else { line.split_whitespace().collect() };
    let Some((program, arguments)) = words.split_first() else { return (false, "No command found\n".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove(COOKIE);
    command.envs(job.configured("env").split(',').filter_map(|pair| pair.split_once('=')));
    if !job.configured("cwd").is_empty() {
        command.current_dir(job.configured("cwd"));
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return (false, format!("{error}\n")),
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || all(stdout));
    let stderr = thread::spawn(move || all(stderr));
    let mut failure = match wait(&mut child, settings::duration(job.configured("timeout"))) {
        Ok(status) if status.success() => None,
        Ok(status) => Some(status.to_string().replace("exit status:", "exit status")),
        Err(why) => Some(why),
    };
    let output = stdout.join().unwrap_or_default() + &stderr.join().unwrap_or_default();
    let success = failure.is_none();
    (success, failure.take().map(|why| format!("{why}\n")).unwrap_or_default() + &output)
}

fn wait(child: &mut Child, timeout: Option<Duration>) -> Result<std::process::ExitStatus, String> {
    let begun = Instant::now();
    let Some(timeout) = timeout else { return child.wait().map_err(|error| error.to_string()) };
    while begun.elapsed() < timeout {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("Job '{timeout:?}' timed out"))
}

fn all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
