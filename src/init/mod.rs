//! `dkron-ha-init`: PID 1 of the dkron container, and the installer of itself.
//!
//! It lives in people's pods for years, so it is std and a few small crates: no runtime, no TLS, no Kubernetes client.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `invocation` | the command line | no |
//! | `install` | copies the program into the shared volume | files |
//! | `run` | the order of life: gathers what is known, asks `procedure`, carries out what it wants | yes |
//! | [`procedure`] | how a server is started, watched and stopped: facts in, actions out | no |
//! | [`agent`] | the same of an agent | no |
//! | [`command`] | what was said to dkron, and the words and variables it gets instead | no |
//! | [`config`] | dkron's configuration file, and a copy that says one thing more | files |
//! | [`disk`] | the raft state, the marker beside it, and `desired.json` | files |
//! | [`dkron`] | questions to dkron | sockets |
//! | [`watch`] | looks at the peers and at the own dkron, over and over | DNS, sockets |
//! | [`notices`] | what a person must know, of what is said | no |
//! | [`port`] | what other wrappers, probes and Prometheus are told | sockets |
//! | `json` | JSON as far as it is needed here | no |
//! | `find` | where the program lies | files |
//! | `signals`, `child`, `tools`, `relatives` | signals in; processes started, signalled, reaped, recognised | processes |
//! | `jobs` | what an agent is busy with | files |
//! | `clock`, `threads` | what time it is; how a thread begins | clock, threads |
//! | `exit` | the table of exit codes | no |
//! | `report`, `log` | what people read: lines to stderr | stderr |

pub mod agent;
mod child;
pub mod clock;
pub mod command;
pub mod config;
pub mod disk;
pub mod dkron;
mod exit;
mod find;
mod install;
mod invocation;
mod jobs;
mod json;
mod log;
pub mod notices;
pub mod port;
pub mod procedure;
mod relatives;
mod report;
mod run;
mod signals;
mod threads;
mod tools;
pub mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use exit::Exit;
use invocation::{HELP, Invocation};

/// The whole program; `arguments` without its own name. Exit codes: `docs/wrapper.md`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match Invocation::read(arguments) {
        Ok(Invocation::Install(destination)) => install::install(&destination).map_or_else(
            |error| {
                log::line(error);
                Exit::Install
            },
            |()| Exit::Code(0),
        ),
        Ok(Invocation::Run { find_dkron, words }) => run::run(find_dkron, words),
        Ok(Invocation::Help) => print(HELP),
        Ok(Invocation::Version) => print(concat!("dkron-ha-init ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => {
            log::line(error);
            Exit::Usage
        }
    };
    done.into()
}

fn print(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Exit::Code(0),
        Err(_) => Exit::System,
    }
}
