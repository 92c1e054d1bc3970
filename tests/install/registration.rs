//! What is sent, where, and what is never sent.

use dkron_ha::contract::{EXCLUDED_NAMESPACES, annotation, label, object, path};
use dkron_ha::install::{Certificates, Install, Pem, registration};
use serde_json::{Value, json};

use crate::{list, of_kind, plain, with_files};

pub fn webhooks(install: &Install) -> Vec<Value> {
    registration(install)["webhooks"].as_array().expect("a list").clone()
}

/// Fields that the API server fills in where a registration leaves them out.
const DEFAULTED: [&str; 10] = [
    "/failurePolicy",
    "/matchPolicy",
    "/namespaceSelector",
    "/objectSelector",
    "/sideEffects",
    "/timeoutSeconds",
    "/reinvocationPolicy",
    "/clientConfig/service/port",
    "/clientConfig/service/path",
    "/rules/0/scope",
];

#[test]
fn the_registration_leaves_nothing_to_be_filled_in() {
    for webhook in webhooks(&plain()) {
        for field in DEFAULTED {
            assert!(webhook.pointer(field).is_some(), "{} {field}", webhook["name"]);
        }
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
        assert_eq!(webhook["failurePolicy"], "Fail");
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        assert_eq!(webhook["sideEffects"], "None");
        assert_eq!(webhook["timeoutSeconds"], 3);
        assert_eq!(webhook["reinvocationPolicy"], "IfNeeded");
        assert_eq!(webhook["clientConfig"]["service"]["path"], path::MUTATE);
        assert_eq!(webhook["clientConfig"]["service"]["name"], of_kind(&plain(), "Service")["metadata"]["name"]);
    }
}

#[test]
fn entries_have_names_of_their_own_in_our_domain() {
    let names: Vec<_> = webhooks(&plain()).iter().map(|webhook| webhook["name"].clone()).collect();
    assert_eq!(
        names,
        [
            "pods.injection.dkron-ha.io",
            "statefulsets.injection.dkron-ha.io",
            "pods.injected.dkron-ha.io",
            "statefulsets.injected.dkron-ha.io"
        ]
    );
}

#[test]
fn only_created_pods_and_created_or_updated_sets_are_sent() {
    for webhook in webhooks(&plain()) {
        let rules = list(&webhook, "/rules");
        assert_eq!(rules.len(), 1);
        let rule = (&rules[0]["apiGroups"], &rules[0]["resources"], &rules[0]["operations"]);
        if rule.1 == &json!(["pods"]) {
            assert_eq!((rule.0, rule.2), (&json!([""]), &json!(["CREATE"])));
        } else {
            let sets = (&json!(["apps"]), &json!(["statefulsets"]), &json!(["CREATE", "UPDATE"]));
            assert_eq!(rule, sets);
        }
        assert_eq!(rules[0]["apiVersions"], json!(["v1"]));
        assert_eq!(rules[0]["scope"], "Namespaced");
    }
}

fn requirement<'a>(webhook: &'a Value, selector: &str, key: &str) -> Option<&'a Value> {
    list(webhook, &format!("/{selector}/matchExpressions")).iter().find(|requirement| requirement["key"] == key)
}

pub fn excluded(webhook: &Value) -> Vec<String> {
    let by_name = requirement(webhook, "namespaceSelector", "kubernetes.io/metadata.name").expect("by name");
    assert_eq!(by_name["operator"], "NotIn");
    serde_json::from_value(by_name["values"].clone()).expect("names")
}

#[test]
fn system_namespaces_our_own_and_whoever_opted_out_are_never_sent() {
    for webhook in webhooks(&plain()) {
        let excluded = excluded(&webhook);
        for namespace in EXCLUDED_NAMESPACES.into_iter().chain([object::INSTALLATION]) {
            assert!(excluded.iter().any(|name| name == namespace), "{} {namespace}", webhook["name"]);
        }
        let opted_out = requirement(&webhook, "objectSelector", label::INJECT).expect("opt-out");
        assert_eq!((&opted_out["operator"], &opted_out["values"]), (&json!("NotIn"), &json!(["false"])));
    }
}

#[test]
fn a_namespace_belongs_to_exactly_one_of_the_two_reasons() {
    let webhooks = webhooks(&plain());
    let (opted_in, stamped) = webhooks.split_at(2);
    let injection = |webhook: &Value| {
        let requirement = requirement(webhook, "namespaceSelector", label::INJECTION).expect("a requirement");
        (requirement["operator"].clone(), requirement["values"].clone())
    };
    for webhook in opted_in {
        assert_eq!(injection(webhook), ("In".into(), json!([label::INJECTION_ENABLED])));
        assert!(requirement(webhook, "objectSelector", label::INJECTED).is_none());
    }
    for webhook in stamped {
        assert_eq!(injection(webhook), ("NotIn".into(), json!([label::INJECTION_ENABLED])));
        let stamp = requirement(webhook, "objectSelector", label::INJECTED).expect("the stamp");
        assert_eq!((&stamp["operator"], &stamp["values"]), (&json!("In"), &json!(["true"])));
    }
}

#[test]
fn conditions_are_few_named_and_speak_of_the_contracts_names() {
    for webhook in webhooks(&plain()) {
        let conditions = list(&webhook, "/matchConditions");
        assert!(conditions.len() <= 4, "each is evaluated for each pod of an opted-in namespace");
        let text = conditions.iter().map(|condition| condition["expression"].to_string()).collect::<String>();
        for condition in conditions {
            assert!(condition["name"].as_str().is_some_and(|name| name.starts_with("dkron-ha.io/")));
        }
        assert!(text.contains(label::INJECT));
        let of_pods = webhook["rules"][0]["resources"] == json!(["pods"]);
        assert_eq!(text.contains(annotation::MIRROR_POD), of_pods);
        assert_eq!(text.contains("oldObject.spec"), !of_pods);
    }
}

#[test]
fn the_bundle_is_sent_as_base64_of_its_pem_and_left_out_where_there_is_none() {
    for install in [plain(), with_files()] {
        assert!(webhooks(&install).iter().all(|webhook| webhook["clientConfig"].get("caBundle").is_none()));
    }
    let pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let pem = Pem { authority: pem, chain: "chain".into(), key: "key".into() };
    let install = Install { certificates: Certificates::Files(Some(pem)), ..plain() };
    for webhook in webhooks(&install) {
        assert_eq!(webhook["clientConfig"]["caBundle"], "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==");
    }
}
