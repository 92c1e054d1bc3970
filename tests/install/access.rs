//! Who may do what.

use dkron_ha::contract::{annotation, label, object};
use dkron_ha::install::for_namespace;
use serde_json::{Value, json};

use crate::{list, named, of_kind, plain, the, with_files, without_a_controller};

/// What a role grants, as (group, resource, verb).
fn granted(role: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut all = Vec::new();
    for rule in list(role, "/rules") {
        for group in list(rule, "/apiGroups") {
            for resource in list(rule, "/resources") {
                all.extend(list(rule, "/verbs").iter().map(|verb| (text(group), text(resource), text(verb))));
            }
        }
    }
    all
}

fn rights(rows: &[(&str, &str, &[&str])]) -> Vec<(String, String, String)> {
    rows.iter()
        .flat_map(|(group, resource, verbs)| {
            verbs.iter().map(|verb| ((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned()))
        })
        .collect()
}

#[test]
fn the_webhook_and_its_controller_may_do_what_is_written_and_nothing_else() {
    let registrations = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations");
    let keeps: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
    let watches: &[&str] = &["list", "watch"];
    for (install, verbs) in
        [(plain(), &["get", "list", "watch", "patch"] as &[_]), (with_files(), &["get", "list", "watch"])]
    {
        let role = the(&install, "ClusterRole", object::INSTALLATION);
        let expected = [
            ("apps", "statefulsets", watches),
            (registrations.0, registrations.1, verbs),
            ("", "namespaces", watches),
            ("", "pods", watches),
            ("", "pods", &["delete"]),
            ("apps", "statefulsets/status", &["patch"]),
            ("", "serviceaccounts", keeps),
            ("", "services", keeps),
            ("policy", "poddisruptionbudgets", keeps),
            ("rbac.authorization.k8s.io", "rolebindings", keeps),
            ("rbac.authorization.k8s.io", "clusterroles", &["bind"]),
            ("events.k8s.io", "events", &["create", "patch"]),
        ];
        assert_eq!(granted(&role), rights(&expected));
        let registration = of_kind(&install, "MutatingWebhookConfiguration");
        assert_eq!(role["rules"][1]["resourceNames"], json!([registration["metadata"]["name"]]));
        let bind = list(&role, "/rules").iter().find(|rule| rule["verbs"] == json!(["bind"])).expect("bind");
        assert_eq!(bind["resourceNames"], json!([object::SERVER_ACCOUNT, object::AGENT_ACCOUNT]));
    }
    let role = the(&without_a_controller(), "ClusterRole", object::INSTALLATION);
    let expected =
        [("apps", "statefulsets", watches), (registrations.0, registrations.1, &["get", "list", "watch", "patch"])];
    assert_eq!(granted(&role), rights(&expected), "without a controller");
    let role = the(&plain(), "ClusterRole", object::INSTALLATION);
    let binding = of_kind(&plain(), "ClusterRoleBinding");
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], of_kind(&plain(), "ServiceAccount")["metadata"]["name"]);
}

#[test]
fn the_webhook_keeps_a_lease_in_its_own_namespace_and_one_secret_if_any() {
    let lease: &[_] = &[("coordination.k8s.io", "leases", &["create", "get", "update"] as &[_])];
    let secret: &[_] = &[("", "secrets", &["create", "get", "update", "delete"] as &[_])];
    for (install, leases, secrets) in
        [(plain(), lease, secret), (with_files(), lease, &[]), (without_a_controller(), &[], secret)]
    {
        let role = of_kind(&install, "Role");
        assert_eq!(role["metadata"]["namespace"], object::INSTALLATION);
        assert_eq!(granted(&role), rights(&[leases, secrets].concat()));
        for rule in list(&role, "/rules") {
            let name = match rule["resources"][0].as_str() {
                _ if rule["verbs"] == json!(["create"]) => json!(null),
                Some("leases") => json!([object::INSTALLATION]),
                _ => json!([object::AUTHORITY_SECRET]),
            };
            assert_eq!(rule["resourceNames"], name, "all but what cannot be narrowed by name");
        }
        let binding = of_kind(&install, "RoleBinding");
        assert_eq!(binding["metadata"]["namespace"], object::INSTALLATION);
        assert_eq!(
            (&binding["roleRef"]["kind"], &binding["roleRef"]["name"]),
            (&json!("Role"), &role["metadata"]["name"])
        );
        assert_eq!(binding["subjects"][0]["name"], object::INSTALLATION);
    }
}

#[test]
fn workload_accounts_get_what_the_contract_says_in_their_namespace_only() {
    let objects: Vec<Value> = for_namespace("jobs").into_iter().map(|(_, object)| object).collect();
    assert!(objects.iter().all(|object| object["metadata"]["namespace"] == "jobs"));
    let find = |kind: &str, name: &str| {
        let of_both = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        objects.iter().find(of_both).unwrap_or_else(|| panic!("{kind} {name}"))
    };

    let events: &[&str] = &["create", "patch"];
    let server: &[_] = &[
        ("", "pods", &["get", "list", "watch", "patch"] as &[_]),
        ("apps", "statefulsets", &["get", "list", "watch"]),
        ("", "events", events),
        ("events.k8s.io", "events", events),
    ];
    let role = |name: &str| granted(&the(&plain(), "ClusterRole", name));
    assert_eq!(role(object::SERVER_ACCOUNT), rights(server));
    assert_eq!(role(object::AGENT_ACCOUNT), rights(&[("", "pods", &["list"])]));
    assert_eq!(find("ServiceAccount", object::SERVER_ACCOUNT)["automountServiceAccountToken"], false);
    assert!(find("ServiceAccount", object::AGENT_ACCOUNT).get("automountServiceAccountToken").is_none());
    for name in [object::SERVER_ACCOUNT, object::AGENT_ACCOUNT] {
        let binding = find("RoleBinding", name);
        assert_eq!(binding["roleRef"]["kind"], "ClusterRole");
        assert_eq!(binding["roleRef"]["name"], name);
        assert_eq!(binding["subjects"], json!([{ "kind": "ServiceAccount", "name": name, "namespace": "jobs" }]));
    }
}

#[test]
fn the_policy_narrows_the_servers_patches_and_is_in_force() {
    let objects = named(&plain(), object::SERVER_ACCOUNT);
    let [_role, policy, binding] = objects.as_slice() else { panic!("a policy and its binding: {objects:?}") };
    assert_eq!(
        (&policy["kind"], &binding["kind"]),
        (&"ValidatingAdmissionPolicy".into(), &"ValidatingAdmissionPolicyBinding".into())
    );
    let spec = &policy["spec"];
    assert_eq!(spec["failurePolicy"], "Fail");
    for field in ["matchPolicy", "namespaceSelector", "objectSelector"] {
        assert!(spec["matchConstraints"].get(field).is_some(), "the API server would fill in {field}");
    }
    let condition = spec["matchConditions"][0]["expression"].as_str().expect("CEL");
    assert!(condition.contains(&format!("':{}'", object::SERVER_ACCOUNT)));
    let validations = spec["validations"].to_string();
    assert!(validations.contains(label::LEADER) && validations.contains(annotation::FORMED));

    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
    assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
}
