//! Rotations of leaves and authorities while API servers call that have the old bundle or the new one, with clocks that are up to an
//! hour wrong: no handshake fails.
//!
//! Many installations are played one after another, each of a seed of its own. The authority that each begins with was made so long
//! ago that it is due after a few leaves, so that some authorities are rotated because of their age and others because somebody has
//! deleted the Secret. The Secret is deleted once in a round at most, and a replica cut off for one round: nobody makes more
//! authorities while a replica sees none than a bundle holds ([`MOST_PREVIOUS`]).

use std::time::{Duration, Instant};

use dkron_ha::certs::keyring::MOST_PREVIOUS;

use crate::api::Api;
use crate::cluster::{Cluster, Pace};
use crate::count;
use crate::tally::Tally;

const HOUR: u64 = 3_600;

/// Longest until everything has settled after whatever happened: several looks, and the time that a new bundle settles.
const SETTLED: Duration = Duration::from_secs(150);

/// In each of them something befalls an installation.
const ROUNDS: usize = 12;

/// What befell them.
#[derive(Default)]
struct Disturbances {
    deletions: usize,
    restarts: usize,
    cut_offs: usize,
    full_bundles: usize,
}

#[test]
fn no_handshake_fails_while_leaves_and_authorities_are_rotated() {
    let leaves = count("DKRON_HA_ROTATIONS", 40);
    let begun = Instant::now();
    let (mut all, mut disturbances, mut time) = (Tally::default(), Disturbances::default(), Duration::ZERO);
    let first = count("DKRON_HA_FIRST", 0);
    let mut seed = first;
    while !all.reaches(leaves) {
        let cluster = play(seed as u64, &mut disturbances);
        all += cluster.tally;
        time += cluster.now;
        seed += 1;
    }
    let Disturbances { deletions, restarts, cut_offs, full_bundles } = disturbances;
    println!(
        "{} leaves rotated because of their age and {} with their authority; {} authorities because of their age and {} because of \
         {deletions} deletions of the Secret; in {:.0} years of {} installations with 3 replicas, {full_bundles} of which began with a full \
         bundle, {restarts} restarts, {cut_offs} times a replica cut off, clocks up to an hour wrong: {} handshakes by 3 API servers, \
         0 failed, in {:.0} s",
        all.aged_leaves,
        all.followed_leaves,
        all.aged_authorities,
        all.forced_authorities,
        time.as_secs_f64() / 86_400.0 / 365.0,
        seed - first,
        all.handshakes,
        begun.elapsed().as_secs_f64()
    );
}

/// One installation; its seed tells what befalls it.
fn play(seed: u64, disturbances: &mut Disturbances) -> Cluster {
    let mut cluster = Cluster::new(Api::installed(), 3, seed);
    let days = cluster.random.between(212, 230);
    let is_full = cluster.random.one_in(2);
    disturbances.full_bundles += usize::from(is_full);
    cluster.has_grown_old(days, if is_full { MOST_PREVIOUS } else { 0 });
    (0..3).for_each(|_| cluster.start_replica(0));
    cluster.skew_clocks(HOUR);
    cluster.until_well(SETTLED).expect("a good start");
    for _ in 0..ROUNDS {
        disturb(&mut cluster, disturbances);
        let well = cluster.until_well(SETTLED);
        let story = || cluster.story.join("\n");
        assert!(well.is_some(), "installation {seed}: not well: {}\n{}", cluster.api.shown(), story());
        assert!(cluster.failed.is_empty(), "installation {seed}: {:#?}\n{}", cluster.failed, story());
        assert!(cluster.harm.is_empty(), "installation {seed}: {:#?}\n{}", cluster.harm, story());
    }
    cluster
}

/// Something is rotated, while something else goes wrong.
fn disturb(cluster: &mut Cluster, disturbances: &mut Disturbances) {
    // Slow and fast API servers in turn; a registration is learnt of well before a new leaf is served.
    cluster.pace = if cluster.random.one_in(4) {
        Pace { slow: Duration::from_secs(6), lag: Duration::from_secs(20), ..Pace::default() }
    } else {
        Pace::default()
    };
    cluster.skew_clocks(HOUR);
    let which = cluster.random.index(3);
    if cluster.random.one_in(6) {
        cluster.replicas[which].cut_off = true;
        disturbances.cut_offs += 1;
        cluster.tell(&format!("replica {which} is cut off"));
    }
    if cluster.random.one_in(9) {
        cluster.edit(|api| api.secret = None);
        disturbances.deletions += 1;
        cluster.tell("the Secret is deleted");
        if cluster.random.one_in(3) {
            let pause = cluster.random.between(0, 60);
            cluster.run_for(Duration::from_secs(pause));
            cluster.skew_clocks(HOUR);
        }
    } else {
        // Within this time the jitter sets replicas apart: some renew now, some later.
        let before = cluster.random.between(0, 12 * HOUR);
        cluster.skip_until_due(Duration::from_secs(before));
        cluster.tell("time has passed");
    }
    if cluster.random.one_in(4) {
        let pause = cluster.random.between(1, 60);
        cluster.run_for(Duration::from_secs(pause));
        cluster.restart(which);
        disturbances.restarts += 1;
        cluster.tell(&format!("replica {which} is another process"));
    }
    cluster.run_for(SETTLED);
    if std::mem::take(&mut cluster.replicas[which].cut_off) {
        cluster.replicas[which].ring(cluster.now);
        cluster.tell(&format!("replica {which} sees the API server again"));
    }
}
