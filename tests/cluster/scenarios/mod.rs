//! What is shown on a real cluster.

mod outage;
mod plain;
mod restart;
mod rollout;
mod scale;
mod shapes;
mod upgrade;

use std::time::Duration;

use anyhow::Result;

use crate::installed::Cluster;

/// Measures, and says whether what it must show was shown.
pub type Scenario = fn(&Cluster) -> Result<()>;

/// Name and body of those that mind nobody.
pub const BESIDE_OTHERS: [(&str, Scenario); 15] = [
    ("restart::forced", restart::forced),
    ("plain::apply", plain::apply),
    ("plain::tokens", plain::tokens),
    ("scale::up_and_down", scale::up_and_down),
    ("scale::to_zero_and_back", scale::to_zero_and_back),
    ("scale::deleted_and_applied_again", scale::deleted_and_applied_again),
    ("shapes::official_chart", shapes::official_chart),
    ("shapes::shell_script", shapes::shell_script),
    ("shapes::bare_pods", shapes::bare_pods),
    ("shapes::ordered_ready", shapes::ordered_ready),
    ("shapes::restricted", shapes::restricted),
    ("shapes::quota", shapes::quota),
    ("shapes::account_of_the_user", shapes::account_of_the_user),
    ("shapes::automount_off", shapes::automount_off),
    ("shapes::opted_out", shapes::opted_out),
];

/// Those that have the cluster for themselves, since they count moments or stop what others need, in this order: the last one takes
/// dkron-ha away.
pub const ALONE: [(&str, Scenario); 8] = [
    ("restart::deleted", restart::deleted),
    ("rollout::restarted", rollout::restarted),
    ("rollout::leader_last", rollout::leader_last),
    ("outage::of_the_webhook", outage::of_the_webhook),
    ("outage::of_the_api_server", outage::of_the_api_server),
    ("outage::of_the_node", outage::of_the_node),
    ("upgrade::two_releases_in_one_set", upgrade::two_releases_in_one_set),
    ("upgrade::uninstalled", upgrade::uninstalled),
];

/// A plain cluster of three servers and two agents, as its users write it.
const PLAIN: &str = include_str!("../manifests/plain.yaml");

/// When waiting for a first start is given up; how long it may take is a claim of the scenario.
const FORMED_WITHIN: Duration = Duration::from_secs(90);

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// How often something is done: once or so in CI, more often with `DKRON_HA_REPEAT=full`.
fn times(few: usize, full: usize) -> usize {
    if std::env::var_os("DKRON_HA_REPEAT").is_some_and(|value| value == "full") { full } else { few }
}
