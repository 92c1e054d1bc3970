//! The cluster tier: scenarios on a real single-node Kubernetes, in namespaces of its own: etcd, kube-apiserver,
//! kube-controller-manager, kube-scheduler, kubelet, containerd, runc, CNI, kube-proxy and `CoreDNS`. dkron-ha is installed there from
//! its image, and dkron runs in pods.
//!
//! `tests/cluster/run` builds what it needs and runs all; with a plain `cargo test` every scenario is ignored, and a line says so.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report of a test program")]

#[path = "../client/mod.rs"]
mod client;
#[path = "../enclosure/mod.rs"]
mod enclosure;
mod figures;
mod images;
mod installed;
#[path = "../kubernetes/mod.rs"]
mod kubernetes;
mod node;
mod parts;
mod scenarios;
mod servers;
mod story;
mod tier;
mod watcher;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::enclosure::interrupt;
use crate::kubernetes::process;
use crate::node::Traces;
use crate::parts::Parts;
use crate::scenarios::Scenario;
use crate::tier::Tier;

/// Holds the number of the process that the namespaces belong to.
const ID: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cluster.pid");

/// Instead of scenarios: a cluster to look at, until somebody ends it.
const UP: &str = "--up";

fn main() -> ExitCode {
    if let Some(outcome) = process::become_tied() {
        return outcome;
    }
    let stays = std::env::args().nth(1).is_some_and(|word| word == UP);
    let arguments = if stays { Arguments::default() } else { Arguments::from_args() };
    let outcome = if enclosure::is_inside() { inside(stays, &arguments) } else { outside(&arguments) };
    outcome.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Starts this program once more, in namespaces, and takes away what those do not.
fn outside(arguments: &Arguments) -> Result<ExitCode> {
    if std::env::var_os("KUBE_ASSETS").is_none() {
        println!("SKIPPED: cluster tier: run tests/cluster/run");
        return Ok(none_run(arguments));
    }
    if arguments.list {
        return Ok(none_run(arguments));
    }
    match Parts::from_environment().and_then(|parts| parts.check()).and_then(|()| enter()) {
        Err(error) if std::env::var_os("DKRON_HA_ALLOW_SKIP").is_some_and(|value| value == "1") => {
            println!("SKIPPED: cluster tier: {error:#}");
            Ok(none_run(arguments))
        }
        outcome => outcome,
    }
}

fn enter() -> Result<ExitCode> {
    let traces = Traces::none_but_ours()?;
    // For `tests/cluster/run --kubectl`, which finds the namespaces by it.
    fs::write(ID, std::process::id().to_string()).context("writing which process this is")?;
    let outcome = enclosure::enter(&[(node::CGROUP_VARIABLE, &traces.name)]);
    fs::remove_file(ID).context("removing which process this was")?;
    outcome
}

/// Names the scenarios, all of them ignored.
fn none_run(arguments: &Arguments) -> ExitCode {
    let ignored = |&(name, _): &(&str, Scenario)| {
        Trial::test(name, || Err("not run by tests/cluster/run".into())).with_ignored_flag(true)
    };
    libtest_mimic::run(arguments, scenarios::BESIDE_OTHERS.iter().chain(&scenarios::ALONE).map(ignored).collect())
        .exit_code()
}

fn inside(stays: bool, arguments: &Arguments) -> Result<ExitCode> {
    interrupt::install()?;
    let parts = Parts::from_environment()?;
    let tier = Arc::new(Tier::start(&parts).context("starting the cluster")?);
    if stays {
        println!(
            "up; tests/cluster/run --kubectl ARGUMENT… is its kubectl; Ctrl-C or tests/cluster/run --down ends it"
        );
        while interrupt::check().is_ok() {
            thread::sleep(Duration::from_millis(200));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let run = |scenarios: &[(&'static str, Scenario)], threads| {
        let trial = |&(name, scenario): &(&'static str, Scenario)| {
            let tier = Arc::clone(&tier);
            Trial::test(name, move || tier.run(name, scenario).map_err(|error| Failed::from(format!("{error:#}"))))
        };
        let arguments = Arguments { test_threads: Some(threads), ..arguments.clone() };
        libtest_mimic::run(&arguments, scenarios.iter().map(trial).collect())
    };
    // Real figures are measured one after the other; what the stand-in does shows no times. One thread is this one.
    let beside = run(&scenarios::BESIDE_OTHERS, if parts.real { 1 } else { 3 });
    let alone = run(&scenarios::ALONE, 1);
    tier.finish()?;
    Ok(if beside.has_failed() { beside.exit_code() } else { alone.exit_code() })
}
