//! The Deployment and what stands around it.

use dkron_ha::contract::{object, path, port};
use dkron_ha::install::{API_SERVER_PORTS, CERT_DIR, Certificates, Install, TLS_SECRET, installation};
use dkron_ha::server::Drain;
use dkron_ha::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

use crate::registration::webhooks;
use crate::{list, named, of_kind, plain, with_files};

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
    assert_eq!(pod["terminationGracePeriodSeconds"], 110);
    let Drain { delay, idle, finish } = Drain::default();
    assert!(delay.max(idle) + finish < Duration::from_secs(110), "a replica ends by itself");
    assert_eq!(pod["topologySpreadConstraints"][0]["topologyKey"], "kubernetes.io/hostname");
    assert_eq!(pod["topologySpreadConstraints"][0]["whenUnsatisfiable"], "ScheduleAnyway");
}

#[test]
fn ports_and_probes_agree_with_the_contract() {
    let deployment = of_kind(&plain(), "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    assert_eq!(container["command"], json!([path::IMAGE_DKRON_HA]));
    assert_eq!(container["args"], json!(["serve"]));

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
}

#[test]
fn files_are_mounted_where_the_webhook_is_told_and_nothing_else_is() {
    let deployment = of_kind(&plain(), "Deployment");
    let pod = deployment.pointer("/spec/template/spec").expect("a pod");
    assert!(pod.get("volumes").is_none() && list(pod, "/containers")[0].get("volumeMounts").is_none());

    let deployment = of_kind(&with_files(), "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    assert_eq!(container["args"], json!(["serve", format!("--cert-dir={CERT_DIR}")]));
    let mount = &container["volumeMounts"][0];
    let volume = &list(&deployment, "/spec/template/spec/volumes")[0];
    assert_eq!(mount["mountPath"], CERT_DIR);
    assert_eq!((&mount["name"], &volume["secret"]["secretName"]), (&volume["name"], &TLS_SECRET.into()));
}

#[test]
fn a_single_replica_holds_up_no_drain() {
    let single = Install { replicas: 1, ..plain() };
    assert_eq!(of_kind(&single, "Deployment")["spec"]["replicas"], 1);
    assert!(installation(&single).iter().all(|(stem, _)| *stem != "poddisruptionbudget"));
    let urgent = Install { priority_class: Some("system-cluster-critical".into()), ..plain() };
    assert_eq!(
        of_kind(&urgent, "Deployment")["spec"]["template"]["spec"]["priorityClassName"],
        "system-cluster-critical"
    );
}

#[test]
fn the_network_policy_lets_in_to_both_ports_and_out_to_api_servers_and_name_servers() {
    let policy = of_kind(&plain(), "NetworkPolicy");
    let pods = of_kind(&plain(), "Deployment").pointer("/spec/selector").cloned();
    assert_eq!(policy.pointer("/spec/podSelector").cloned(), pods);
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let names = |rule: &Value| list(rule, "/ports").iter().map(|port| port["port"].clone()).collect::<Vec<_>>();
    let [ingress] = list(&policy, "/spec/ingress") else { panic!("one rule in") };
    assert!(ingress.get("from").is_none(), "API servers and kubelets are no pods");
    let deployment = of_kind(&plain(), "Deployment");
    let container = &list(&deployment, "/spec/template/spec/containers")[0];
    let ports: Vec<_> = list(container, "/ports").iter().map(|port| port["name"].clone()).collect();
    assert_eq!(names(ingress), ports);

    let [api_servers, dns] = list(&policy, "/spec/egress") else { panic!("two rules out") };
    assert_eq!(names(api_servers), API_SERVER_PORTS.map(Value::from));
    assert_eq!(names(dns), [json!(53), json!(53)]);
    let other = Install { network_policy: Some(vec![7443]), ..plain() };
    assert_eq!(names(&list(&of_kind(&other, "NetworkPolicy"), "/spec/egress")[0]), [json!(7443)]);
    let none = Install { network_policy: None, ..plain() };
    assert!(installation(&none).iter().all(|(stem, _)| *stem != "networkpolicy"));
}

#[test]
fn cert_manager_fills_the_secret_that_is_mounted_and_vouches_for_the_services_name() {
    let settings = Settings { namespace: "platform".into(), ..Settings::default() };
    let install = Install { settings, certificates: Certificates::CertManager, ..plain() };
    let objects = named(&install, object::INSTALLATION);
    let certificate =
        objects.iter().find(|one| one["kind"] == "Certificate" && one["metadata"]["name"] == object::INSTALLATION);
    let certificate = certificate.expect("a Certificate");
    assert_eq!(certificate["spec"]["secretName"], TLS_SECRET);
    assert_eq!(certificate["spec"]["dnsNames"], json!(["dkron-ha.platform.svc"]));
    let deployment = of_kind(&install, "Deployment");
    assert_eq!(deployment["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"], TLS_SECRET);
    let issuer = objects
        .iter()
        .find(|one| one["kind"] == "Issuer" && one["metadata"]["name"] == certificate["spec"]["issuerRef"]["name"]);
    let authority = &issuer.expect("its Issuer")["spec"]["ca"]["secretName"];
    assert!(objects.iter().any(|one| &one["spec"]["secretName"] == authority && one["spec"]["isCA"] == true));
    let registration = of_kind(&install, "MutatingWebhookConfiguration");
    assert_eq!(registration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"], "platform/dkron-ha");
    assert!(!of_kind(&install, "Role")["rules"].to_string().contains("secrets"), "no right to any Secret");
}
