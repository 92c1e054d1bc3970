//! The installation as objects: what an API server and an auditor would look for in them.

use dkron_ha::contract::{EXCLUDED_NAMESPACES, annotation, label, object, path, port};
use dkron_ha::install::{CERT_DIR, Install, TLS_SECRET, for_namespace, installation, registration};
use dkron_ha::settings::{Ports, Settings};
use serde_json::{Value, json};

fn plain() -> Install {
    Install::default()
}

fn of_kind(install: &Install, kind: &str) -> Value {
    let mut found = installation(install).into_iter().map(|(_, object)| object).filter(|object| object["kind"] == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "one {kind}");
    object
}

fn webhooks(install: &Install) -> Vec<Value> {
    registration(install)["webhooks"].as_array().expect("a list").clone()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list at {pointer}"))
}

#[test]
fn objects_come_in_the_order_in_which_they_are_applied() {
    let stems: Vec<_> = installation(&plain()).into_iter().map(|(stem, _)| stem).collect();
    assert_eq!(
        stems,
        [
            "namespace",
            "serviceaccount",
            "clusterrole",
            "clusterrolebinding",
            "service",
            "deployment",
            "poddisruptionbudget",
            "validatingadmissionpolicy",
            "validatingadmissionpolicybinding",
            "mutatingwebhookconfiguration",
        ]
    );
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    let bytes = || serde_json::to_string(&(installation(&plain()), for_namespace("jobs"))).expect("JSON");
    assert_eq!(bytes(), bytes());
}

#[test]
fn everything_says_what_it_belongs_to() {
    for (stem, object) in installation(&plain()).into_iter().chain(for_namespace("jobs")) {
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], object::INSTALLATION, "{stem}");
        assert_eq!(labels["app.kubernetes.io/part-of"], object::INSTALLATION, "{stem}");
    }
    let versioned = ["Deployment", "MutatingWebhookConfiguration"].map(|kind| of_kind(&plain(), kind));
    for object in versioned {
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn the_selector_of_deployment_service_and_budget_holds_no_version() {
    let deployment = of_kind(&plain(), "Deployment");
    let pod_labels = deployment.pointer("/spec/template/metadata/labels").expect("labels");
    let selectors = [
        deployment.pointer("/spec/selector/matchLabels").cloned(),
        of_kind(&plain(), "Service").pointer("/spec/selector").cloned(),
        of_kind(&plain(), "PodDisruptionBudget").pointer("/spec/selector/matchLabels").cloned(),
    ];
    for selector in selectors {
        let selector = selector.expect("a selector");
        for (key, value) in selector.as_object().expect("labels") {
            assert_eq!(&pod_labels[key], value, "{key}");
            assert_ne!(key, "app.kubernetes.io/version");
        }
    }
}

#[test]
fn the_pod_meets_the_restricted_standard_that_its_namespace_enforces() {
    let enforced = &of_kind(&plain(), "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
    assert_eq!(enforced, "restricted");

    let deployment = of_kind(&plain(), "Deployment");
    let pod = deployment.pointer("/spec/template/spec").expect("a pod");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["runAsUser"], 65_532);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(shared).is_none(), "{shared}");
    }
    for container in list(pod, "/containers") {
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"], json!({ "drop": ["ALL"] }));
        let resources = &container["resources"];
        assert!(resources["requests"]["cpu"].is_string() && resources["requests"]["memory"].is_string());
        assert!(resources["limits"]["memory"].is_string());
        assert!(resources["limits"].get("cpu").is_none(), "a throttled webhook holds up those who apply");
    }
}

#[test]
fn a_rollout_or_a_drain_leaves_a_webhook_that_answers() {
    let deployment = of_kind(&plain(), "Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"], json!({ "maxUnavailable": 0, "maxSurge": 1 }));
    assert_eq!(of_kind(&plain(), "PodDisruptionBudget")["spec"]["minAvailable"], 1);
    let pod = deployment.pointer("/spec/template/spec").expect("a pod");
    assert_eq!(pod["terminationGracePeriodSeconds"], 40);
    assert_eq!(pod["topologySpreadConstraints"][0]["topologyKey"], "kubernetes.io/hostname");
    assert_eq!(pod["topologySpreadConstraints"][0]["whenUnsatisfiable"], "ScheduleAnyway");
}

#[test]
fn ports_probes_and_mounts_agree_with_the_contract() {
    let deployment = of_kind(&plain(), "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    assert_eq!(container["command"], json!([path::IMAGE_DKRON_HA]));
    assert_eq!(container["args"], json!(["serve", format!("--cert-dir={CERT_DIR}")]));

    let number = |name: &Value| {
        let ports = list(container, "/ports");
        ports.iter().find(|port| &port["name"] == name).map(|port| port["containerPort"].clone()).expect("a port")
    };
    for (probe, path) in [("livenessProbe", path::HEALTHZ), ("readinessProbe", path::READYZ)] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
        assert_eq!(number(&container[probe]["httpGet"]["port"]), port::ADMIN, "{probe}");
    }
    let service = of_kind(&plain(), "Service");
    assert_eq!(number(&service["spec"]["ports"][0]["targetPort"]), port::WEBHOOK);
    assert_eq!(webhooks(&plain())[0]["clientConfig"]["service"]["port"], service["spec"]["ports"][0]["port"]);

    let mount = &container["volumeMounts"][0];
    let volume = &list(&deployment, "/spec/template/spec/volumes")[0];
    assert_eq!(mount["mountPath"], CERT_DIR);
    assert_eq!((&mount["name"], &volume["secret"]["secretName"]), (&volume["name"], &TLS_SECRET.into()));
}

#[test]
fn settings_reach_every_object_that_speaks_of_them() {
    let settings = Settings {
        namespace: "platform".into(),
        ports: Ports { webhook: 10_443, admin: 10_090, ..Ports::default() },
        ..Settings::default()
    };
    let install = Install { settings, ca_bundle: None };
    for (stem, object) in installation(&install) {
        let metadata = &object["metadata"];
        assert!(metadata.get("namespace").is_none_or(|namespace| namespace == "platform"), "{stem}");
    }
    assert_eq!(of_kind(&install, "Namespace")["metadata"]["name"], "platform");
    assert_eq!(of_kind(&install, "ClusterRoleBinding")["subjects"][0]["namespace"], "platform");
    let deployment = of_kind(&install, "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    assert_eq!(container["ports"][0]["containerPort"], 10_443);
    assert_eq!(container["ports"][1]["containerPort"], 10_090);
    for said in ["--namespace=platform", "--webhook-port=10443", "--admin-port=10090"] {
        assert!(list(container, "/args").contains(&said.into()), "{said}");
    }
    for webhook in webhooks(&install) {
        assert_eq!(webhook["clientConfig"]["service"]["namespace"], "platform");
        assert!(excluded(&webhook).contains(&"platform".to_owned()));
        assert!(!excluded(&webhook).contains(&object::INSTALLATION.to_owned()));
    }
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

fn excluded(webhook: &Value) -> Vec<String> {
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
    assert!(webhooks(&plain()).iter().all(|webhook| webhook["clientConfig"].get("caBundle").is_none()));
    let install = Install { ca_bundle: Some("-----BEGIN CERTIFICATE-----\n".into()), ..plain() };
    for webhook in webhooks(&install) {
        assert_eq!(webhook["clientConfig"]["caBundle"], "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==");
    }
}

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
fn the_webhook_may_list_sets_and_nothing_else() {
    let role = of_kind(&plain(), "ClusterRole");
    assert_eq!(granted(&role), rights(&[("apps", "statefulsets", &["list", "watch"])]));
    let binding = of_kind(&plain(), "ClusterRoleBinding");
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], of_kind(&plain(), "ServiceAccount")["metadata"]["name"]);
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
    assert_eq!(granted(find("Role", object::SERVER_ACCOUNT)), rights(server));
    assert_eq!(granted(find("Role", object::AGENT_ACCOUNT)), rights(&[("", "pods", &["list"])]));
    assert_eq!(find("ServiceAccount", object::SERVER_ACCOUNT)["automountServiceAccountToken"], false);
    assert!(find("ServiceAccount", object::AGENT_ACCOUNT).get("automountServiceAccountToken").is_none());
    for name in [object::SERVER_ACCOUNT, object::AGENT_ACCOUNT] {
        let binding = find("RoleBinding", name);
        assert_eq!(binding["roleRef"]["kind"], "Role");
        assert_eq!(binding["roleRef"]["name"], name);
        assert_eq!(binding["subjects"], json!([{ "kind": "ServiceAccount", "name": name, "namespace": "jobs" }]));
    }
}

#[test]
fn the_policy_narrows_the_servers_patches_and_is_in_force() {
    let policy = of_kind(&plain(), "ValidatingAdmissionPolicy");
    let spec = &policy["spec"];
    assert_eq!(spec["failurePolicy"], "Fail");
    for field in ["matchPolicy", "namespaceSelector", "objectSelector"] {
        assert!(spec["matchConstraints"].get(field).is_some(), "the API server would fill in {field}");
    }
    let condition = spec["matchConditions"][0]["expression"].as_str().expect("CEL");
    assert!(condition.contains(&format!("':{}'", object::SERVER_ACCOUNT)));
    let validations = spec["validations"].to_string();
    assert!(validations.contains(label::LEADER) && validations.contains(annotation::FORMED));

    let binding = of_kind(&plain(), "ValidatingAdmissionPolicyBinding");
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
    assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
}
