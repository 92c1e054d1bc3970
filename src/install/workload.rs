//! The webhook's own Deployment and what stands around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::metadata::{labels, namespaced, selector, versioned};
use super::{CERT_DIR, Install, Pem, TLS_SECRET, arguments};
use crate::contract::{object, path};
use crate::options::Options;
use crate::settings::Settings;

/// Names of the container's ports; Service and probes speak of them, so that a changed number is changed once.
pub const WEBHOOK_PORT: &str = "webhook";
pub const ADMIN_PORT: &str = "admin";

/// Volume of the certificate's files.
const CERTS: &str = "certs";

/// Port of the Service: what the API server calls where a registration says nothing.
pub const SERVICE_PORT: u16 = 443;

/// User and group of the container: the usual "nonroot" of small images; nothing in the image belongs to it.
const NONROOT: u32 = 65_532;

/// Owner and group may read the certificate's key.
const KEY_MODE: u32 = 0o440;

/// Replicas that are replaced one by one, and never fewer while that goes on.
pub fn deployment(install: &Install) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": namespaced(object::INSTALLATION, &install.settings.namespace, &versioned()),
        "spec": {
            "replicas": install.replicas,
            "selector": { "matchLabels": selector() },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": {
                "metadata": { "labels": versioned() },
                "spec": pod(install),
            },
        },
    })
}

fn pod(install: &Install) -> Value {
    let mut pod = json!({
        "serviceAccountName": object::INSTALLATION,
        "automountServiceAccountToken": true,
        // Variables that Kubernetes makes of Services may have the names of our flags' (`DKRON_HA_ADMIN_PORT=tcp://…`).
        "enableServiceLinks": false,
        // 12 s of serving on, connections left to API servers until 92 s, 10 s for the answers under way, and then KILL.
        "terminationGracePeriodSeconds": 110,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": NONROOT,
            "runAsGroup": NONROOT,
            "fsGroup": NONROOT,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "topologySpreadConstraints": [spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")],
        "containers": [container(&install.settings, &arguments(install))],
    });
    if let Some(class) = &install.priority_class {
        pod["priorityClassName"] = class.as_str().into();
    }
    if install.certificates.are_mounted() {
        pod["volumes"] = json!([{ "name": CERTS, "secret": { "secretName": TLS_SECRET, "defaultMode": KEY_MODE } }]);
        pod["containers"][0]["volumeMounts"] = json!([{ "name": CERTS, "mountPath": CERT_DIR, "readOnly": true }]);
    }
    pod
}

/// Where there are several of these places, replicas stand apart.
fn spread(topology: &str) -> Value {
    json!({
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": selector() },
    })
}

fn container(settings: &Settings, arguments: &[String]) -> Value {
    // `Options::over` fills what the operator left out, as `serve` itself does.
    let options = settings.options.clone().over(&Options::builtin());
    json!({
        "name": object::INSTALLATION,
        "image": options.image,
        "imagePullPolicy": options.image_pull_policy,
        "command": [path::IMAGE_DKRON_HA],
        "args": arguments,
        "ports": [
            { "name": WEBHOOK_PORT, "containerPort": settings.ports.webhook, "protocol": "TCP" },
            { "name": ADMIN_PORT, "containerPort": settings.ports.admin, "protocol": "TCP" },
        ],
        "livenessProbe": probe(path::HEALTHZ, 10, 3),
        "readinessProbe": probe(path::READYZ, 2, 2),
        // No CPU limit: throttling would be felt by whoever applies a manifest, up to the registration's time-out.
        "resources": {
            "requests": { "cpu": "50m", "memory": "32Mi" },
            "limits": { "memory": "256Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
    })
}

fn probe(path: &str, period_seconds: u32, failure_threshold: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": ADMIN_PORT },
        "periodSeconds": period_seconds,
        "timeoutSeconds": 2,
        "failureThreshold": failure_threshold,
    })
}

/// One replica stays through a drain. A replica that is not ready serves nobody, so it never holds up a drain.
pub fn disruption_budget(settings: &Settings) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": namespaced(object::INSTALLATION, &settings.namespace, &labels()),
        "spec": {
            "minAvailable": 1,
            "selector": { "matchLabels": selector() },
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    })
}

/// The Secret that the containers mount, in the kind that Kubernetes has for it. Written as it is stored: `stringData` is
/// never found unchanged by a later apply.
pub fn certificates(settings: &Settings, pem: &Pem) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": namespaced(TLS_SECRET, &settings.namespace, &labels()),
        "type": "kubernetes.io/tls",
        "data": {
            "ca.crt": STANDARD.encode(&pem.authority),
            "tls.crt": STANDARD.encode(&pem.chain),
            "tls.key": STANDARD.encode(&pem.key),
        },
    })
}

/// What the API server calls.
pub fn service(settings: &Settings) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": namespaced(object::INSTALLATION, &settings.namespace, &labels()),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(),
            "ports": [{ "name": WEBHOOK_PORT, "port": SERVICE_PORT, "targetPort": WEBHOOK_PORT, "protocol": "TCP" }],
        },
    })
}
