//! What restarts of the Deployment lose, and what kills and wrong drains do.
//!
//! The defaults are a drain of 12 s, proxies that lag up to 10 s behind, and API servers that keep a connection for 90 s after its
//! last use. Most runs have all three twelve times shorter; what is left between drain and lag is then a sixth of a second.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio::time::{sleep, sleep_until};

use crate::api_server::{Fault, Lost};
use crate::authority;
use crate::corpus::{self, Review};
use crate::deployment::Deployment;
use crate::figures::{Row, Times};
use crate::load::{Load, Tally};
use crate::proxy::Lag;
use crate::replica::Ground;

/// How many restarts a full run has.
const VARIABLE: &str = "DKRON_HA_ROLLOUTS";
const FEW: usize = 3;
const WITH_THE_DEFAULTS: usize = 5;

/// What the Deployment gives a replica from TERM to KILL.
const GRACE: Duration = Duration::from_secs(110);

/// Reviews between two restarts, so that all is as usual again.
const BETWEEN: usize = 100;

/// A drain, and proxies and API servers to it.
struct Case {
    drain: Option<u64>,
    lag: Lag,
    /// How long API servers keep a connection that they do not use.
    idle: Duration,
    /// Between two restarts: until the old replicas take no new connections.
    pause: Duration,
    /// The longest pause between uses of a connection: longer than the drain.
    rare: Duration,
}

const fn lag(least: u64, most: u64) -> Lag {
    Lag { least: Duration::from_millis(least), most: Duration::from_millis(most) }
}

const SCALED: Case = Case {
    drain: Some(1),
    lag: lag(0, 10_000 / 12),
    idle: Duration::from_millis(90_000 / 12),
    pause: Duration::from_secs(1),
    rare: Duration::from_secs(2),
};
const DEFAULTS: Case = Case {
    drain: None,
    lag: lag(0, 10_000),
    idle: Duration::from_secs(90),
    pause: Duration::from_secs(12),
    rare: Duration::from_secs(24),
};

/// Why the run with the defaults is left out, if it is.
pub fn no_full_run() -> Option<String> {
    std::env::var_os(VARIABLE).is_none().then(|| format!("set {VARIABLE}=200; it takes 3 minutes"))
}

/// Restarts with both times scaled.
pub fn scaled() -> Result<()> {
    let restarts = match std::env::var(VARIABLE) {
        Ok(number) => number.parse().with_context(|| format!("{VARIABLE}: a number"))?,
        Err(_) => FEW,
    };
    must_lose_nothing("rolling restarts, drain 1 s", &SCALED, restarts)
}

/// Restarts with what `serve` and the Deployment say by themselves.
pub fn with_the_defaults() -> Result<()> {
    must_lose_nothing("rolling restarts, drain 12 s", &DEFAULTS, WITH_THE_DEFAULTS)
}

/// A replica that ends at once after TERM. If nothing were lost here, the test could not see a loss.
pub fn without_a_drain() -> Result<()> {
    must_lose("planted: drain 0 s", &Case { drain: Some(0), ..SCALED })
}

/// Proxies that hear of the end only after it.
pub fn with_slow_proxies() -> Result<()> {
    must_lose("planted: drain 1 s, lag 2 s", &Case { lag: lag(2_000, 2_000), ..SCALED })
}

/// A replica that dies at once, as with its node.
pub fn killed() -> Result<()> {
    // Long enough, and with enough callers, that some are surely sent to it.
    let case = Case { lag: lag(1_000, 1_000), rare: Duration::from_millis(200), ..SCALED };
    let ((dead, forgotten), outcome) = play(&case, async |deployment, load| {
        load.more(BETWEEN).await?;
        let dead = deployment.kill().await?;
        let mut forgotten = Vec::new();
        for api_server in &deployment.api_servers {
            forgotten.push(api_server.proxy.forgets(dead).context("nobody told the proxy")?);
        }
        if let Some(last) = forgotten.iter().max() {
            sleep_until((*last).into()).await;
        }
        load.more(BETWEEN).await?;
        Ok((dead, forgotten))
    })?;
    let lost = outcome.tally.lost();
    let of = |fault| lost.iter().filter(|(_, lost)| lost.fault == fault).count();
    let is_excused = |(number, lost): &(usize, Lost)| {
        lost.to == Some(dead)
            && lost.at < forgotten[*number]
            && [Fault::NoConnection, Fault::BrokenOff].contains(&lost.fault)
    };
    let row = Row::new("KILL", "nothing lost but what the dead one had, or was sent before proxies knew");
    outcome
        .figures(row)
        .shows("cut off", of(Fault::BrokenOff))
        .shows("sent to the dead", of(Fault::NoConnection))
        .claim(lost.iter().all(is_excused), &outcome.story())
        .claim(of(Fault::NoConnection) > 0, "no connection went to the dead")
        .finish()
}

fn must_lose_nothing(scenario: &str, case: &Case, restarts: usize) -> Result<()> {
    let outcome = restart(case, restarts)?;
    let Tally { farewells, latecomers, .. } = &*outcome.tally;
    let farewells = farewells.load(Ordering::Relaxed);
    let latecomers = latecomers.load(Ordering::Relaxed);
    let row = Row::new(scenario, "no review lost; every stop within the grace period").shows("restarts", restarts);
    outcome
        .figures(row)
        .shows("connections ended by an answer", farewells)
        .shows("of these begun during a drain", latecomers)
        .at_most(outcome.stops.longest(), GRACE, "a stop")
        .claim(outcome.tally.lost().is_empty(), &outcome.story())
        .claim(latecomers > 0, "no connection came to a replica that drained")
        .finish()
}

fn must_lose(scenario: &str, case: &Case) -> Result<()> {
    let outcome = restart(case, 1)?;
    let row = outcome.figures(Row::new(scenario, "reviews lost, and seen to be").shows("restarts", 1));
    row.claim(!outcome.tally.lost().is_empty(), "no review was lost").finish()
}

fn restart(case: &Case, restarts: usize) -> Result<Outcome> {
    let ((), outcome) = play(case, async |deployment, load| {
        for _ in 0..restarts {
            load.more(BETWEEN).await?;
            deployment.restart().await?;
            sleep(case.pause).await;
        }
        load.more(BETWEEN).await?;
        // Reviews go on until the last has gone.
        deployment.gone().await
    })?;
    Ok(outcome)
}

/// What came of a scenario.
struct Outcome {
    tally: Arc<Tally>,
    lags: Times,
    stops: Times,
}

impl Outcome {
    fn figures(&self, row: Row) -> Row {
        let row = row
            .shows("reviews", self.tally.asked.load(Ordering::Relaxed))
            .shows("lost", self.tally.lost().len())
            .shows("endpoint lag", &self.lags);
        if self.stops.0.is_empty() { row } else { row.shows("stop", &self.stops) }
    }

    /// The first of those that were lost.
    fn story(&self) -> String {
        let lost = self.tally.lost();
        format!("{} reviews were lost, such as {:?}", lost.len(), lost.first())
    }
}

/// Lets `scenario` happen to a deployment under load.
fn play<T>(case: &Case, scenario: impl AsyncFnOnce(&mut Deployment, &Load) -> Result<T>) -> Result<(T, Outcome)> {
    let directory = tempfile::tempdir()?;
    let tls = authority::write(directory.path())?;
    let reviews: Arc<[Review]> = corpus::reviews()?.into();
    let ground = Ground { directory: directory.path(), drain: case.drain };
    Runtime::new()?.block_on(async {
        let mut deployment = Deployment::start(ground, case.lag, &tls, case.idle).await?;
        let load = Load::start(&deployment.api_servers, &reviews, case.rare);
        let seen = scenario(&mut deployment, &load).await?;
        let tally = load.end().await?;
        let Deployment { lags, stops, .. } = deployment;
        Ok((seen, Outcome { tally, lags, stops }))
    })
}
