//! What a rollout with the leader last comes to: a pod that goes, an annotation, an Event.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::ObjectReference;

use super::{Plan, Progress, Remark};
use crate::contract::annotation;
use crate::controller::cluster::of_set;
use crate::controller::rollout::{Replace, Rollout, Step, rollout};
use crate::controller::world::{World, name};

impl Plan {
    /// The next step of a stamped set's rollout, if the controller is to do it.
    pub(super) fn rollout(&mut self, world: &World, set: &StatefulSet) {
        let annotations = set.metadata.annotations.as_ref();
        let told = annotations.and_then(|all| all.get(annotation::ROLLOUT_STATUS)).map(String::as_str);
        let Some(pods) = set.metadata.uid.as_ref().and_then(|uid| world.rolling.get(uid)) else {
            return self.progress(set, told, None);
        };
        let Some(rollout) = rollout(set, pods, world.now).filter(|rollout| rollout.is_under_way(told)) else { return };
        self.progress(set, told, Some(rollout.status()));
        self.say.extend(remark(set, &rollout));
        match rollout.step {
            Step::Replace(replace) => self.replace.push(replace),
            Step::Settle(_) => self.soon = true,
            Step::Done | Step::Wait(_) | Step::Pause(_) => {}
        }
    }

    fn progress(&mut self, set: &StatefulSet, told: Option<&str>, status: Option<String>) {
        if told != status.as_deref() {
            let uid = set.metadata.uid.clone().unwrap_or_default();
            self.progress.push(Progress { set: name(&set.metadata).to_owned(), uid, status });
        }
    }
}

/// What people are told of a step.
fn remark(set: &StatefulSet, rollout: &Rollout) -> Option<Remark> {
    let about = of_set(&set.metadata);
    let Rollout { revision, updated, servers, .. } = rollout;
    Some(match &rollout.step {
        Step::Replace(replace) => {
            let who = if replace.leads { "the leader, last" } else { "a follower" };
            let note = format!("{}, {who}, is to have {revision}; {updated} of {servers} have it", replace.pod);
            Remark { related: Some(pod(set, replace)), ..Remark::of(&about, false, "Replacing", note) }
        }
        Step::Pause(note) => Remark::of(&about, true, "RolloutPaused", note.clone()),
        Step::Done => Remark::of(&about, false, "RolloutDone", format!("all {servers} servers have {revision}")),
        Step::Wait(_) | Step::Settle(_) => return None,
    })
}

fn pod(set: &StatefulSet, replace: &Replace) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Pod".into()),
        name: Some(replace.pod.clone()),
        namespace: set.metadata.namespace.clone(),
        uid: Some(replace.uid.clone()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    use super::*;
    use crate::contract::label;
    use crate::controller::plan::plan;

    /// Set `dkron` in the middle of a rollout to revision `b`: two servers, with these revisions; the first leads.
    fn world(told: Option<&str>, revisions: [&str; 2]) -> World {
        let annotations = told.map(|told| json!({ (annotation::ROLLOUT_STATUS): told }));
        let set = json!({
            "metadata": { "name": "dkron", "namespace": "billing", "uid": "u-1", "annotations": annotations },
            "spec": { "replicas": 2, "selector": {}, "template": {} },
            "status": { "replicas": 2, "updateRevision": "b" },
        });
        let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "u-1", "controller": true });
        let pod = |ordinal: usize| -> Pod {
            let labels = json!({
                "controller-revision-hash": revisions[ordinal], (label::INJECTED): "true",
                (label::LEADER): (ordinal == 0).to_string(),
            });
            let pod = json!({
                "metadata": {
                    "name": format!("dkron-{ordinal}"), "uid": format!("p-{ordinal}"), "labels": labels, "ownerReferences": [owner],
                },
                "status": {
                    "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z" }],
                },
            });
            serde_json::from_value(pod).expect("a pod")
        };
        World {
            namespace: "billing".into(),
            opted_in: true,
            sets: vec![serde_json::from_value(set).expect("a set")],
            rolling: [("u-1".to_owned(), vec![pod(0), pod(1)])].into(),
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            ..World::default()
        }
    }

    fn status(step: &str, updated: usize, note: &str) -> String {
        let status = json!({ "revision": "b", "step": step, "updated": updated, "servers": 2, "note": note });
        status.to_string()
    }

    fn said(plan: &Plan) -> Vec<(&str, &str)> {
        plan.say.iter().map(|remark| (remark.reason, &*remark.note)).collect()
    }

    #[test]
    fn a_step_is_a_deletion_an_annotation_and_an_event_about_both() {
        let plan = plan(&world(None, ["a", "a"]));
        assert_eq!(plan.replace.iter().map(|replace| &*replace.pod).collect::<Vec<_>>(), ["dkron-1"]);
        let told = Progress { set: "dkron".into(), uid: "u-1".into(), status: Some(status("replacing", 0, "dkron-1")) };
        assert_eq!(plan.progress, [told]);
        assert_eq!(said(&plan), [("Replacing", "dkron-1, a follower, is to have b; 0 of 2 have it")]);
        let uids = [plan.say[0].about.uid.as_deref(), plan.say[0].related.as_ref().unwrap().uid.as_deref()];
        assert_eq!(uids, [Some("u-1"), Some("p-1")]);
    }

    #[test]
    fn what_was_told_is_not_written_again_and_the_end_is_told_once() {
        let replacing = status("replacing", 1, "dkron-0");
        let last = plan(&world(Some(&replacing), ["a", "b"]));
        assert!(last.progress.is_empty() && last.replace[0].leads);
        assert_eq!(said(&last), [("Replacing", "dkron-0, the leader, last, is to have b; 1 of 2 have it")]);
        let end = plan(&world(Some(&replacing), ["b", "b"]));
        let done = status("done", 2, "all servers have the revision");
        assert_eq!(end.progress[0].status.as_ref(), Some(&done));
        assert_eq!(said(&end), [("RolloutDone", "all 2 servers have b")]);
        let after = plan(&world(Some(&done), ["b", "b"]));
        assert!(after.progress.is_empty() && after.say.is_empty() && after.replace.is_empty(), "{after:?}");
    }

    #[test]
    fn whoever_takes_the_rollout_back_loses_its_annotation() {
        let mut world = world(Some("{}"), ["a", "b"]);
        world.rolling.clear();
        let plan = plan(&world);
        assert_eq!(plan.progress[0].status, None);
        assert!(plan.replace.is_empty() && plan.say.is_empty());
    }

    /// The second server has this condition.
    fn with(revisions: [&str; 2], ready: &str, since: &str) -> Plan {
        let mut world = world(None, revisions);
        let pods = world.rolling.get_mut("u-1").expect("its pods");
        let condition = json!({ "type": "Ready", "status": ready, "lastTransitionTime": since });
        let status = json!({ "conditions": [condition], "containerStatuses": [] });
        pods[1].status = serde_json::from_value(status).expect("a status");
        plan(&world)
    }

    #[test]
    fn a_pause_is_a_warning_and_a_short_wait_is_looked_at_soon() {
        let soon = with(["a", "b"], "True", "2025-12-31T23:59:58Z");
        assert!(soon.soon && soon.replace.is_empty() && soon.say.is_empty(), "{soon:?}");
        let waits = with(["a", "b"], "False", "2025-12-31T23:59:58Z");
        assert!(!waits.soon && waits.replace.is_empty() && waits.say.is_empty(), "{waits:?}");
        let pauses = with(["a", "b"], "False", "2025-12-31T23:50:00Z");
        assert!(pauses.replace.is_empty() && pauses.say[0].warning, "{pauses:?}");
        assert_eq!(said(&pauses)[0].0, "RolloutPaused");
    }
}
