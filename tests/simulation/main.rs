//! Simulation of the wrapper's procedure: many wrappers, a model of dkron and a model of Kubernetes, driven through schedules of
//! whatever befalls them. Everything follows from the number of a schedule.
//!
//! | | |
//! | --- | --- |
//! | `DKRON_HA_SCHEDULES=1000000 cargo test --release --test simulation` | as many schedules as that, on all processors |
//! | `DKRON_HA_FIRST=n` | the number of the first |
//! | `DKRON_HA_GO_ON=1` | all of them, whatever breaks: what broke is listed |
//! | `DKRON_HA_SEED=n cargo test --test simulation schedules` | one schedule, and what happens in it |

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test")]
#![allow(clippy::struct_excessive_bools, reason = "a model has many facts that are so or not")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "places and milliseconds are small")]

mod coverage;
mod dkron;
mod driver;
mod facts;
mod faults;
mod invariants;
mod kubernetes;
mod laboratory;
mod look;
mod names;
mod network;
mod operate;
mod planted;
mod progress;
mod random;
mod report;
mod run;
mod schedule;
mod schedules;
mod shrink;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Half of the time would go into the allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = facts::trials();
    trials.push(Trial::test("schedules", || schedules::all().map_err(Into::into)));
    trials.push(Trial::test("planted_faults_are_found", || planted::all().map_err(Into::into)));
    libtest_mimic::run(&arguments, trials).exit_code()
}
