//! The guard: what it shares with the registration, and what it hangs on.

use dkron_ha::contract::{label, object, path};
use dkron_ha::install::{Guard, Install};
use dkron_ha::settings::Settings;
use serde_json::{Value, json};

use crate::registration::webhooks;
use crate::{list, named, plain};

/// The policy and its bindings.
fn guard(install: &Install) -> Vec<Value> {
    named(install, object::GUARD)
}

#[test]
fn it_looks_at_exactly_the_pods_that_would_be_sent() {
    let objects = guard(&plain());
    let (policy, bindings) = objects.split_first().expect("a policy");
    let sent: Vec<Value> =
        webhooks(&plain()).into_iter().filter(|webhook| webhook["rules"][0]["resources"] == json!(["pods"])).collect();
    assert_eq!(bindings.len(), sent.len());
    for (binding, webhook) in bindings.iter().zip(&sent) {
        assert_eq!(policy["spec"]["matchConditions"], webhook["matchConditions"]);
        let matched = &binding["spec"]["matchResources"];
        for selector in ["namespaceSelector", "objectSelector", "matchPolicy"] {
            assert_eq!(matched[selector], webhook[selector], "{selector}");
        }
        let rule = &policy["spec"]["matchConstraints"]["resourceRules"][0];
        assert_eq!(*rule, webhook["rules"][0]);
    }
}

#[test]
fn the_operator_chooses_and_pods_are_refused_where_nobody_chose() {
    assert_eq!(plain().guard, Guard::Deny);
    for (chosen, actions) in [(Guard::Deny, json!(["Deny"])), (Guard::Warn, json!(["Warn", "Audit"]))] {
        let objects = guard(&Install { guard: chosen, ..plain() });
        assert_eq!(objects.len(), 3);
        for binding in &objects[1..] {
            assert_eq!(binding["spec"]["policyName"], objects[0]["metadata"]["name"]);
            assert_eq!(binding["spec"]["validationActions"], actions);
        }
    }
    assert!(guard(&Install { guard: Guard::Off, ..plain() }).is_empty());
}

#[test]
fn it_goes_with_the_installation_and_an_expression_that_fails_stops_nobody() {
    let settings = Settings { namespace: "platform".into(), ..Settings::default() };
    let objects = guard(&Install { settings, ..plain() });
    assert_eq!(objects[0]["spec"]["failurePolicy"], "Ignore");
    assert_eq!(objects[0]["spec"]["paramKind"], json!({"apiVersion": "v1", "kind": "ServiceAccount"}));
    for binding in &objects[1..] {
        let account =
            json!({"name": object::INSTALLATION, "namespace": "platform", "parameterNotFoundAction": "Allow"});
        assert_eq!(binding["spec"]["paramRef"], account);
    }
}

#[test]
fn its_expressions_speak_of_the_contracts_names_and_its_message_of_the_way_out() {
    let policy = &guard(&plain())[0];
    let variables = policy["spec"]["variables"].to_string();
    for name in [path::WRAPPER, label::INJECTED, label::SERVER_OF] {
        assert!(variables.contains(name), "{name}");
    }
    let message = list(policy, "/spec/validations")[0]["message"].as_str().expect("a message");
    assert!(message.contains(&format!("{}=false", label::INJECT)), "{message}");
}
