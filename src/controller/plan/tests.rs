//! Namespaces, and what they need.

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a Kubernetes object")
}

/// Namespace `billing` with nothing in it.
fn empty(opted_in: bool) -> World {
    World { namespace: "billing".into(), opted_in, ..World::default() }
}

/// The same with a set of servers, as it is stamped.
fn with_servers() -> World {
    let labels =
        json!({ "app": "x", (label::INJECTED): "true", (label::CLUSTER): "dkron", (label::SERVER_OF): "dkron" });
    let spec = json!({ "serviceAccountName": object::SERVER_ACCOUNT, "containers": [] });
    let set = json!({
        "metadata": { "name": "dkron", "namespace": "billing", "uid": "u-1" },
        "spec": {
            "serviceName": "peers", "selector": {}, "template": { "metadata": { "labels": labels }, "spec": spec },
        },
    });
    World { sets: vec![object(set)], ..empty(true) }
}

/// A bare server of cluster `solo`.
fn bare(account: &str) -> Value {
    json!({
        "metadata": { "name": "solo-0", "namespace": "billing", "labels": { (label::SERVER_OF): "solo" } },
        "spec": { "containers": [], "serviceAccountName": account },
    })
}

fn ours() -> Value {
    json!({ (label::MANAGED_BY): object::CONTROLLER })
}

/// Kinds and names of what is applied.
fn applied(plan: &Plan) -> Vec<String> {
    let name = |object: &Value| {
        format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
    };
    plan.apply.iter().map(name).collect()
}

fn deleted(plan: &Plan) -> Vec<String> {
    plan.delete.iter().map(|target| format!("{:?}/{}", target.kind, target.name)).collect()
}

fn find<'a>(plan: &'a Plan, kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    plan.apply.iter().find(is_it).unwrap_or_else(|| panic!("{kind} {name} in {plan:?}"))
}

const ACCOUNTS: [&str; 4] = [
    "ServiceAccount/dkron-ha-server",
    "RoleBinding/dkron-ha-server",
    "ServiceAccount/dkron-ha-agent",
    "RoleBinding/dkron-ha-agent",
];

#[test]
fn an_opted_in_namespace_gets_accounts_before_its_first_pod() {
    let plan = plan(&empty(true));
    assert_eq!(applied(&plan), ACCOUNTS);
    assert!(plan.delete.is_empty() && plan.say.is_empty());
    for object in &plan.apply {
        assert_eq!(object["metadata"]["labels"][label::MANAGED_BY], object::CONTROLLER);
        assert_eq!(object["metadata"]["namespace"], "billing");
    }
}

#[test]
fn a_namespace_that_is_nothing_to_us_is_left_alone() {
    assert_eq!(plan(&empty(false)), Plan::default());
}

#[test]
fn a_set_of_servers_gets_its_services_and_a_budget_which_go_with_it() {
    let plan = plan(&with_servers());
    let of_the_set = ["Service/peers", "Service/dkron-leader", "PodDisruptionBudget/dkron"];
    assert_eq!(applied(&plan), [&ACCOUNTS[..], &of_the_set].concat());
    for name in of_the_set {
        let (kind, name) = name.split_once('/').unwrap();
        let owner = &find(&plan, kind, name)["metadata"]["ownerReferences"][0];
        assert_eq!((&owner["kind"], &owner["uid"]), (&json!("StatefulSet"), &json!("u-1")), "{name}");
    }
    let peers = &find(&plan, "Service", "peers")["spec"];
    assert_eq!((&peers["clusterIP"], &peers["publishNotReadyAddresses"]), (&json!("None"), &json!(true)));
    let leader = &find(&plan, "Service", "dkron-leader")["spec"];
    assert_eq!(leader["selector"], json!({ (label::CLUSTER): "dkron", (label::LEADER): "true" }));
    assert_eq!(leader["publishNotReadyAddresses"], true, "the label alone says who leads");
    let note = "made what was missing: Service peers, Service dkron-leader, PodDisruptionBudget dkron";
    let said: Vec<_> = plan.say.iter().map(|remark| (remark.reason, remark.warning, &*remark.note)).collect();
    assert_eq!(said, [("Created", false, note)]);
}

#[test]
fn what_is_there_already_is_kept_and_not_told_again() {
    let mut world = with_servers();
    for name in ["peers", "dkron-leader"] {
        world.services.push(object(json!({ "metadata": { "name": name, "labels": ours() } })));
    }
    world.budgets.push(object(json!({ "metadata": { "name": "dkron", "labels": ours() } })));
    let plan = plan(&world);
    assert_eq!(applied(&plan).len(), 7);
    assert!(plan.say.is_empty(), "{plan:?}");
}

#[test]
fn what_is_as_it_is_to_be_is_not_applied_again() {
    let mut world = with_servers();
    for applied in plan(&world).apply {
        match Kind::of(&applied).expect("a kind") {
            Kind::ServiceAccount => world.accounts.push(object(applied)),
            Kind::RoleBinding => world.bindings.push(object(applied)),
            Kind::Service => world.services.push(object(applied)),
            Kind::PodDisruptionBudget => world.budgets.push(object(applied)),
        }
    }
    assert_eq!(plan(&world), Plan::default());
    world.services[0].spec.as_mut().unwrap().publish_not_ready_addresses = None;
    world.bindings[0].subjects = None;
    assert_eq!(applied(&plan(&world)), ["RoleBinding/dkron-ha-server", "Service/peers"]);
}

#[test]
fn a_set_from_before_the_opt_in_is_told_how_it_is_injected() {
    let unstamped = object(json!({ "metadata": { "name": "old", "uid": "u-2" } }));
    let world = World { unstamped: vec![unstamped], ..empty(true) };
    let [told] = &plan(&world).say[..] else { panic!("one") };
    assert_eq!((told.reason, told.warning, told.about.uid.as_deref()), ("NotInjected", true, Some("u-2")));
    assert!(told.note.contains("kubectl rollout restart statefulset/old"), "{}", told.note);
}

#[test]
fn a_set_without_a_service_name_is_served_under_its_own() {
    let mut world = with_servers();
    world.sets[0].spec.as_mut().unwrap().service_name = Some(String::new());
    find(&plan(&world), "Service", "dkron");
}

#[test]
fn somebodys_own_objects_are_left_alone() {
    let mut world = with_servers();
    let good = json!({ "clusterIP": "None", "publishNotReadyAddresses": true, "selector": { "app": "x" } });
    world.services.push(object(json!({ "metadata": { "name": "peers" }, "spec": good })));
    world.services.push(object(json!({ "metadata": { "name": "dkron-leader" } })));
    world.accounts.push(object(json!({ "metadata": { "name": object::SERVER_ACCOUNT } })));
    let plan = plan(&world);
    assert_eq!(applied(&plan), [&ACCOUNTS[1..], &["PodDisruptionBudget/dkron"]].concat());
    assert!(plan.say.iter().all(|remark| !remark.warning), "{plan:?}");
}

#[test]
fn a_service_that_cannot_work_is_told_with_each_reason() {
    let mut world = with_servers();
    let bad = json!({ "clusterIP": "10.0.0.1", "selector": { "app": "y", (label::CLUSTER): "dkron" } });
    world.services.push(object(json!({ "metadata": { "name": "peers" }, "spec": bad })));
    let plan = plan(&world);
    let warned: Vec<_> = plan.say.iter().filter(|remark| remark.warning).collect();
    let [told] = &warned[..] else { panic!("one: {warned:?}") };
    assert_eq!((told.reason, told.about.uid.as_deref()), ("ServiceCannotWork", Some("u-1")));
    for reason in ["not headless", "publishNotReadyAddresses", "asks for app=y, which"] {
        assert!(told.note.contains(reason), "{reason}: {}", told.note);
    }
}

/// Evicting a pod that two budgets are about is refused.
#[test]
fn there_is_one_budget_for_a_pod() {
    let budget = |name: &str, labels: Value, selector: Value| -> PodDisruptionBudget {
        object(json!({ "metadata": { "name": name, "labels": labels }, "spec": { "selector": selector } }))
    };
    let mut world = with_servers();
    world.budgets = vec![budget("other", json!({}), json!({ "matchLabels": { "app": "other" } }))];
    find(&plan(&world), "PodDisruptionBudget", "dkron");
    world.budgets.push(budget(
        "theirs",
        json!({}),
        json!({ "matchExpressions": [{ "key": "app", "operator": "Exists" }] }),
    ));
    world.budgets.push(budget("dkron", ours(), json!({ "matchLabels": { (label::SERVER_OF): "dkron" } })));
    let plan = plan(&world);
    assert!(!applied(&plan).iter().any(|name| name.starts_with("PodDisruptionBudget")), "{plan:?}");
    assert_eq!(deleted(&plan), ["PodDisruptionBudget/dkron"]);
}

#[test]
fn bare_servers_are_a_cluster_and_own_nothing() {
    let world = World { pods: vec![object(bare(object::SERVER_ACCOUNT))], ..empty(true) };
    let plan = plan(&world);
    assert!(find(&plan, "Service", "solo")["metadata"].get("ownerReferences").is_none());
    find(&plan, "Service", "solo-leader");
    find(&plan, "PodDisruptionBudget", "solo");
    assert_eq!(plan.say[0].about.kind.as_deref(), Some("Pod"));
}

#[test]
fn accounts_that_people_chose_get_the_rights_of_their_role() {
    let mut world = with_servers();
    let template = &mut world.sets[0].spec.as_mut().unwrap().template;
    template.spec.as_mut().unwrap().service_account_name = Some("billing-jobs".into());
    let agent = json!({ "metadata": { "name": "w", "labels": { (label::CLUSTER): "dkron" } },
        "spec": { "containers": [], "serviceAccountName": "workers" } });
    world.pods = vec![object(bare("default")), object(agent)];
    let plan = plan(&world);
    let subjects = |name| {
        let binding = find(&plan, "RoleBinding", name)["subjects"].as_array().unwrap().clone();
        binding.iter().map(|subject| subject["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(subjects(object::SERVER_ACCOUNT), [object::SERVER_ACCOUNT, "billing-jobs"]);
    assert_eq!(subjects(object::AGENT_ACCOUNT), [object::AGENT_ACCOUNT, "workers"]);
}

#[test]
fn an_opted_out_namespace_keeps_everything_while_servers_live_there_and_nothing_of_ours_afterwards() {
    let lives_on = World { opted_in: false, ..with_servers() };
    assert_eq!(plan(&lives_on), plan(&with_servers()));

    let mut left = empty(false);
    for name in ["a", "b"] {
        let labels = if name == "a" { ours() } else { json!({}) };
        let meta = json!({ "metadata": { "name": name, "labels": labels } });
        left.services.push(object(meta.clone()));
        left.accounts.push(object(meta.clone()));
        left.budgets.push(object(meta.clone()));
        let role = json!({ "apiGroup": "", "kind": "Role", "name": "r" });
        left.bindings.push(object(json!({ "metadata": meta["metadata"], "roleRef": role })));
    }
    let plan = plan(&left);
    assert!(plan.apply.is_empty());
    assert_eq!(deleted(&plan), ["Service/a", "PodDisruptionBudget/a", "RoleBinding/a", "ServiceAccount/a"]);
}
