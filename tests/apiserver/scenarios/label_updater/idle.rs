//! Nothing happens, which is what nearly always happens.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::Cluster;
use crate::figures::Row;
use crate::interrupt;
use crate::servers::Servers;

/// What a start asks in any case.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

const LOOKED_AT_FOR: Duration = Duration::from_secs(65);

/// One beside each server.
const UPDATERS: f64 = 3.0;

const PATIENCE: Duration = Duration::from_secs(60);

pub fn an_idle_set_costs_little(cluster: &Cluster) -> Result<()> {
    let servers = Servers::start(cluster, "idle")?;
    servers.lead(Some(0));
    servers.until_labelled(Some(0), PATIENCE)?;
    wait(SETTLED_AFTER)?;

    let usage = || -> Result<Vec<_>> { servers.members.iter().map(|member| member.updater()?.usage()).collect() };
    let (before, asked_before) = (usage()?, servers.requests()?);
    wait(LOOKED_AT_FOR)?;
    let (after, asked) = (usage()?, servers.requests()?);

    let minutes = LOOKED_AT_FOR.as_secs_f64() / 60.0;
    let each_minute = |all: f64| all / minutes / UPDATERS;
    let a_minute = each_minute(f64::from(asked.others - asked_before.others));
    let watches = each_minute(f64::from(asked.watches - asked_before.watches));
    let cpu = before.iter().zip(&after).map(|(before, after)| after.cpu.as_secs_f64() - before.cpu.as_secs_f64());
    let cpu = each_minute(cpu.sum::<f64>() * 1000.0);
    let resident = after.iter().map(|usage| usage.resident).max().unwrap_or_default();
    Row::new("idle, 3 servers, each label updater", "resident < 16 MiB; < 10 requests a minute apart from watches")
        .shows("resident at most", format!("{:.1} MiB", f64::from(resident) / 1024.0))
        .shows("CPU", format!("{cpu:.0} ms a minute"))
        .shows("requests", format!("{a_minute:.1} a minute"))
        .shows("watches begun", format!("{watches:.1} a minute"))
        .claim(a_minute > 0.0 && a_minute < 10.0, "not fewer than 10 requests a minute")
        .claim_of_the_shipped(resident < 16 * 1024, "16 MiB or more are resident")
        .finish()
}

fn wait(duration: Duration) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < duration {
        interrupt::check()?;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
