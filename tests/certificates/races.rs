//! Replicas that start at once, on API servers of any slowness, while somebody deletes and corrupts: no replica takes from another what
//! it is trusted by, and all end with one authority.

use std::time::{Duration, Instant};

use dkron_ha::certs::keyring::KEY;

use crate::api::Api;
use crate::cluster::{Cluster, Pace};
use crate::count;

/// Longest until all is well after the last disturbance: pauses for what somebody else kept changing, and slow requests.
const WELL_WITHIN: Duration = Duration::from_secs(400);

#[test]
fn replicas_race_and_none_is_harmed() {
    let begun = Instant::now();
    let schedules = count("DKRON_HA_RACES", 30);
    let (mut handshakes, mut longest, mut authorities) = (0, Duration::ZERO, 0);
    let first = count("DKRON_HA_FIRST", 0);
    for seed in first..first + schedules {
        let cluster = race(seed as u64, &mut longest);
        handshakes += cluster.tally.handshakes;
        authorities += cluster.tally.authorities();
    }
    println!(
        "{schedules} schedules of races: {authorities} authorities, {handshakes} handshakes, well again after {:.0} s at most, in {:.0} s",
        longest.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
}

fn race(seed: u64, longest: &mut Duration) -> Cluster {
    let mut cluster = Cluster::new(Api::installed(), 2, seed);
    let slow = Duration::from_millis(cluster.random.between(1, 8_000));
    cluster.pace = Pace { slow, lag: Duration::from_secs(10), call: Duration::from_secs(10) };
    for _ in 0..cluster.random.between(2, 4) {
        cluster.start_replica(0);
    }
    cluster.skew_clocks(3_600);
    for _ in 0..cluster.random.between(0, 4) {
        let pause = cluster.random.between(0, 90_000);
        cluster.run_for(Duration::from_millis(pause));
        let which = cluster.random.index(cluster.replicas.len());
        let befalls = cluster.random.below(5);
        cluster.tell(
            ["Secret deleted", "key overwritten", "restart", "API server goes or comes", "one more"]
                [usize::try_from(befalls).expect("small")],
        );
        match befalls {
            0 => cluster.edit(|api| api.secret = None),
            1 => cluster.edit(|api| api.edit_secret(|stored| _ = stored.data.insert(KEY.into(), b"rubbish".to_vec()))),
            2 => cluster.restart(which),
            3 => cluster.edit(|api| api.away = !api.away),
            _ => cluster.start_replica(0),
        }
    }
    cluster.edit(|api| api.away = false);
    let took = cluster.until_well(WELL_WITHIN);
    let took = took.unwrap_or_else(|| panic!("schedule {seed}: not well: {}", cluster.api.shown()));
    *longest = took.max(*longest);
    let story = cluster.story.join("\n");
    assert!(cluster.harm.is_empty(), "schedule {seed}: {:#?}\n{story}", cluster.harm);
    assert!(cluster.failed.is_empty(), "schedule {seed}: {:#?}\n{story}", cluster.failed);
    cluster
}
