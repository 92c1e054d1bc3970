//! Rotations of leaves and authorities while API servers call that have the old bundle or the new one, with clocks that are up to an
//! hour wrong: no handshake fails.

use std::time::{Duration, Instant};

use crate::api::Api;
use crate::cluster::{Cluster, Pace};
use crate::count;

const HOUR: u64 = 3_600;

/// Longest until everything has settled after whatever happened: several looks, and the time that a new bundle settles.
const SETTLED: Duration = Duration::from_secs(150);

#[test]
fn no_handshake_fails_while_leaves_and_authorities_are_rotated() {
    let leaves = count("DKRON_HA_ROTATIONS", 40);
    let begun = Instant::now();
    let mut cluster = Cluster::new(Api::installed(), 3, 1);
    (0..3).for_each(|_| cluster.start_replica(0));
    cluster.skew_clocks(HOUR);
    cluster.until_well(SETTLED).expect("a good start");
    let (mut years, mut deletions, mut restarts, mut cut_offs) = (0.0, 0, 0, 0);
    while cluster.leaves() < leaves || cluster.authorities < leaves / 10 {
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
            cut_offs += 1;
        }
        if cluster.random.one_in(3) {
            cluster.edit(|api| api.secret = None);
            deletions += 1;
        } else {
            // Within this time the jitter sets replicas apart: some renew now, some later.
            let before = cluster.random.between(0, 12 * HOUR);
            cluster.skip_until_due(Duration::from_secs(before));
        }
        if cluster.random.one_in(8) {
            cluster.run_for(Duration::from_secs(20));
            cluster.restart(which);
            restarts += 1;
        }
        cluster.run_for(SETTLED);
        cluster.replicas[which].cut_off = false;
        cluster.replicas[which].ring(cluster.now);
        cluster.until_well(SETTLED).unwrap_or_else(|| panic!("not well: {}", cluster.api.shown()));
        years = cluster.now.as_secs_f64() / 86_400.0 / 365.0;
    }
    println!(
        "{} rotations of leaves and {} of authorities ({deletions} by deleting the Secret) in {years:.0} years of 3 replicas, \
         {restarts} restarts, {cut_offs} times a replica cut off, clocks up to an hour wrong: {} handshakes by 3 API servers, {} failed, in {:.0} s",
        cluster.leaves(),
        cluster.authorities,
        cluster.handshakes,
        cluster.failed.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(cluster.failed.is_empty(), "{:#?}", &cluster.failed[..cluster.failed.len().min(10)]);
    assert!(cluster.harm.is_empty(), "{:#?}", &cluster.harm[..cluster.harm.len().min(10)]);
}
