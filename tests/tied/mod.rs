//! A program that ends with the one that started it, whatever ends that one.
//!
//! The kernel keeps a parent-death signal across `exec`, so that the one system call can be made here, in a program of our own,
//! instead of between fork and exec, where only unsafe code runs: a test program starts itself, ties itself to its parent, and
//! becomes the program asked for.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, parent_id};
use std::path::Path;
use std::process::{self, Command, ExitCode};

use anyhow::{Context, Result};
use rustix::process::{Signal, set_parent_process_death_signal};

/// First argument of the test program when it is to become another program tied to its parent's life.
const TIED: &str = "--tied-to-parent";

/// A command that becomes `program`, with the arguments that are added, and is killed by the kernel when the thread that starts it
/// ends.
pub fn command(program: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("finding the test program")?);
    command.args([TIED, &process::id().to_string()]).arg(program);
    Ok(command)
}

/// Where this process was started by [`command`]: becomes the program asked for, tied to the parent.
pub fn become_tied() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != TIED {
        return None;
    }
    let error = exec_tied(arguments.collect());
    eprintln!("cannot become the program: {error:#}");
    Some(ExitCode::from(127))
}

fn exec_tied(mut arguments: Vec<OsString>) -> anyhow::Error {
    if arguments.len() < 2 {
        return anyhow::anyhow!("{TIED} PARENT PROGRAM [ARGUMENT...]");
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let rest = arguments.split_off(2);
    // A parent that died before the call above sends no signal any more.
    if arguments[0] != *parent_id().to_string() {
        return anyhow::anyhow!("the parent is gone");
    }
    Command::new(&arguments[1]).args(rest).exec().into()
}
