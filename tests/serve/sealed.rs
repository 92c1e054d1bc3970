//! A program that may call nobody: the kernel kills it when it tries.
//!
//! The filter outlives `exec`, so that this test program takes it on and then becomes the other one. Not forbidden is what answers
//! need: taking connections, and sending over those that are there.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::{Context, Result};
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// First argument of the test program when it is to become another one so.
const SEALED: &str = "--may-call-nobody";

/// `this_program`, a command of the present program, made one that becomes `program` with the arguments that are added.
pub fn command(mut this_program: Command, program: &Path) -> Command {
    this_program.arg(SEALED).arg(program);
    this_program
}

/// Where this process was started by [`command`]: becomes the program asked for.
pub fn become_sealed() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != SEALED {
        return None;
    }
    let program = arguments.next()?;
    let error = match seal() {
        Ok(()) => Command::new(program).args(arguments).exec().into(),
        Err(error) => error,
    };
    eprintln!("{error:#}");
    Some(ExitCode::from(127))
}

/// Why filters are not to be had here, if they are not.
pub fn forbidden() -> Option<String> {
    match tried() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// This program, sealed, says what tests it has.
fn tried() -> Result<Output> {
    let this_program = std::env::current_exe().context("finding the test program")?;
    let output = command(Command::new(&this_program), &this_program).arg("--list").stdin(Stdio::null()).output();
    output.context("starting the test program")
}

fn seal() -> Result<()> {
    let program = filter().and_then(BpfProgram::try_from).context("making a seccomp filter")?;
    seccompiler::apply_filter(&program).context("the kernel takes no seccomp filter")
}

/// Kills at every call that could begin a conversation.
fn filter() -> Result<SeccompFilter, BackendError> {
    // A `send` is a `sendto` without an address, which goes where the connection goes.
    const ADDRESS: u8 = 4;
    let has_address = SeccompCondition::new(ADDRESS, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    let rules = BTreeMap::from([
        (libc::SYS_connect, vec![]),
        (libc::SYS_sendto, vec![SeccompRule::new(vec![has_address])?]),
        // Their addresses are in memory, where no filter can look; and what goes by a ring is seen by none.
        (libc::SYS_sendmsg, vec![]),
        (libc::SYS_sendmmsg, vec![]),
        (libc::SYS_io_uring_setup, vec![]),
    ]);
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, std::env::consts::ARCH.try_into()?)
}
