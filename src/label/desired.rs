//! What Kubernetes wants of the own set, and what that says of the labels: from the objects as they were read. No I/O and no clock.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;

use crate::contract::{annotation, label};
use crate::init::procedure::{Desired, DesiredPod};

/// The policy of a set that makes its pods one after another.
const ORDERED_READY: &str = "OrderedReady";

/// The StatefulSet that controls a pod.
pub(super) fn owner(pod: &Pod) -> Option<&OwnerReference> {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners.filter(|owner| owner.kind == "StatefulSet").find(|owner| owner.controller == Some(true))
}

/// The pods of the set: those that it controls. A pod of the same labels that nobody controls is somebody else's.
pub(super) fn of_set<'a>(set: &'a StatefulSet, pods: &'a [Pod]) -> impl Iterator<Item = &'a Pod> {
    pods.iter().filter(|pod| owner(pod).is_some_and(|owner| Some(&owner.uid) == set.metadata.uid.as_ref()))
}

/// What Kubernetes wants of the set, as the pod `own` tells its wrapper; `None` where the set has no UID or specification.
pub(super) fn desired(set: &StatefulSet, pods: &[Pod], own: &str) -> Option<Desired> {
    let spec = set.spec.as_ref()?;
    let grace = of_set(set, pods).find(|pod| pod.name_any() == own)?.metadata.deletion_grace_period_seconds;
    Some(Desired {
        // The API server fills in 1 where the user said nothing.
        replicas: count(spec.replicas.unwrap_or(1)),
        ordinals_start: count(spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0)),
        set_uid: set.metadata.uid.as_deref()?.into(),
        set_deleting: set.metadata.deletion_timestamp.is_some(),
        ordered_ready: spec.pod_management_policy.as_deref().is_none_or(|policy| policy == ORDERED_READY),
        grace_seconds: grace.and_then(|seconds| u64::try_from(seconds).ok()),
        pods: of_set(set, pods).filter_map(pod).collect(),
    })
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn pod(pod: &Pod) -> Option<DesiredPod> {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    Some(DesiredPod {
        name: pod.metadata.name.as_deref()?.into(),
        uid: pod.metadata.uid.as_deref()?.into(),
        // A pod that has ended has given its address back.
        ip: ip.filter(|_| !has_ended(pod)).and_then(|ip| ip.parse().ok()),
        deleting: pod.metadata.deletion_timestamp.is_some(),
        formed: is_formed(pod),
    })
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Its label updater has noted that it has known a leader.
pub(super) fn is_formed(pod: &Pod) -> bool {
    pod.annotations().get(annotation::FORMED).is_some_and(|value| value == "true")
}

/// What the leader label of a pod says; `None` where it says nothing, or nothing that the label updater ever writes.
pub(super) fn leader_label(pod: &Pod) -> Option<bool> {
    pod.labels().get(label::LEADER)?.parse().ok()
}

/// Other servers of the own cluster that say that they lead: of the own set, or bare pods like the own one.
pub(super) fn rivals(set: Option<&StatefulSet>, pods: &[Pod], own: &Pod) -> Vec<String> {
    let kin: Vec<&Pod> = match set {
        Some(set) => of_set(set, pods).collect(),
        None if is_bare(own) => pods.iter().filter(|pod| is_bare(pod)).collect(),
        // Whose set has just gone.
        None => Vec::new(),
    };
    let names = kin.into_iter().filter(|pod| leader_label(pod) == Some(true)).map(ResourceExt::name_any);
    names.filter(|name| *name != own.name_any()).collect()
}

/// Nobody controls it.
fn is_bare(pod: &Pod) -> bool {
    !pod.metadata.owner_references.iter().flatten().any(|owner| owner.controller == Some(true))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(changes: &Value) -> StatefulSet {
        let mut set = json!({
            "metadata": {"name": "dkron", "uid": "set-1"},
            "spec": {"replicas": 3, "podManagementPolicy": "Parallel", "selector": {}, "serviceName": "dkron", "template": {}}
        });
        json_patch::merge(&mut set, changes);
        serde_json::from_value(set).expect("a set")
    }

    fn pod(name: &str, changes: &Value) -> Pod {
        let mut pod = json!({
            "metadata": {
                "name": name, "uid": format!("uid of {name}"), "labels": {}, "annotations": {},
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "set-1", "controller": true
                }]
            },
            "status": {"phase": "Running", "podIP": "10.0.0.7"}
        });
        json_patch::merge(&mut pod, changes);
        serde_json::from_value(pod).expect("a pod")
    }

    fn none() -> Value {
        json!({})
    }

    #[test]
    fn everything_that_the_wrapper_asks_for_is_told() {
        let set = set(&json!({
            "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"ordinals": {"start": 5}, "podManagementPolicy": "OrderedReady"}
        }));
        let pods = [
            pod(
                "dkron-5",
                &json!({"metadata": {
                    "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 300,
                    "annotations": {"dkron-ha.io/formed": "true"}
                }}),
            ),
            pod("dkron-6", &json!({"status": {"podIP": null, "phase": "Pending"}})),
        ];
        let expected = Desired {
            replicas: 3,
            ordinals_start: 5,
            set_uid: "set-1".into(),
            set_deleting: true,
            ordered_ready: true,
            grace_seconds: Some(300),
            pods: vec![
                DesiredPod {
                    name: "dkron-5".into(),
                    uid: "uid of dkron-5".into(),
                    ip: "10.0.0.7".parse().ok(),
                    deleting: true,
                    formed: true,
                },
                DesiredPod {
                    name: "dkron-6".into(),
                    uid: "uid of dkron-6".into(),
                    ip: None,
                    deleting: false,
                    formed: false,
                },
            ],
        };
        assert_eq!(desired(&set, &pods, "dkron-5"), Some(expected));
    }

    #[test]
    fn defaults_are_those_of_the_api_server() {
        let plain = set(&json!({"spec": {"replicas": null, "podManagementPolicy": null}}));
        let told = desired(&plain, &[pod("dkron-0", &none())], "dkron-0").expect("told");
        assert_eq!((told.replicas, told.ordered_ready, told.grace_seconds), (1, true, None));
        let none_wanted = desired(&set(&json!({"spec": {"replicas": 0}})), &[pod("dkron-0", &none())], "dkron-0");
        assert_eq!(none_wanted.expect("told").replicas, 0);
    }

    #[test]
    fn only_what_the_set_controls_is_of_the_set() {
        let foreign = [
            pod("dkron-1", &json!({"metadata": {"ownerReferences": null}})),
            pod(
                "dkron-2",
                &json!({"metadata": {"ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "set-0", "controller": true
                }]}}),
            ),
            pod(
                "dkron-3",
                &json!({"metadata": {"ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "set-1"
                }]}}),
            ),
        ];
        assert_eq!(desired(&set(&none()), &foreign, "dkron-1"), None, "the own pod is not of this set");
        let mut pods = foreign.to_vec();
        pods.push(pod("dkron-0", &none()));
        let told = desired(&set(&none()), &pods, "dkron-0").expect("told");
        assert_eq!(told.pods.iter().map(|pod| &*pod.name).collect::<Vec<_>>(), ["dkron-0"]);
    }

    #[test]
    fn an_address_of_a_pod_that_has_ended_is_not_its_own_any_more() {
        for phase in ["Succeeded", "Failed"] {
            let told = desired(&set(&none()), &[pod("dkron-0", &json!({"status": {"phase": phase}}))], "dkron-0");
            assert_eq!(told.expect("told").pods[0].ip, None, "{phase}");
        }
    }

    #[test]
    fn a_label_says_one_of_two_things_or_nothing() {
        let says = |labels: &Value| leader_label(&pod("dkron-0", &json!({"metadata": {"labels": labels}})));
        assert_eq!(says(&json!({"dkron-ha.io/leader": "true"})), Some(true));
        assert_eq!(says(&json!({"dkron-ha.io/leader": "false"})), Some(false));
        for nothing in [json!({}), json!({"dkron-ha.io/leader": ""}), json!({"dkron-ha.io/leader": "yes"})] {
            assert_eq!(says(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn bare_pods_have_bare_rivals() {
        let bare = json!({"metadata": {"labels": {"dkron-ha.io/leader": "true"}, "ownerReferences": null}});
        let of_a_set = json!({"metadata": {"labels": {"dkron-ha.io/leader": "true"}}});
        let pods = [pod("x-0", &bare), pod("x-1", &bare), pod("x-2", &of_a_set)];
        assert_eq!(rivals(None, &pods, &pods[0]), ["x-1"]);
    }

    #[test]
    fn rivals_are_the_others_that_say_they_lead() {
        let leads = json!({"metadata": {"labels": {"dkron-ha.io/leader": "true"}}});
        let follows = json!({"metadata": {"labels": {"dkron-ha.io/leader": "false"}}});
        let pods = [pod("dkron-0", &leads), pod("dkron-1", &leads), pod("dkron-2", &follows), pod("dkron-3", &none())];
        let set = set(&none());
        assert_eq!(rivals(Some(&set), &pods, &pods[0]), ["dkron-1"]);
        assert_eq!(rivals(Some(&set), &pods, &pods[2]), ["dkron-0", "dkron-1"]);
        assert!(rivals(None, &pods, &pods[2]).is_empty(), "its set is gone");
    }
}
