//! The real `dkron-ha serve` as a process, between API servers and proxies that are played: what a rollout, a kill and a wrong
//! drain lose, and whether anything goes out while reviews are answered.
//!
//! `DKRON_HA_ROLLOUTS=200` restarts it so many times, and five times with the defaults; without it three times.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report of a test program")]

mod api_server;
mod authority;
mod corpus;
mod deployment;
mod figures;
mod load;
mod outbound;
mod proxy;
mod random;
mod replica;
mod rollout;
mod sealed;
#[path = "../tied/mod.rs"]
mod tied;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if let Some(outcome) = tied::become_tied().or_else(sealed::become_sealed) {
        return outcome;
    }
    // One after the other and in this thread: with the thread that started a process ends the process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let quiet = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials(quiet));
    if let Err(error) = figures::print_table() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

fn trials(quiet: bool) -> Vec<Trial> {
    let trial = |name: &str, scenario: fn() -> Result<()>| {
        Trial::test(name, move || scenario().map_err(|error| Failed::from(format!("{error:#}"))))
    };
    let unless = |why: Option<String>, name: &'static str, scenario| match why {
        None => trial(name, scenario),
        Some(why) => {
            if !quiet {
                println!("SKIPPED: {name}: {why}");
            }
            trial(name, scenario).with_ignored_flag(true)
        }
    };
    let no_seal = sealed::forbidden();
    vec![
        trial("rolling restarts lose no review", rollout::scaled),
        unless(rollout::no_full_run(), "rolling restarts with the defaults lose no review", rollout::with_the_defaults),
        trial("a kill loses what was under way and what was sent to the dead", rollout::killed),
        trial("planted: without a drain reviews are lost", rollout::without_a_drain),
        trial("planted: proxies slower than the drain lose reviews", rollout::with_slow_proxies),
        unless(no_seal.clone(), "no call goes out while reviews are answered", outbound::none_while_answering),
        unless(no_seal, "the ban on calls bites", outbound::the_ban_bites),
    ]
}
