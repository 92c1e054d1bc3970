//! Everything that has nothing to do with pods of dkron, called dkron.

use dkron_ha::contract::label::{INJECT, INJECTED};
use dkron_ha::contract::object::INSTALLATION;
use serde_json::{Value, json};

use super::calls::{create, delete, get, merge, of, pod_spec, root, set, template};
use super::stage::{LOOKALIKE, OPTED_IN, OPTED_OUT_AGAIN, PLAIN};
use super::{Call, Stage};

/// Labelled as if it were to be injected.
fn object(api: &str, kind: &str, rest: Value) -> Value {
    let metadata = json!({"name": "dkron-agent", "labels": {INJECT: "true", INJECTED: "true"}});
    let mut object = json!({"apiVersion": api, "kind": kind, "metadata": metadata});
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}

pub fn of_the_cluster(_: &Stage) -> Vec<Call> {
    let rbac = "rbac.authorization.k8s.io/v1";
    let admission = "admissionregistration.k8s.io/v1";
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"});
    let names = json!({"plural": "dkrons", "kind": "Dkron", "singular": "dkron"});
    let version =
        json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}});
    let mut definition = object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        json!({"spec": {"group": "dkron.example", "scope": "Namespaced", "names": names, "versions": [version]}}),
    );
    definition["metadata"]["name"] = "dkrons.dkron.example".into();
    let capacity = json!({"storage": "1Gi"});
    let local = json!({"capacity": capacity, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/dkron"}});
    let policy = json!({"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}, "validations": [{"expression": "true"}]});
    let objects = [
        ("v1", "persistentvolumes", object("v1", "PersistentVolume", json!({"spec": local}))),
        (
            "storage.k8s.io/v1",
            "storageclasses",
            object("storage.k8s.io/v1", "StorageClass", json!({"provisioner": "example.com/dkron"})),
        ),
        ("storage.k8s.io/v1", "csidrivers", object("storage.k8s.io/v1", "CSIDriver", json!({"spec": {}}))),
        (
            "scheduling.k8s.io/v1",
            "priorityclasses",
            object("scheduling.k8s.io/v1", "PriorityClass", json!({"value": 7})),
        ),
        ("node.k8s.io/v1", "runtimeclasses", object("node.k8s.io/v1", "RuntimeClass", json!({"handler": "dkron"}))),
        (
            "networking.k8s.io/v1",
            "ingressclasses",
            object("networking.k8s.io/v1", "IngressClass", json!({"spec": {"controller": "example.com/dkron"}})),
        ),
        (rbac, "clusterroles", object(rbac, "ClusterRole", json!({"rules": []}))),
        (rbac, "clusterrolebindings", object(rbac, "ClusterRoleBinding", json!({"roleRef": role, "subjects": []}))),
        (
            admission,
            "validatingadmissionpolicies",
            object(admission, "ValidatingAdmissionPolicy", json!({"spec": policy})),
        ),
        (
            admission,
            "mutatingwebhookconfigurations",
            object(admission, "MutatingWebhookConfiguration", json!({"webhooks": []})),
        ),
        ("apiextensions.k8s.io/v1", "customresourcedefinitions", definition),
    ];
    let mut calls: Vec<Call> =
        objects.into_iter().map(|(api, plural, object)| create(&format!("{}/{plural}", root(api)), object)).collect();
    let access = json!({"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": OPTED_IN}});
    let mut of_user = access.clone();
    of_user["user"] = "dkron-agent".into();
    for (api, plural, kind, spec) in [
        ("authentication.k8s.io/v1", "tokenreviews", "TokenReview", json!({"token": "dkron agent"})),
        ("authorization.k8s.io/v1", "subjectaccessreviews", "SubjectAccessReview", of_user),
        ("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", access),
        ("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview", Value::Null),
    ] {
        let mut review = json!({"apiVersion": api, "kind": kind});
        if !spec.is_null() {
            review["spec"] = spec;
        }
        calls.push(create(&format!("{}/{plural}", root(api)), review));
    }
    calls
}

pub fn in_namespaces(_: &Stage) -> Vec<Call> {
    let selector = json!({"matchLabels": {"app": "dkron"}});
    let port = json!([{"name": "dkron", "port": 8080}]);
    let rbac = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dkron"});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let target = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron"});
    let backend = json!({"service": {"name": "dkron", "port": {"number": 8080}}});
    let kinds = [
        ("v1", "configmaps", "ConfigMap", json!({"data": {"dkron.yml": "server: true", "run": "dkron agent"}})),
        ("v1", "secrets", "Secret", json!({"stringData": {"dkron": "agent"}})),
        (
            "v1",
            "services",
            "Service",
            json!({"spec": {"clusterIP": "None", "selector": {"app": "dkron"}, "ports": port}}),
        ),
        ("v1", "serviceaccounts", "ServiceAccount", json!({})),
        ("v1", "persistentvolumeclaims", "PersistentVolumeClaim", json!({"spec": claim})),
        (
            "v1",
            "limitranges",
            "LimitRange",
            json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}),
        ),
        ("v1", "resourcequotas", "ResourceQuota", json!({"spec": {"hard": {"pods": "100"}}})),
        ("v1", "endpoints", "Endpoints", json!({"subsets": []})),
        ("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", json!({"addressType": "IPv4", "endpoints": []})),
        ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", json!({"spec": {"podSelector": selector}})),
        ("networking.k8s.io/v1", "ingresses", "Ingress", json!({"spec": {"defaultBackend": backend}})),
        (
            "policy/v1",
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            json!({"spec": {"maxUnavailable": 1, "selector": selector}}),
        ),
        (
            "autoscaling/v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            json!({"spec": {"maxReplicas": 5, "scaleTargetRef": target}}),
        ),
        ("coordination.k8s.io/v1", "leases", "Lease", json!({"spec": {"holderIdentity": "dkron-0"}})),
        (rbac, "roles", "Role", json!({"rules": []})),
        (rbac, "rolebindings", "RoleBinding", json!({"roleRef": role, "subjects": []})),
    ];
    let mut calls = Vec::new();
    for namespace in [OPTED_IN, OPTED_OUT_AGAIN, "kube-system", INSTALLATION] {
        for (api, plural, kind, rest) in &kinds {
            calls.push(create(&of(api, namespace, plural), object(api, kind, rest.clone())));
        }
        let event = json!({
            "involvedObject": {"kind": "Pod", "name": "dkron-0", "namespace": namespace}, "reason": "Dkron", "message": "agent",
        });
        calls.push(create(&of("v1", namespace, "events"), object("v1", "Event", event)));
        let token =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
        calls.push(create(&format!("{}/default/token", of("v1", namespace, "serviceaccounts")), token));
        let access = json!({"user": "dkron-agent", "resourceAttributes": {"verb": "create", "resource": "pods", "namespace": namespace}});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview", "metadata": {"namespace": namespace}, "spec": access});
        calls.push(create(&of("authorization.k8s.io/v1", namespace, "localsubjectaccessreviews"), review));
    }
    calls
}

/// A registration for `pods` and `statefulsets` of one group says nothing about another one's.
pub fn custom_resources(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for namespace in [OPTED_IN, OPTED_OUT_AGAIN, PLAIN] {
        let spec = set("dkron", &super::dkron::server())["spec"].take();
        for (plural, kind, spec) in [
            ("pods", "Pod", pod_spec(&super::dkron::server())),
            ("statefulsets", "StatefulSet", spec),
            ("dkronjobs", "DkronJob", json!({"template": template("dkron", &super::dkron::server())})),
        ] {
            let mut new = object(LOOKALIKE, kind, json!({"spec": spec}));
            let all = of(LOOKALIKE, namespace, plural);
            calls.push(create(&all, new.clone()));
            new["metadata"]["labels"] = json!({});
            calls.push(create(&all, new));
        }
    }
    for plural in ["pods", "statefulsets", "dkronjobs"] {
        let stored = format!("{}/dkron", of(LOOKALIKE, OPTED_IN, plural));
        calls.extend([
            merge(&stored, json!({"spec": {"replicas": 9}})),
            merge(&format!("{stored}/status"), json!({"status": {"replicas": 9}})),
            merge(&stored, json!({"metadata": {"labels": {"team": "a"}}})),
            delete(&stored),
        ]);
    }
    calls
}

pub fn reading(_: &Stage) -> Vec<Call> {
    let mut calls = Vec::new();
    for (api, plural) in [("v1", "pods"), ("apps/v1", "statefulsets"), ("v1", "events"), ("v1", "secrets")] {
        for namespace in [OPTED_IN, OPTED_OUT_AGAIN, "kube-system", INSTALLATION] {
            calls.push(get(&of(api, namespace, plural)));
        }
        calls.push(get(&format!("{}/{plural}", root(api))));
    }
    for path in ["/readyz", "/livez", "/version", "/apis", "/openapi/v3"] {
        calls.push(get(path));
    }
    calls
}
