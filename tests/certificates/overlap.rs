//! What the overlap of an old bundle and a new one rests on, one case each.

use std::time::Duration;

use dkron_ha::certs::keyring::MOST_PREVIOUS;
use dkron_ha::certs::world::{Secret, Step, Stored, World};
use dkron_ha::certs::{Jitter, Keeper, Sight};

use crate::api::{Api, NAMESPACE, SERVICE};
use crate::cluster::Cluster;
use crate::replica::{clocks, wall};

const MINUTE: Duration = Duration::from_secs(60);

/// With an authority before which there were as many as a bundle holds.
fn full(replicas: usize) -> Cluster {
    let mut cluster = Cluster::new(Api::installed(), 3, 1);
    cluster.has_grown_old(1, MOST_PREVIOUS);
    (0..replicas).for_each(|_| cluster.start_replica(0));
    cluster.until_well(MINUTE).expect("a good start");
    cluster
}

fn delete_secret(cluster: &mut Cluster) {
    cluster.tell("the Secret is deleted");
    cluster.edit(|api| api.secret = None);
}

#[test]
fn who_has_missed_an_authority_leaves_it_trusted() {
    let mut cluster = full(2);
    cluster.replicas[0].cut_off = true;
    delete_secret(&mut cluster);
    cluster.run_for(4 * MINUTE);
    assert_eq!(cluster.tally.followed_leaves, 1, "{}", cluster.story.join("\n"));
    // Who has missed that is the only one to make the Secret anew.
    cluster.replicas[0].cut_off = false;
    cluster.replicas[1].cut_off = true;
    delete_secret(&mut cluster);
    cluster.run_for(4 * MINUTE);
    assert_eq!(cluster.tally.forced_authorities, 2, "{}", cluster.story.join("\n"));
    assert!(cluster.harm.is_empty(), "{:#?}\n{}", cluster.harm, cluster.story.join("\n"));
    assert!(cluster.failed.is_empty(), "{:#?}\n{}", cluster.failed, cluster.story.join("\n"));
}

#[test]
fn a_clock_that_is_set_ripens_no_successor() {
    let mut cluster = full(2);
    delete_secret(&mut cluster);
    while !cluster.api.publishes_a_successor() {
        cluster.run_for(Duration::from_millis(100));
    }
    cluster.run_for(Duration::from_secs(5));
    cluster.replicas.iter_mut().for_each(|replica| replica.skew += 3_600);
    // Somebody touches the registration, so that all look.
    cluster.edit(|api| api.edit_bundles(|_, _| ()));
    cluster.run_for(Duration::from_secs(15));
    let signs = |cluster: &Cluster| cluster.api.keyring().is_some_and(|keyring| keyring.next().is_none());
    assert!(!signs(&cluster), "20 s are no 30 s\n{}", cluster.story.join("\n"));
    cluster.run_for(2 * MINUTE);
    assert!(signs(&cluster), "{}", cluster.story.join("\n"));
}

#[test]
fn who_has_not_seen_the_registration_writes_no_secret() {
    for secret in [Secret::Absent, Secret::Present(Stored::default())] {
        let now = Duration::ZERO;
        let mut keeper = Keeper::new(SERVICE, NAMESPACE, wall(now, 0), Jitter::NONE).expect("a keeper");
        let mut next = |sight| keeper.next(&World { sight, secret: secret.clone() }, clocks(now, 0)).expect("a step");
        assert!(matches!(next(Sight::Unread("away".into())), Step::Wait(_)));
        assert!(matches!(next(Api::installed().sight()), Step::Create { .. } | Step::Replace { .. }));
    }
}
