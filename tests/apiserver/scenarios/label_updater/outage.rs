//! The API server is away for a minute, and leadership moves meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::path::READYZ;

use crate::cluster::Cluster;
use crate::figures::Row;
use crate::servers::{Servers, expected};
use crate::updater::desired_file;

const AWAY: Duration = Duration::from_secs(60);

const PATIENCE: Duration = Duration::from_secs(60);

/// For 30 s nobody answers, for 30 s nobody is there; the wire is cut, not the API server, which other scenarios use too. The leader
/// dies meanwhile, so that its label is stale.
pub fn an_outage_during_a_fail_over_is_made_up_for(cluster: &Cluster) -> Result<()> {
    let mut servers = Servers::start(cluster, "outage")?;
    servers.lead(Some(0));
    servers.until_labelled(Some(0), PATIENCE)?;

    let begun = Instant::now();
    servers.wire.silence();
    undisturbed(&servers, begun, Duration::from_secs(5))?;
    servers.members[0].updater = None;
    servers.lead(Some(1));
    undisturbed(&servers, begun, AWAY / 2)?;
    servers.wire.cut();
    undisturbed(&servers, begun, AWAY)?;
    ensure!(servers.labels.now() == expected(Some(0)), "what is cut off wrote {:?}", servers.labels.now());
    let old = told(&servers, 1)?;

    let back = Instant::now();
    servers.wire.mend();
    let right = servers.until_labelled(Some(1), PATIENCE)?.saturating_duration_since(back);
    let failed = servers.members[1].updater()?.counted(r#"dkron_ha_label_reads_total{outcome="failed"}"#)?;
    ensure!(failed > 0.0, "no read has failed");
    while told(&servers, 1)? == old {
        ensure!(back.elapsed() < PATIENCE, "desired.json is as old as the outage");
        thread::sleep(Duration::from_millis(50));
    }
    let renewed = back.elapsed();

    // What dkron was asked during the outage.
    let asked = servers.members[1].dkron.asked();
    let during: Vec<_> = asked.iter().filter(|(at, _)| (begun..back).contains(at)).collect();
    let foreign: Vec<_> = during.iter().filter(|(_, path)| path != "/v1/isleader").collect();
    let gap = during.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap_or(AWAY);
    Row::new("API server away for 60 s during a fail-over", "right labels <= 5 s after it is back; dkron undisturbed")
        .shows("right", format!("{:.2} s after it is back", right.as_secs_f64()))
        .shows("`desired.json` renewed after", format!("{:.2} s", renewed.as_secs_f64()))
        .shows("reads that failed", failed)
        .shows("longest time for which dkron was not asked", format!("{:.2} s", gap.as_secs_f64()))
        .at_most(right, Duration::from_secs(5), "the label")
        .claim(foreign.is_empty(), "dkron was asked for more than whether it leads")
        .claim(gap < Duration::from_secs(5), "dkron was not asked for more than 5 s")
        .finish()
}

/// Looks until `end`, counted from `begun`: readiness is the wrapper's, whoever is away.
fn undisturbed(servers: &Servers<'_>, begun: Instant, end: Duration) -> Result<()> {
    while begun.elapsed() < end {
        for member in servers.members.iter().filter(|member| member.updater.is_some()) {
            let answer = member.updater()?.ask(READYZ)?;
            ensure!(answer.status == 200, "{} is not ready: {}", member.name, answer.body);
        }
        crate::interrupt::check()?;
        thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn told(servers: &Servers<'_>, ordinal: usize) -> Result<String> {
    fs::read_to_string(desired_file(servers.members[ordinal].directory.path())).context("reading desired.json")
}
