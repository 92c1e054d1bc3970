//! What the wrapper is told of the set, and the labels of others.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use dkron_ha::init::clock;
use dkron_ha::init::disk::desired;
use dkron_ha::init::procedure::{Desired, Moment};
use dkron_ha::label::{LabelConfig, Pace};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::kubernetes::{Kubernetes, pod};
use crate::neighbours::{Play, Played, Updater, config, free_port, quick};

const LEADER: Play = Play::Answer(200, "\"I am a leader\"");
const FOLLOWER: Play = Play::Answer(404, "\"I am a follower\"");

/// An updater of `dkron-0` beside a played dkron, which plays the wrapper too.
struct Scene {
    kubernetes: Kubernetes,
    dkron: Played,
    updater: Updater,
    directory: TempDir,
}

impl Scene {
    async fn of(dkron: Play, pods: Vec<serde_json::Value>, pace: Pace) -> Self {
        let (kubernetes, dkron) = (Kubernetes::start(pods).await, Played::start(dkron).await);
        let directory = tempfile::tempdir().expect("a directory");
        let updater = Updater::with(LabelConfig {
            pace,
            ..config(
                free_port().await,
                dkron.address.port(),
                dkron.address.port(),
                kubernetes.address,
                directory.path(),
            )
        });
        Self { kubernetes, dkron, updater, directory }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("desired.json")
    }

    /// What the wrapper would read.
    fn told(&self) -> Option<(Desired, Moment)> {
        let text = fs::read_to_string(self.file()).ok()?;
        let boot = desired::boot_id().expect("a kernel that says so");
        Some(desired::from_json(&text, &boot, clock::now().at).expect("a file that is believed"))
    }

    async fn until_told(&self, what: &str, condition: impl Fn(&Desired) -> bool) {
        self.kubernetes.until(what, |_| self.told().is_some_and(|(desired, _)| condition(&desired))).await;
    }
}

fn three() -> Vec<serde_json::Value> {
    vec![pod("dkron-0", "10.0.0.1", false), pod("dkron-1", "10.0.0.2", false), pod("dkron-2", "10.0.0.3", false)]
}

#[tokio::test]
async fn the_wrapper_is_told_what_kubernetes_wants_and_of_every_change_at_once() {
    let pace = Pace { confirm: Duration::from_secs(3600), ..quick() };
    let scene = Scene::of(FOLLOWER, three(), pace).await;
    scene.until_told("all pods", |desired| desired.replicas == 3 && desired.pods.len() == 3).await;
    // The watches begin with the first read.
    sleep(Duration::from_millis(300)).await;
    let changed = Instant::now();
    scene.kubernetes.change(|world| world.pods[2]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
    scene.until_told("a pod that is being deleted", |desired| desired.pods[2].deleting).await;
    scene.kubernetes.change(|world| world.set["spec"]["replicas"] = json!(2));
    scene.until_told("fewer replicas", |desired| desired.replicas == 2).await;
    scene.kubernetes.change(|world| drop(world.pods.pop()));
    scene.until_told("a pod that is gone", |desired| desired.pods.len() == 2).await;
    assert!(changed.elapsed() < Duration::from_secs(3), "{:?}", changed.elapsed());
    scene.updater.stop().await;
}

#[tokio::test]
async fn the_file_is_as_old_as_the_last_read() {
    let pace = Pace { confirm: Duration::from_millis(200), ..quick() };
    let scene = Scene::of(FOLLOWER, three(), pace).await;
    scene.until_told("all pods", |desired| desired.pods.len() == 3).await;
    let (_, first) = scene.told().expect("a file");
    scene.kubernetes.until("a newer file", |_| scene.told().is_some_and(|(_, at)| at > first)).await;
    scene.kubernetes.world().away = true;
    sleep(Duration::from_millis(600)).await;
    let (_, last) = scene.told().expect("a file");
    sleep(Duration::from_millis(600)).await;
    assert_eq!(scene.told().expect("a file").1, last, "nothing was learned since");
    scene.kubernetes.world().away = false;
    scene.kubernetes.until("a newer file again", |_| scene.told().is_some_and(|(_, at)| at > last)).await;
    scene.updater.stop().await;
}

#[tokio::test]
async fn a_label_that_somebody_edits_is_set_right() {
    let scene = Scene::of(LEADER, three(), quick()).await;
    scene.kubernetes.until("the label", |kubernetes| kubernetes.leads("dkron-0")).await;
    sleep(Duration::from_millis(300)).await;
    scene.kubernetes.change(|world| world.pods[0]["metadata"]["labels"]["dkron-ha.io/leader"] = json!("false"));
    scene.kubernetes.until("the label again", |kubernetes| kubernetes.leads("dkron-0")).await;
    scene.updater.stop().await;
}

#[tokio::test]
async fn the_leader_takes_the_label_of_others_away_and_a_follower_does_not() {
    let mut pods = three();
    pods[1] = pod("dkron-1", "10.0.0.2", true);
    let scene = Scene::of(FOLLOWER, pods, quick()).await;
    scene.until_told("all pods", |desired| desired.pods.len() == 3).await;
    sleep(Duration::from_millis(600)).await;
    assert!(scene.kubernetes.leads("dkron-1"), "a follower cannot know");
    scene.dkron.play(LEADER);
    scene.kubernetes.until("one label", |kubernetes| kubernetes.leads("dkron-0") && !kubernetes.leads("dkron-1")).await;
    scene.updater.stop().await;
}

#[tokio::test]
async fn bare_pods_are_watched_and_cleared_too_and_have_no_file() {
    let bare = |name: &str, leader| {
        let mut pod = pod(name, "10.0.0.1", leader);
        pod["metadata"]["ownerReferences"] = json!(null);
        pod
    };
    let pace = Pace { confirm: Duration::from_secs(3600), ..quick() };
    let scene = Scene::of(LEADER, vec![bare("dkron-0", false), bare("dkron-1", true)], pace).await;
    scene.kubernetes.until("one label", |kubernetes| kubernetes.leads("dkron-0") && !kubernetes.leads("dkron-1")).await;
    sleep(Duration::from_millis(300)).await;
    scene.kubernetes.change(|world| world.pods[0]["metadata"]["labels"]["dkron-ha.io/leader"] = json!("false"));
    scene.kubernetes.until("the label again", |kubernetes| kubernetes.leads("dkron-0")).await;
    assert!(scene.told().is_none(), "nobody wants a number of bare pods");
    scene.updater.stop().await;
}

#[tokio::test]
async fn that_the_cluster_has_formed_is_noted_once_the_wrapper_says_so() {
    let scene =
        Scene::of(Play::Answer(200, r#"{"namespace": "jobs", "pod": "dkron-0", "formed": true}"#), three(), quick())
            .await;
    let formed =
        |kubernetes: &Kubernetes| kubernetes.world().pods[0]["metadata"]["annotations"]["dkron-ha.io/formed"] == "true";
    scene.kubernetes.until("the annotation", formed).await;
    scene.updater.stop().await;

    for other in [
        r#"{"namespace": "jobs", "pod": "dkron-0", "formed": false}"#,
        r#"{"namespace": "jobs", "pod": "dkron-1", "formed": true}"#,
        r#"{"namespace": "other", "pod": "dkron-0", "formed": true}"#,
    ] {
        let scene = Scene::of(Play::Answer(200, other), three(), quick()).await;
        scene.until_told("all pods", |desired| desired.pods.len() == 3).await;
        sleep(Duration::from_millis(300)).await;
        assert!(!formed(&scene.kubernetes), "{other}");
        scene.updater.stop().await;
    }
}

#[tokio::test]
async fn an_idle_updater_asks_fewer_than_ten_times_a_minute() {
    let scene = Scene::of(FOLLOWER, three(), Pace::default()).await;
    scene.until_told("all pods", |desired| desired.pods.len() == 3).await;
    // One period and what the start asks in any case.
    sleep(Duration::from_secs(2)).await;
    let before = scene.kubernetes.world().requests;
    let reads = 2;
    sleep(Pace::default().confirm).await;
    let asked = scene.kubernetes.world().requests - before;
    println!("{asked} requests in {:?}", Pace::default().confirm);
    assert!(asked <= reads, "{asked}");
}
