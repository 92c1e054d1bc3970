//! Sets in the middle of a rollout, and what is next.

use serde_json::{Value, json};

use super::*;

/// The moment at which everything is looked at.
const NOW: i64 = 1_800_000_000;

fn at(seconds_ago: i64) -> String {
    Timestamp::from_second(NOW - seconds_ago).expect("a time").to_string()
}

/// Set `dkron` of so many servers, whose template has the revision `new`.
fn set(replicas: i32) -> StatefulSet {
    let template = json!({
        "metadata": {
            "labels": { (label::SERVER_OF): "dkron" },
            "annotations": { (annotation::ROLLOUT): "leader-last" },
        },
    });
    let set = json!({
        "metadata": { "name": "dkron", "namespace": "billing", "uid": "u-1", "generation": 2 },
        "spec": {
            "replicas": replicas, "podManagementPolicy": "Parallel", "selector": {}, "template": template,
            "updateStrategy": { "type": "OnDelete" },
        },
        "status": { "replicas": replicas, "observedGeneration": 2, "updateRevision": "new" },
    });
    serde_json::from_value(set).expect("a set")
}

/// A follower that has run and been ready for long.
fn server(ordinal: u32, revision: &str) -> Value {
    let owner =
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "u-1", "controller": true });
    json!({
        "metadata": {
            "name": format!("dkron-{ordinal}"), "uid": format!("p-{ordinal}"), "resourceVersion": "7",
            "creationTimestamp": at(9000), "ownerReferences": [owner],
            "labels": { "controller-revision-hash": revision, (label::INJECTED): "true", (label::LEADER): "false" },
            "annotations": { (annotation::FORMED): "true" },
        },
        "spec": { "containers": [{ "name": "dkron", "env": [{ "name": "DKRON_HA_STORAGE", "value": "persistent" }] }] },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": at(3600) }],
            "containerStatuses": [{
                "name": "dkron", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "state": { "running": {} },
            }],
        },
    })
}

fn leader(ordinal: u32, revision: &str) -> Value {
    let mut pod = server(ordinal, revision);
    pod["metadata"]["labels"][label::LEADER] = "true".into();
    pod
}

fn ready_for(mut pod: Value, seconds: i64) -> Value {
    pod["status"]["conditions"][0]["lastTransitionTime"] = at(seconds).into();
    pod
}

fn unready_for(pod: Value, seconds: i64) -> Value {
    let mut pod = ready_for(pod, seconds);
    pod["status"]["conditions"][0]["status"] = "False".into();
    pod
}

/// Its image cannot be pulled, or it cannot be scheduled.
fn never_run(pod: Value) -> Value {
    let mut pod = unready_for(pod, 1);
    let status = &mut pod["status"]["containerStatuses"][0];
    status["state"] = json!({ "waiting": { "reason": "ImagePullBackOff" } });
    pod["metadata"]["annotations"] = json!({});
    pod
}

fn leaving(mut pod: Value) -> Value {
    pod["metadata"]["deletionTimestamp"] = at(1).into();
    pod
}

fn ephemeral(mut pod: Value) -> Value {
    pod["spec"]["containers"][0]["env"][0]["value"] = "ephemeral".into();
    pod
}

fn never_formed(mut pod: Value) -> Value {
    pod["metadata"]["annotations"] = json!({});
    pod
}

/// From before the opt-in.
fn plain(mut pod: Value) -> Value {
    pod["metadata"]["labels"] = json!({ "controller-revision-hash": "old" });
    pod["metadata"]["annotations"] = json!({});
    pod["spec"]["containers"][0]["env"] = json!([]);
    pod
}

fn of(set: &StatefulSet, pods: &[Value]) -> Rollout {
    let pods: Vec<Pod> = pods.iter().map(|pod| serde_json::from_value(pod.clone()).expect("a pod")).collect();
    rollout(set, &pods, Timestamp::from_second(NOW).expect("a time")).expect("a rollout")
}

/// What is next, in a few words.
fn next(pods: &[Value]) -> String {
    next_of(&set(i32::try_from(pods.len()).expect("a few")), pods)
}

fn next_of(set: &StatefulSet, pods: &[Value]) -> String {
    match of(set, pods).step {
        Step::Done => "done".into(),
        Step::Replace(Replace { pod, leads: false, .. }) => format!("replace {pod}"),
        Step::Replace(Replace { pod, .. }) => format!("replace {pod}, the leader"),
        Step::Wait(note) => format!("wait: {note}"),
        Step::Settle(note) => format!("settle: {note}"),
        Step::Pause(note) => format!("pause: {note}"),
    }
}

#[test]
fn followers_go_from_the_highest_down_and_the_leader_last() {
    let (a, b, c) = (server(0, "old"), leader(1, "old"), server(2, "old"));
    assert_eq!(next(&[a.clone(), b.clone(), c]), "replace dkron-2");
    let c = server(2, "new");
    assert_eq!(next(&[a, b.clone(), c.clone()]), "replace dkron-0");
    let a = server(0, "new");
    assert_eq!(next(&[a.clone(), b, c.clone()]), "replace dkron-1, the leader");
    assert_eq!(next(&[a, server(1, "new"), leader(2, "new")]), "done");
}

#[test]
fn a_pod_goes_only_as_it_was_seen() {
    let Step::Replace(replace) = of(&set(1), &[leader(0, "old")]).step else { panic!("the only one") };
    assert_eq!(replace, Replace { pod: "dkron-0".into(), uid: "p-0".into(), version: "7".into(), leads: true });
}

#[test]
fn each_is_awaited_until_it_has_been_ready_for_a_moment() {
    let others = [leader(0, "old"), server(1, "old")];
    let with = |pod| next(&[&others[..], &[pod]].concat());
    assert_eq!(with(leaving(server(2, "old"))), "wait: dkron-2 is stopping");
    assert_eq!(next_of(&set(3), &others), "wait: dkron-2 has no pod yet");
    assert_eq!(with(never_run(server(2, "new"))), "wait: dkron-2 is not ready yet");
    assert_eq!(with(unready_for(server(2, "new"), 299)), "wait: dkron-2 is not ready yet");
    let stuck = "pause: dkron-2 has the new revision, and has not been ready for 5 minutes";
    assert_eq!(with(unready_for(server(2, "new"), 300)), stuck);
    assert_eq!(with(ready_for(server(2, "new"), 4)), "settle: dkron-2 has only just become ready");
    assert_eq!(with(ready_for(server(2, "new"), 5)), "replace dkron-1");
    assert_eq!(with(ready_for(server(2, "new"), -60)), "replace dkron-1", "its node's clock is ahead");
    let mut patient = set(3);
    patient.spec.as_mut().unwrap().min_ready_seconds = Some(60);
    let pods = [others[0].clone(), others[1].clone(), ready_for(server(2, "new"), 59)];
    assert_eq!(next_of(&patient, &pods), "settle: dkron-2 has only just become ready");
}

#[test]
fn the_leader_waits_for_the_last_follower_too() {
    let pods = [leader(0, "old"), server(1, "new"), unready_for(server(2, "new"), 5)];
    assert_eq!(next(&pods), "wait: dkron-2 is not ready yet");
}

#[test]
fn a_leader_that_moves_stays_the_last() {
    assert_eq!(next(&[server(0, "old"), leader(1, "old"), server(2, "new")]), "replace dkron-0");
    assert_eq!(next(&[leader(0, "old"), server(1, "old"), server(2, "new")]), "replace dkron-1");
    assert_eq!(
        next(&[server(0, "old"), server(1, "old"), leader(2, "new")]),
        "replace dkron-1",
        "it has been to a new one"
    );
}

#[test]
fn without_one_leader_nobody_goes() {
    let pods = [server(0, "old"), server(1, "old"), server(2, "old")];
    let long = "pause: no pod is labelled as the leader, and all have been ready for 5 minutes";
    assert_eq!(next(&pods), long);
    let pods = [server(0, "old"), server(1, "old"), ready_for(server(2, "old"), 20)];
    assert_eq!(next(&pods), "wait: no pod is labelled as the leader");
    let pods = [leader(0, "old"), server(1, "old"), leader(2, "old")];
    assert_eq!(next(&pods), "wait: several pods are labelled as the leader: dkron-0, dkron-2");
}

#[test]
fn where_nobody_can_be_labelled_the_order_alone_counts() {
    let pods = [plain(server(0, "old")), plain(server(1, "old")), server(2, "new")];
    assert_eq!(next(&pods), "replace dkron-1", "a server without a label updater may lead");
    let pods = [0, 1, 2].map(|ordinal| never_formed(server(ordinal, "old")));
    assert_eq!(next(&pods), "replace dkron-2", "no server has ever known a leader");
}

#[test]
fn one_server_and_two_are_rolled_too() {
    assert_eq!(next(&[leader(0, "old")]), "replace dkron-0, the leader");
    assert_eq!(next(&[server(0, "old")]), "replace dkron-0");
    assert_eq!(next(&[leader(0, "old"), server(1, "old")]), "replace dkron-1");
    let away = unready_for(server(1, "new"), 60);
    assert_eq!(next(&[leader(0, "old"), away]), "wait: dkron-1 is not ready yet");
    assert_eq!(next(&[leader(0, "old"), server(1, "new")]), "replace dkron-0, the leader");
    assert_eq!(next(&[]), "done");
}

#[test]
fn a_quorum_is_not_put_at_risk() {
    let out = |ordinal| unready_for(server(ordinal, "old"), 60);
    assert_eq!(
        next(&[leader(0, "old"), out(1), out(2)]),
        "pause: a quorum is at risk: 1 of 3 servers are ready, and dkron-1 is not"
    );
    let five = [leader(0, "old"), server(1, "old"), server(2, "old"), out(3), out(4)];
    assert_eq!(next(&five), "replace dkron-3", "it is none of the three");
}

/// As after a template that never works, of which only one follower had to suffer, and one that mends it.
#[test]
fn what_is_broken_goes_first_and_without_being_awaited() {
    let broken = unready_for(server(2, "bad"), 60);
    assert_eq!(next(&[leader(0, "old"), server(1, "old"), broken]), "replace dkron-2");
    let broken = unready_for(leader(2, "bad"), 60);
    assert_eq!(
        next(&[server(0, "old"), server(1, "old"), broken]),
        "wait: dkron-2 is labelled as the leader and is not ready"
    );
    let behind = [leader(0, "old"), unready_for(server(1, "old"), 600), unready_for(server(2, "old"), 600)];
    assert_eq!(
        next(&behind),
        "pause: a quorum is at risk: 1 of 3 servers are ready, and dkron-1 is not",
        "one of them has to be a voter"
    );
    let broken = unready_for(leader(2, "bad"), 300);
    assert_eq!(
        next(&[server(0, "old"), server(1, "old"), broken]),
        "replace dkron-2, the leader",
        "its label is stale"
    );
}

/// As when the first template of all never worked: there is no quorum to wait for.
#[test]
fn servers_that_never_were_a_cluster_do_not_wait_for_each_other() {
    let never = |ordinal| never_run(server(ordinal, "bad"));
    assert_eq!(next(&[never(0), never(1), never(2)]), "replace dkron-0");
    assert_eq!(next(&[unready_for(server(0, "new"), 5), never(1), never(2)]), "replace dkron-1");
    assert_eq!(next_of(&set(3), &[never(0)]), "replace dkron-0", "the others wait for it in an OrderedReady set");
    let lost = |ordinal, seconds| ephemeral(never_formed(unready_for(server(ordinal, "bad"), seconds)));
    assert_eq!(next(&[lost(0, 60), lost(1, 300), lost(2, 300)]), "replace dkron-1");
    let at_risk = "pause: a quorum is at risk: 0 of 3 servers are ready, and dkron-0 is not";
    assert_eq!(next(&[lost(0, 60), lost(1, 60), lost(2, 60)]), at_risk, "they may just be founding one");
}

#[test]
fn the_last_copies_of_a_clusters_data_stay() {
    let lost = |ordinal| unready_for(server(ordinal, "old"), 3600);
    assert_eq!(next(&[lost(0), lost(1), lost(2)]), "replace dkron-0", "its disk outlives it");
    let at_risk = "pause: a quorum is at risk: 0 of 3 servers are ready, and dkron-0 is not";
    assert_eq!(next(&[0, 1, 2].map(|ordinal| ephemeral(lost(ordinal)))), at_risk);
    assert_eq!(next(&[0, 1, 2].map(|ordinal| plain(lost(ordinal)))), at_risk, "nobody knows what its disk is");
}

/// Its wrapper says so, that the ones behind come to exist: without a leader that is no sign of a cluster.
#[test]
fn in_an_ordered_set_a_broken_server_holds_up_those_that_do_not_exist_yet() {
    let mut ordered = set(3);
    let stuck = unready_for(server(1, "old"), 300);
    let pods = [server(0, "old"), stuck.clone()];
    assert_eq!(next_of(&ordered, &pods), "wait: dkron-2 has no pod yet", "it comes by itself");
    ordered.spec.as_mut().unwrap().pod_management_policy = Some("OrderedReady".into());
    assert_eq!(next_of(&ordered, &pods), "replace dkron-1");
    assert_eq!(next_of(&ordered, &[leader(0, "old"), stuck]), "wait: dkron-2 has no pod yet", "it may be a voter");
    let pods = [leader(0, "old"), unready_for(server(1, "old"), 5), server(2, "old"), server(3, "old")];
    ordered.spec.as_mut().unwrap().replicas = Some(5);
    assert_eq!(next_of(&ordered, &pods), "replace dkron-1", "the others are a quorum");
}

#[test]
fn scaling_comes_first() {
    let pods = [leader(0, "old"), server(1, "old"), server(2, "old")];
    assert_eq!(next_of(&set(5), &pods), "wait: dkron-3 has no pod yet");
    let surplus = "wait: dkron-2 is to go, since there are fewer replicas";
    assert_eq!(next_of(&set(2), &pods), surplus);
    assert_eq!(next_of(&set(2), &[server(0, "new"), leader(1, "new"), server(2, "old")]), "done");
    let mut shifted = set(2);
    shifted.spec.as_mut().unwrap().ordinals = serde_json::from_value(json!({ "start": 1 })).unwrap();
    assert_eq!(next_of(&shifted, &[server(1, "old"), leader(2, "old")]), "replace dkron-1");
}

#[test]
fn pods_of_somebody_else_do_not_count() {
    let mut theirs = server(2, "old");
    theirs["metadata"]["ownerReferences"][0]["uid"] = "u-2".into();
    assert_eq!(next_of(&set(3), &[leader(0, "old"), server(1, "old"), theirs]), "wait: dkron-2 has no pod yet");
}

#[test]
fn a_template_that_kubernetes_has_not_seen_is_waited_for() {
    let mut set = set(1);
    set.metadata.generation = Some(3);
    assert_eq!(next_of(&set, &[leader(0, "old")]), "wait: Kubernetes has yet to see the new template");
    set.metadata.deletion_timestamp = serde_json::from_value(at(1).into()).unwrap();
    assert_eq!(rollout(&set, &[], Timestamp::UNIX_EPOCH), None, "it is on its way out");
}

#[test]
fn the_annotation_or_the_default_says_who_replaces_pods() {
    let said = |said: Option<&str>| {
        let mut set = set(3);
        let meta = set.spec.as_mut().unwrap().template.metadata.as_mut().unwrap();
        meta.annotations = said.map(|said| [(annotation::ROLLOUT.to_owned(), said.to_owned())].into());
        set
    };
    for (annotation, default, expected) in [
        (Some("leader-last"), None, true),
        (Some("leader-last"), Some(By::StatefulSet), true),
        (Some("statefulset"), Some(By::LeaderLast), false),
        (None, Some(By::LeaderLast), true),
        (None, Some(By::StatefulSet), false),
    ] {
        assert_eq!(is_leader_last(&said(annotation), default), expected, "{annotation:?} {default:?}");
    }
    let mut set = set(3);
    set.spec.as_mut().unwrap().update_strategy = serde_json::from_value(json!({ "type": "RollingUpdate" })).unwrap();
    assert!(!is_leader_last(&set, None), "Kubernetes replaces them");
}

#[test]
fn a_rollout_is_told_until_its_end_and_restarts_of_pods_are_none() {
    let rolling = of(&set(3), &[leader(0, "old"), server(1, "old"), server(2, "new")]);
    assert_eq!(rolling.status(), r#"{"revision":"new","step":"replacing","updated":1,"servers":3,"note":"dkron-1"}"#);
    assert!(rolling.is_under_way(None));
    let awaited = of(&set(3), &[server(0, "new"), leader(1, "new"), unready_for(server(2, "new"), 5)]);
    let done = of(&set(3), &[server(0, "new"), leader(1, "new"), server(2, "new")]);
    for told in [rolling.status(), awaited.status(), "nonsense".into()] {
        assert!(awaited.is_under_way(Some(&told)) && done.is_under_way(Some(&told)), "{told}");
    }
    let told = done.status();
    assert!(!done.is_under_way(Some(&told)) && !awaited.is_under_way(Some(&told)));
    assert!(!done.is_under_way(None), "there was none");
    let told = told.replace("new", "old");
    assert!(done.is_under_way(Some(&told)), "somebody else replaced them");
}
