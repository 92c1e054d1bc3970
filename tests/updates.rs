//! UPDATE of a StatefulSet: what was stamped is carried forward, and nothing else ever changes the template.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dkron_ha::inject::{Engine, NoClusters};
use dkron_ha::options::{Options, Rollout};
use dkron_ha::review::{Outcome, Reviewer};
use dkron_ha::settings::Settings;
use serde_json::{Value, json};

fn engine() -> Engine {
    Engine::new(Settings::default(), Box::new(NoClusters))
}

/// A plain set as the API server hands it over: defaults filled in.
fn plain() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "dkron", "namespace": "billing"},
        "spec": {
            "replicas": 3, "serviceName": "", "podManagementPolicy": "OrderedReady",
            "selector": {"matchLabels": {"app": "dkron"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "template": {
                "metadata": {"labels": {"app": "dkron"}},
                "spec": {
                    "containers": [{"name": "dkron", "image": "dkron/dkron:4.0.9", "args": ["agent", "--server"]}],
                    "terminationGracePeriodSeconds": 30
                }
            }
        }
    })
}

struct Answer {
    object: Value,
    outcome: Outcome,
    warnings: Vec<String>,
}

fn reviewed(engine: &Engine, new: &Value, old: Option<&Value>) -> Answer {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u", "namespace": "billing", "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
            "kind": {"group": "apps", "version": "v1", "kind": "StatefulSet"}, "object": new, "oldObject": old
        }
    });
    let answer = engine.review(review.to_string().as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let mut object = new.clone();
    if let Some(patch) = body["response"]["patch"].as_str() {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
    }
    let warnings = body["response"]["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(|line| line.as_str().map(str::to_owned)).collect();
    Answer { object, outcome: answer.tally.outcome, warnings }
}

fn created(set: &Value) -> Value {
    reviewed(&engine(), set, None).object
}

#[test]
fn creation_stamps_what_pods_cannot_be_given_later() {
    let set = created(&plain());
    let spec = &set["spec"];
    assert_eq!(spec["podManagementPolicy"], "Parallel");
    assert_eq!(spec["serviceName"], "dkron");
    assert_eq!(set["metadata"]["labels"], json!({"dkron-ha.io/injected": "true"}));
    let template = &spec["template"];
    assert_eq!(
        template["metadata"]["labels"],
        json!({"app": "dkron", "dkron-ha.io/injected": "true", "dkron-ha.io/cluster": "dkron", "dkron-ha.io/server-of": "dkron"})
    );
    assert_eq!(
        template["metadata"]["annotations"],
        json!({"dkron-ha.io/grace": "300", "dkron-ha.io/initial-cluster-size": "3", "dkron-ha.io/ordinals-start": "0"})
    );
    assert_eq!(template["spec"]["serviceAccountName"], "dkron-ha-server");
    assert_eq!(template["spec"]["automountServiceAccountToken"], false);
    assert_eq!(template["spec"]["terminationGracePeriodSeconds"], 300);
    // Containers, volumes and the rest are the pods' business: a newer dkron-ha must not roll the set.
    assert_eq!(template["spec"]["containers"], plain()["spec"]["template"]["spec"]["containers"]);
}

#[test]
fn applying_the_original_again_changes_nothing() {
    let stored = created(&plain());
    let again = reviewed(&engine(), &plain(), Some(&stored));
    assert_eq!(again.object, stored);
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
}

#[test]
fn scaling_never_changes_the_template() {
    let stored = created(&plain());
    for replicas in [0, 1, 5, 7, 3] {
        for mut new in [plain(), stored.clone()] {
            new["spec"]["replicas"] = json!(replicas);
            let scaled = reviewed(&engine(), &new, Some(&stored)).object;
            assert_eq!(scaled["spec"]["template"], stored["spec"]["template"], "{replicas}");
            assert_eq!(scaled["spec"]["replicas"], replicas);
        }
    }
}

#[test]
fn other_defaults_of_a_later_version_never_change_the_template() {
    let stored = created(&plain());
    let options = Options { grace: Some(900), initial_cluster_size: Some(7), ..Options::default() };
    let settings = Settings { options: options.over(&Options::builtin()), ..Settings::default() };
    let later = Engine::new(settings, Box::new(NoClusters));
    for new in [plain(), stored.clone()] {
        assert_eq!(reviewed(&later, &new, Some(&stored)).object["spec"]["template"], stored["spec"]["template"]);
    }
}

#[test]
fn what_the_user_changes_is_the_users() {
    let stored = created(&plain());
    let mut new = stored.clone();
    new["spec"]["template"]["metadata"]["annotations"]["dkron-ha.io/grace"] = json!("600");
    new["spec"]["template"]["spec"]["serviceAccountName"] = json!("mine");
    new["spec"]["template"]["spec"]["containers"][0]["image"] = json!("dkron/dkron:4.1.2");
    let after = reviewed(&engine(), &new, Some(&stored)).object;
    let spec = &after["spec"]["template"]["spec"];
    assert_eq!(spec["terminationGracePeriodSeconds"], 600);
    assert_eq!(spec["serviceAccountName"], "mine");
    assert_eq!(spec["containers"][0]["image"], "dkron/dkron:4.1.2");
}

#[test]
fn a_set_from_before_is_stamped_when_its_template_changes_and_not_before() {
    let old = plain();
    let mut scaled = old.clone();
    scaled["spec"]["replicas"] = json!(5);
    let untouched = reviewed(&engine(), &scaled, Some(&old));
    assert_eq!((untouched.object, untouched.outcome), (scaled, Outcome::Skipped));

    let mut restarted = old.clone();
    restarted["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "now"});
    let stamped = reviewed(&engine(), &restarted, Some(&old));
    let spec = &stamped.object["spec"];
    assert_eq!(spec["podManagementPolicy"], "OrderedReady");
    assert_eq!(spec["serviceName"], "");
    assert_eq!(spec["template"]["metadata"]["labels"]["dkron-ha.io/server-of"], "dkron");
    assert_eq!(spec["template"]["metadata"]["annotations"]["dkron-ha.io/initial-cluster-size"], "3");
    assert!(stamped.warnings.iter().any(|line| line.starts_with("DKHA-107")), "{:?}", stamped.warnings);

    let again = reviewed(&engine(), &old, Some(&stamped.object)).object;
    let labels = &again["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["dkron-ha.io/server-of"], "dkron", "replace with the original keeps the stamp");
}

#[test]
fn a_pod_of_a_set_from_before_is_never_refused() {
    let dkron = json!({"name": "a", "image": "dkron/dkron", "args": ["agent", "--server"]});
    let mut second = dkron.clone();
    second["name"] = json!("b");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "dkron-0", "annotations": {"dkron-ha.io/grase": "1"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "controller": true}]
        },
        "spec": {"containers": [dkron, second], "volumes": [{"name": "dkron-ha", "emptyDir": {}}]}
    });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "u", "namespace": "billing", "operation": "CREATE",
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": pod}
    });
    let answer = engine().review(review.to_string().as_bytes()).unwrap();
    assert_eq!(answer.tally.outcome, Outcome::Skipped);
    assert_eq!(answer.tally.code.map(|code| code.to_string()).as_deref(), Some("DKHA-108"));
}

#[test]
fn a_set_made_with_no_replicas_gets_no_size_later_either() {
    let mut set = plain();
    set["spec"]["replicas"] = json!(0);
    let stored = created(&set);
    let annotations = &stored["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations.get("dkron-ha.io/initial-cluster-size"), None);
    let scaled = reviewed(&engine(), &plain(), Some(&stored)).object;
    assert_eq!(scaled["spec"]["template"], stored["spec"]["template"]);
}

#[test]
fn leader_last_is_carried_as_on_delete() {
    let mut set = plain();
    set["spec"]["template"]["metadata"]["annotations"] = json!({"dkron-ha.io/rollout": "leader-last"});
    let stored = created(&set);
    assert_eq!(stored["spec"]["updateStrategy"], json!({"type": "OnDelete"}));
    assert_eq!(reviewed(&engine(), &set, Some(&stored)).object, stored);
    let mut rolled = stored.clone();
    rolled["metadata"]["annotations"] = json!({"dkron-ha.io/rollout-status": "{}"});
    let mut changed = rolled.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "dkron/dkron:4.1.0".into();
    let again = reviewed(&engine(), &changed, Some(&rolled));
    assert_ne!(again.outcome, Outcome::Rejected, "the controller's annotation is no option");
    assert_eq!(again.object, changed);
    let options = Options { rollout: Some(Rollout::LeaderLast), ..Options::builtin() };
    let by_default = Engine::new(Settings { options, ..Settings::default() }, Box::new(NoClusters));
    assert_eq!(reviewed(&by_default, &plain(), None).object["spec"]["updateStrategy"], json!({"type": "OnDelete"}));
}

#[test]
fn a_set_that_runs_an_agent_gets_the_agents_account_and_no_more() {
    let mut set = plain();
    set["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["agent", "--retry-join=dkron"]);
    let stored = created(&set);
    let template = &stored["spec"]["template"];
    assert_eq!(template["spec"]["serviceAccountName"], "dkron-ha-agent");
    assert_eq!(template["metadata"]["labels"], json!({"app": "dkron", "dkron-ha.io/injected": "true"}));
    assert_eq!(stored["spec"]["podManagementPolicy"], "OrderedReady");
    assert_eq!(stored["spec"]["serviceName"], "");
    assert_eq!(reviewed(&engine(), &set, Some(&stored)).object, stored);
}

#[test]
fn faults_of_the_template_are_said_when_the_set_is_applied() {
    let mut set = plain();
    set["spec"]["template"]["spec"]["volumes"] = json!([{"name": "dkron-ha", "emptyDir": {}}]);
    assert_eq!(reviewed(&engine(), &set, None).outcome, Outcome::Rejected);
    let mut set = plain();
    set["metadata"]["annotations"] = json!({"dkron-ha.io/grace": "600"});
    assert_eq!(reviewed(&engine(), &set, None).outcome, Outcome::Rejected);
}
