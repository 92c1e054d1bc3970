//! One dkron that runs, and the ground on which it does.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Answer};
use super::subject::Subject;

/// Addresses and a directory for one check.
pub struct Ground<'a> {
    pub subject: &'a Subject,
    directory: TempDir,
    network: u32,
}

impl<'a> Ground<'a> {
    pub fn new(subject: &'a Subject) -> Self {
        static NETWORKS: AtomicU32 = AtomicU32::new(1);
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory below target/tmp");
        Self { subject, directory, network: NETWORKS.fetch_add(1, Ordering::SeqCst) }
    }

    /// The address of the `host`th dkron: loopback, and of this process and check alone.
    pub fn address(&self, host: u8) -> String {
        format!("127.{}.{}.{host}", 64 + std::process::id() % 128, self.network % 250 + 1)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("a file in the check's directory");
        self.path(name).display().to_string()
    }

    /// `dkron-<name>` at address `host`, its data in a directory of its name.
    pub fn start(&self, name: u8, host: u8, words: &[&str]) -> Node {
        self.start_with(name, host, words, &[])
    }

    pub fn start_with(&self, name: u8, host: u8, words: &[&str], variables: &[(&str, &str)]) -> Node {
        let address = self.address(host);
        let log = self.path(&format!("log-{name}-{host}"));
        let file = File::options().create(true).append(true).open(&log).expect("a log file");
        let mut command = self.subject.command();
        command.args(["agent", "--node-name", &format!("dkron-{name}"), "--disable-usage-stats"]);
        command.args(["--bind-addr", &format!("{address}:8946"), "--advertise-addr", &format!("{address}:8946")]);
        command.args(["--http-addr", &format!("{address}:8080")]);
        command.arg("--data-dir").arg(self.path(&format!("data-{name}")));
        command.args(words).envs(variables.iter().copied()).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a second handle")).stderr(file);
        let child = command.process_group(0).spawn().expect("the program starts");
        Node { child, name: format!("dkron-{name}"), address, log }
    }

    /// A server in retry-join to `others`.
    pub fn server(&self, name: u8, host: u8, others: &[u8], words: &[&str]) -> Node {
        let join: Vec<String> = others.iter().map(|other| format!("--retry-join={}", self.address(*other))).collect();
        let mut all = vec!["--server", "--retry-interval", "1s"];
        all.extend(join.iter().map(String::as_str));
        all.extend(words);
        self.start(name, host, &all)
    }
}

/// A running dkron; with it go its plugins and jobs.
pub struct Node {
    child: Child,
    pub name: String,
    pub address: String,
    log: PathBuf,
}

impl Node {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) {
        let _ = kill(self.pid(), signal);
    }

    /// Exit code, or 128 and the signal. `None` when it does not end within `limit`.
    pub fn end(&mut self, limit: Duration) -> Option<i32> {
        let ended = until(limit, || self.child.try_wait().ok().flatten())?;
        Some(ended.code().unwrap_or(128 + ended.signal().unwrap_or(0)))
    }

    /// KILL, and nothing that could say good-bye.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    pub fn get(&self, path: &str) -> Option<Answer> {
        http::ask(&self.address, "GET", path, "")
    }

    pub fn post(&self, path: &str, body: &str) -> Option<Answer> {
        http::ask(&self.address, "POST", path, body)
    }

    pub fn rpc(&self) -> String {
        format!("{}:6868", self.address)
    }

    pub fn listens(&self, port: u16) -> bool {
        let address: SocketAddr = format!("{}:{port}", self.address).parse().expect("an address");
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    }

    /// Whether `/v1/isleader` answers within `limit` that it leads.
    pub fn leads(&self) -> bool {
        self.get("/v1/isleader").is_some_and(|answer| answer.status == 200)
    }

    pub fn serves(&self, limit: Duration) -> bool {
        until(limit, || self.get("/health").map(drop)).is_some()
    }

    /// The name of the leader that it knows, strictly.
    pub fn leader(&self) -> Option<String> {
        let answer = self.get("/v1/leader").filter(|answer| answer.status == 200)?.json();
        let complete = answer["Tags"]["rpc_addr"].as_str().is_some_and(|address| !address.is_empty());
        answer["Name"].as_str().filter(|_| complete).map(str::to_owned)
    }

    /// What it knows of `name`.
    pub fn member(&self, name: &str) -> Value {
        let members = self.get("/v1/members").map(|answer| answer.json()).unwrap_or_default();
        members.as_array().into_iter().flatten().find(|member| member["Name"] == name).cloned().unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Asks every 50 ms until there is an answer or `limit` is over.
pub fn until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let ends = Instant::now() + limit;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= ends {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Seconds, for limits.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
