//! Who runs below this program, read from `/proc`: the dkron behind a shell, and the plugins that a dkron has left behind.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, getpid};

use super::child;
use super::command::AGENT;

/// Words of every file name of dkron: the program itself and its plugins (`dkron-executor-…`, `dkron-processor-…`).
const DKRON: &[u8] = b"dkron";

/// Of those, the ones that take in results.
const PROCESSOR: &[u8] = b"dkron-processor-";

/// Subcommands under which dkron runs the plugins that are built into it.
const BUILT_IN: [&[u8]; 2] = [b"shell", b"http"];

/// A process that runs.
struct Process {
    pid: i32,
    parent: i32,
    words: Vec<Vec<u8>>,
    /// It has not ended, as one that is still to be reaped has.
    runs: bool,
}

impl Process {
    /// `None` for one that has just ended, and for threads of the kernel.
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // `PID (NAME) STATE PARENT …`, where the name may hold anything.
        let mut behind = stat.rsplit_once(") ")?.1.split(' ');
        let runs = behind.next()? != "Z";
        let parent = behind.next()?.parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        Some(Self { pid, parent, words, runs })
    }

    fn name(&self) -> &[u8] {
        self.words[0].rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    fn is_dkron(&self) -> bool {
        self.name().starts_with(DKRON)
    }

    fn is_processor(&self) -> bool {
        self.name().starts_with(PROCESSOR)
    }

    fn is_agent(&self) -> bool {
        self.is_dkron() && self.words[1..].iter().any(|word| word == AGENT.as_bytes())
    }

    /// A plugin, and no job: jobs are shells and what they start.
    fn is_plugin(&self) -> bool {
        let name = self.name();
        let external = name.starts_with(DKRON) && name.get(DKRON.len()) == Some(&b'-');
        let built_in = self.is_dkron() && self.words.get(1).is_some_and(|word| BUILT_IN.contains(&word.as_slice()));
        external || built_in
    }
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir(Path::new("/proc")) else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read).collect()
}

/// The dkron that `child` runs: itself, or where it is a shell or a script, the nearest below it. `child` where none is found.
pub fn dkron_of(child: Pid) -> Pid {
    let all = processes();
    let mut generation = vec![child.as_raw_pid()];
    while !generation.is_empty() {
        let found = all.iter().find(|process| generation.contains(&process.pid) && process.is_agent());
        if let Some(pid) = found.and_then(|process| Pid::from_raw(process.pid)) {
            return pid;
        }
        let next =
            all.iter().filter(|process| generation.contains(&process.parent) && !generation.contains(&process.pid));
        generation = next.map(|process| process.pid).collect();
    }
    child
}

/// The executor plugins that a dkron runs, and the number of jobs below all its plugins. dkron starts nothing but plugins, and no
/// plugin anything but jobs.
pub fn plugins_of(dkron: Pid) -> (Vec<Pid>, usize) {
    let all = processes();
    let plugins: Vec<&Process> = all.iter().filter(|process| process.parent == dkron.as_raw_pid()).collect();
    let jobs = all.iter().filter(|process| process.runs && plugins.iter().any(|plugin| plugin.pid == process.parent));
    // A processor may keep a connection for as long as it lives.
    let executors = plugins.iter().filter(|plugin| !plugin.is_processor());
    (executors.filter_map(|plugin| Pid::from_raw(plugin.pid)).collect(), jobs.count())
}

/// The file that a process executes.
pub fn program_of(process: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/exe", process.as_raw_pid())).ok()
}

/// Kills the plugins whose dkron is gone, so that this program has them now.
pub fn end_orphaned_plugins() {
    let own = getpid().as_raw_pid();
    let all = processes();
    let orphans = all.iter().filter(|process| process.parent == own && process.is_plugin());
    for plugin in orphans.filter_map(|process| Pid::from_raw(process.pid)) {
        child::send(plugin, Signal::KILL);
    }
}

/// Signals dkron, not the shell that may stand before it.
pub fn tell_dkron(child: Option<Pid>, signal: Signal) {
    if let Some(child) = child {
        child::send(dkron_of(child), signal);
    }
}
