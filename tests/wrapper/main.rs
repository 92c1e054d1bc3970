//! The process tier of the wrapper: servers of one cluster, each in a network namespace of its own.
//!
//! Called `dkron`, this program is the stand-in for dkron that the wrappers start; called otherwise it runs the tests. With
//! `DKRON_BIN` (and `DKRON_BIN_V3`) the same tests run on real dkron.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "helpers of tests are tests")]

mod checks;
#[path = "../client/mod.rs"]
mod client;
mod cluster;
mod conformance;
#[path = "../enclosure/mod.rs"]
mod enclosure;
mod figures;
mod scenarios;
mod standin;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::Arguments;

use crate::enclosure::interrupt;

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "dkron") {
        return standin::main(std::env::args_os().skip(1));
    }
    let given = Arguments::from_args();
    // Real figures are measured one after the other; the stand-in shows no times, and waits for clocks more than for processors.
    let real = std::env::var_os("DKRON_BIN").is_some();
    let threads = |usual| Arguments { test_threads: given.test_threads.or(usual), ..given.clone() };
    if enclosure::is_inside() {
        return measure(&threads(Some(if real { 1 } else { 10 })));
    }
    let arguments = threads((!real).then_some(16));
    // On loopback, many at once, and before the clusters that are to have the machine for themselves.
    let conformance =
        libtest_mimic::run(&arguments, checks::trials().into_iter().chain(conformance::trials()).collect());
    let measured = enclosure::enter(&[]).unwrap_or_else(|why| {
        let why = format!("{why:#}");
        libtest_mimic::run(&arguments, scenarios::skipped_for(&why)).exit_code()
    });
    if conformance.has_failed() { conformance.exit_code() } else { measured }
}

/// The scenarios, in the namespaces of the tier.
fn measure(arguments: &Arguments) -> ExitCode {
    if let Err(error) = interrupt::install() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(arguments, scenarios::trials());
    if let Err(error) = figures::print_table() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
