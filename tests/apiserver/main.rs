//! The API-server tier: scenarios on a real etcd, kube-apiserver, kube-controller-manager and kubectl, with the real
//! `dkron-ha serve` registered there.
//!
//! `tests/apiserver/run` builds these and runs all; with a plain `cargo test`, which lacks `KUBE_ASSETS` (the
//! directory that holds them), every scenario is ignored, and a line says so.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report of a test program")]

mod api;
mod assets;
mod audit;
mod cluster;
mod components;
mod control_plane;
mod corpus;
mod counts;
mod difference;
mod figures;
mod helm;
mod http;
mod installation;
mod installed;
mod interrupt;
mod kept;
#[path = "../kubernetes/mod.rs"]
mod kubernetes;
mod labels;
mod lockout;
mod look;
mod namespace;
mod played;
mod program;
mod scenarios;
mod servers;
mod service;
mod snapshot;
mod tier;
mod updater;
mod webhook;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::kubernetes::{authority, command, kubectl, process, stopwatch, wait};
use crate::scenarios::Scenario;
use crate::tier::Tier;

fn main() -> ExitCode {
    if let Some(outcome) = process::become_tied() {
        return outcome;
    }
    // One after the other and in this thread: with the thread that started a process ends the process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let Some(assets) = std::env::var_os("KUBE_ASSETS").map(PathBuf::from) else {
        if !arguments.list {
            println!("SKIPPED: API-server tier: set KUBE_ASSETS, or run tests/apiserver/run");
        }
        let ignored = |&(name, _): &(&str, Scenario)| {
            Trial::test(name, || Err("KUBE_ASSETS is not set".into())).with_ignored_flag(true)
        };
        return libtest_mimic::run(&arguments, scenarios::ALL.iter().map(ignored).collect()).exit_code();
    };
    if let Err(error) = interrupt::install() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    let has_helm = assets.join("helm").is_file();
    if !has_helm && !arguments.list {
        println!("SKIPPED: scenarios of the chart: no helm could be built");
    }
    let tier = Arc::new(Tier::new(assets));
    let trial = |&(name, scenario): &(&'static str, Scenario)| {
        let tier = Arc::clone(&tier);
        Trial::test(name, move || tier.run(name, scenario).map_err(|error| Failed::from(format!("{error:#}"))))
            .with_ignored_flag(name.starts_with("chart::") && !has_helm)
    };
    let conclusion = libtest_mimic::run(&arguments, scenarios::ALL.iter().map(trial).collect());
    match tier.finish() {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
