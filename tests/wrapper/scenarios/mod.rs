//! What is shown with clusters of wrappers: one scenario for each row of figures.

mod agents;
mod all_at_once;
mod first_start;
mod kill;
mod long_job;
mod missing_peer;
mod plain;
mod restart;
mod roll;
mod scale;
mod shortage;
mod two_servers;

use std::time::{Duration, Instant};

use anyhow::Result;
use libtest_mimic::{Failed, Trial};

use crate::cluster::{Cluster, Dice, Ordinal, folders};

/// A scenario: measures, and says whether what it must show was shown.
type Scenario = fn() -> Result<()>;

/// Name and body of each.
const ALL: [(&str, Scenario); 36] = [
    ("first_start_of_3", first_start::of_three),
    ("first_start_of_5", first_start::of_five),
    ("first_start_of_2", first_start::of_two),
    ("first_start_of_1", first_start::of_one),
    ("first_start_within_3s", first_start::one_by_one),
    ("follower_restart_disk_kept", restart::follower_with_its_disk),
    ("follower_restart_disk_lost", restart::follower_without_its_disk),
    ("follower_restart_volume_lost", restart::follower_whose_volume_is_lost),
    ("follower_restart_no_label_updater", restart::follower_without_label_updater),
    ("leader_restart", restart::leader),
    ("two_servers", two_servers::each_restarts),
    ("scale_3_to_1", scale::three_to_one),
    ("scale_5_to_2", scale::five_to_two),
    ("scale_3_to_5_to_3", scale::up_and_down),
    ("scale_by_killing", scale::down_by_killing),
    ("roll", roll::under_a_job_each_second),
    ("roll_where_addresses_refuse", roll::where_addresses_refuse),
    ("roll_while_one_is_down", shortage::roll_while_one_is_down),
    ("two_stopped_half_a_second_apart", shortage::two_stopped_half_a_second_apart),
    ("long_job_on_the_leader", long_job::on_the_leader),
    ("agents_after_all_servers_moved", agents::after_all_servers_moved),
    ("agents_after_all_servers_moved_v3", agents::after_all_servers_moved_of_version_three),
    ("agents_with_encrypted_gossip", agents::with_encrypted_gossip),
    ("agents_stop", agents::stopping),
    ("all_at_once_scaled", all_at_once::scaled),
    ("all_at_once_deleted", all_at_once::deleted),
    ("all_at_once_killed", all_at_once::killed),
    ("all_at_once_disk_lost", all_at_once::scaled_and_a_disk_lost),
    ("all_at_once_disk_lost_v3", all_at_once::scaled_and_a_disk_lost_of_version_three),
    ("all_at_once_scaled_v3", all_at_once::scaled_of_version_three),
    ("all_at_once_deleted_v3", all_at_once::deleted_of_version_three),
    ("kill_same_address", kill::with_the_same_address),
    ("kill_new_address", kill::with_a_new_address),
    ("plain_stalled_set", plain::stalled_set_gets_the_wrapper),
    ("mixed_start", plain::mixed_start),
    ("peer_that_never_comes", missing_peer::never_comes),
];

/// All of them, to be run.
pub fn trials() -> Vec<Trial> {
    let trial = |(name, scenario): (&'static str, Scenario)| {
        Trial::test(format!("scenario {name}"), move || {
            let begun = Instant::now();
            let outcome = scenario();
            println!("    {name}: {:.0} s", begun.elapsed().as_secs_f64());
            match outcome {
                Ok(()) => folders::remove().map_err(|error| Failed::from(format!("{error:#}"))),
                Err(error) => Err(Failed::from(format!("{error:#}\nlogs: {}", folders::keep()))),
            }
        })
    };
    ALL.into_iter().map(trial).collect()
}

/// All of them, none of which can be run.
pub fn skipped_for(why: &str) -> Vec<Trial> {
    let trial = |(name, _): &(&str, Scenario)| {
        let because = why.to_owned();
        Trial::test(format!("scenario {name} (skipped: {why})"), move || Err(Failed::from(because)))
            .with_ignored_flag(true)
    };
    ALL.iter().map(trial).collect()
}

/// How often something is done: a few times in CI, as often as the issue says with `DKRON_HA_REPEAT=full`.
fn times(few: usize, full: usize) -> usize {
    if std::env::var_os("DKRON_HA_REPEAT").is_some_and(|value| value == "full") { full } else { few }
}

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Starts all pods and waits until the cluster is whole.
fn form(cluster: &Cluster, replicas: u32) -> Result<Vec<Ordinal>> {
    let ordinals: Vec<Ordinal> = (0..replicas).collect();
    cluster.start_all(Duration::ZERO, &mut Dice::new(1))?;
    cluster.settled(&ordinals, Duration::ZERO, seconds(90))?;
    Ok(ordinals)
}

/// The servers that do not lead, then the one that does.
fn leader_last(cluster: &Cluster, ordinals: &[Ordinal]) -> Vec<Ordinal> {
    let leader = cluster.leader();
    let mut order: Vec<Ordinal> = ordinals.iter().copied().filter(|ordinal| Some(*ordinal) != leader).collect();
    order.extend(leader.filter(|leader| ordinals.contains(leader)));
    order
}
