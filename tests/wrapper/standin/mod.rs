//! A dkron for tests: a program that does as dkron 4.0.9 (or 3.2.7) does, as far as the wrapper can tell.
//!
//! Modelled, and held against the real program by `conformance`: the command line and the configuration's sources, the
//! order of the start, the HTTP API that the wrapper reads, gossip with its states, conflicts and timers, raft with its
//! elections, membership and persistence, `TimeoutNow`, leaving, signals, plugins as processes, and enough of jobs to
//! count ticks and to lose or keep the result of a long one. Stand-ins find each other over sockets of their own
//! protocol ([`wire`]): no real dkron can join them.
//!
//! Not modelled: gRPC, snapshots, TLS, encryption (a key only keeps strangers out), web pages, restore, pause, metrics,
//! discovery providers, other executors than `shell`, retries, dependent jobs, time zones, start and expiry of jobs.
//!
//! `DKRON_STANDIN_GENERATION=3` makes it a 3.2.7 ([`generation`]); [`faults`] lists what can be asked to go wrong.

mod address;
mod agent;
mod command;
mod events;
mod faults;
mod file;
mod flags;
mod generation;
mod http;
mod jobs;
mod leadership;
mod log;
mod member;
mod node;
mod raft;
mod random;
mod rpc;
mod rpc_server;
mod serf;
mod settings;
mod time;
mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

use generation::Generation;
use settings::Settings;

/// Runs the subcommand that `words` name.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some((subcommand, rest)) = words.split_first() else { return help() };
    match subcommand.as_str() {
        "agent" => agent(rest),
        "version" => command::version(rest),
        "leave" => command::leave(rest),
        "raft" => command::raft(rest),
        plugin if jobs::plugin::is_one(plugin) => jobs::plugin::run(),
        "help" | "--help" | "-h" => help(),
        other => {
            let why = match other.strip_prefix("--") {
                Some(flag) => format!("unknown flag: --{flag}"),
                None => format!("unknown command {other:?} for \"dkron\""),
            };
            eprintln!("Error: {why}\nRun 'dkron --help' for usage.");
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn agent(words: &[String]) -> ExitCode {
    let usage = "dkron agent [flags]";
    let ended = match flags::read(words, &flags::AGENT) {
        Ok(given) if given.help => {
            println!("Start a dkron agent\n\nUsage:\n  {usage}");
            return ExitCode::SUCCESS;
        }
        Ok(given) => match Settings::read(given) {
            Err(why) if Generation::from_environment() == Generation::Three => command::configuration_refused(&why),
            settings => settings.and_then(agent::run),
        },
        Err(why) => Err(why),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(why) => command::failed(&why, usage),
    }
}

fn help() -> ExitCode {
    println!("Open source distributed job scheduling system\n\nUsage:\n  dkron [command]");
    ExitCode::SUCCESS
}
