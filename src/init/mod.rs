//! `dkron-ha-init`: PID 1 of the dkron container, and the installer of itself.
//!
//! It lives in people's pods for years, so it is std and a few small crates: no runtime, no TLS, no Kubernetes client.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `invocation` | the command line | no |
//! | `install` | copies the program into the shared volume | files |
//! | `run` | the order of life: gathers facts, asks `decide`, carries out | yes |
//! | `decide` | how to start, what a signal means: facts in, decision out | no |
//! | `settings`, `environment` | what the webhook wrote; what Kubernetes wrote by accident | no |
//! | `form`, `arguments` | dkron's flags in a command, as far as they can be reached | no |
//! | `launch` | from a decision to words and variables | no |
//! | `peers` | names | no |
//! | `lookout` | threads that watch the peers | DNS, sockets |
//! | `leader`, `http` | the strict question who leads | sockets |
//! | `probe` | the probes of the container | sockets |
//! | `find` | where the program lies | files |
//! | `signals`, `child` | signals in; processes started, signalled, reaped | processes |
//! | `exit` | the table of exit codes | no |
//! | `report`, `log` | what people read: lines to stderr | stderr |

mod arguments;
mod child;
mod decide;
mod environment;
mod exit;
mod find;
mod form;
mod http;
mod install;
mod invocation;
mod launch;
mod leader;
mod log;
mod lookout;
mod peers;
mod probe;
mod report;
mod run;
mod settings;
mod signals;

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
