//! Where the tier lives: a network, a process and a mount namespace of its own, which no name leads to. Whatever ends this
//! program, the kernel ends and removes everything in there; nothing can be left on the machine, and no address can collide.
//!
//! The program starts itself once more inside. The process outside passes signals on, and holds a pipe whose end tells the one
//! inside that nobody waits for it any more.

pub mod interrupt;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, getuid, kill_process};
use signal_hook::iterator::Signals;

/// Set for the process inside.
const INSIDE: &str = "DKRON_HA_TIER_INSIDE";

/// Programs that build namespaces and what is in them.
const TOOLS: [(&str, &str); 5] =
    [("unshare", "--version"), ("nsenter", "--version"), ("ip", "-V"), ("mount", "--version"), ("sleep", "--version")];

/// Whether this is the process inside; its network namespace is the router of all pods.
pub fn is_inside() -> bool {
    let inside = std::env::var_os(INSIDE).is_some();
    if inside {
        thread::spawn(end_with_the_outside);
    }
    inside
}

/// Starts this program once more, inside, and returns how that ended. An error says why namespaces are not to be had.
/// It is told what is added to the environment.
pub fn enter(told: &[(&str, &str)]) -> Result<ExitCode> {
    allowed()?;
    outside(told)
}

/// `unshare` for the namespaces of the tier; without root through a user namespace.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command
}

fn allowed() -> Result<()> {
    for (tool, question) in TOOLS {
        let asked = Command::new(tool).arg(question).stdout(Stdio::null()).stderr(Stdio::null()).status();
        ensure!(asked.is_ok_and(|status| status.success()), "the program `{tool}` is missing");
    }
    let script = "ip link add one type veth peer name other && echo 1 > /proc/sys/net/ipv4/ip_forward";
    let tried = unshare().args(["sh", "-c", script]).output().context("unshare")?;
    if !tried.status.success() {
        bail!("namespaces are not allowed here: {}", String::from_utf8_lossy(&tried.stderr).trim());
    }
    Ok(())
}

fn outside(told: &[(&str, &str)]) -> Result<ExitCode> {
    let mut signals = Signals::new(interrupt::ENDING).context("taking over signals")?;
    let mut inside = unshare()
        .arg(std::env::current_exe().context("finding this program")?)
        .args(std::env::args_os().skip(1).collect::<Vec<OsString>>())
        .env(INSIDE, "1")
        .envs(told.iter().copied())
        .stdin(Stdio::piped())
        // A terminal's Ctrl-C is for this process, which passes it on.
        .process_group(0)
        .spawn()
        .context("entering the namespaces")?;
    // Held, not used: `wait` would close it.
    let _held = inside.stdin.take();
    let unshared = Pid::from_child(&inside);
    thread::spawn(move || {
        for (number, _) in signals.forever().enumerate() {
            let target = if number == 0 { only_child(unshared) } else { None };
            // The kernel lets the death of `unshare` end the process inside.
            let _ =
                target.map_or_else(|| kill_process(unshared, Signal::KILL), |child| kill_process(child, Signal::TERM));
        }
    });
    let status = inside.wait().context("waiting for the process inside")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The only child of a process, once it has one.
pub fn only_child(parent: Pid) -> Option<Pid> {
    let parent = parent.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// The write end of standard input is held by the process outside, and nobody writes.
fn end_with_the_outside() {
    let mut nothing = [0];
    while std::io::stdin().read(&mut nothing).is_ok_and(|length| length > 0) {}
    process::exit(1);
}
