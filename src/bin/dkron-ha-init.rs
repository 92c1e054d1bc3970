//! PID 1 of the dkron container. Everything is in [`dkron_ha::init`].

use std::process::ExitCode;

fn main() -> ExitCode {
    dkron_ha::init::main(std::env::args_os().skip(1))
}
