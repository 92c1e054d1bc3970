//! The two containers that are added: the installer and the label updater.

use crate::contract::{env, injected, path, port};
use crate::options::{Options, SidecarMode};
use crate::settings::Settings;
use serde_json::{Value, json};

/// UID of injected containers where the pod has no user of its own: nobody's, as distroless images use it.
const UID: u32 = 65_532;

/// What the two containers depend on; equal inputs give equal text.
#[derive(Clone, Debug)]
pub struct Injected<'a> {
    /// Options in force for this pod.
    pub options: &'a Options,
    /// Whether the pod itself sets a non-zero user: then the containers inherit it.
    pub inherits_user: bool,
    /// dkron's HTTP port, where it is known and not 8080.
    pub dkron_port: Option<u16>,
}

impl Injected<'_> {
    /// The options that the containers show; two pods that agree in these get the same texts.
    pub fn shown(&self) -> [Option<&str>; 7] {
        let Options { image, image_pull_policy, cpu_request, cpu_limit, memory_request, memory_limit, .. } =
            self.options;
        let native = (self.options.sidecar_mode == Some(SidecarMode::Native)).then_some("native");
        [
            image.as_deref(),
            image_pull_policy.as_deref(),
            cpu_request.as_deref(),
            cpu_limit.as_deref(),
            memory_request.as_deref(),
            memory_limit.as_deref(),
            native,
        ]
    }

    /// JSON of the init container that copies the wrapper into the shared volume. It needs no network and no shell.
    pub fn install(&self) -> String {
        let mut container = self.base(injected::INSTALL);
        container["command"] = json!([path::IMAGE_DKRON_HA_INIT, "install", path::WRAPPER]);
        container["volumeMounts"] = json!([{"name": injected::VOLUME, "mountPath": path::SHARED}]);
        container.to_string()
    }

    /// JSON of the label updater: an init container that goes on running, or a plain one.
    pub fn label_updater(&self, settings: &Settings) -> String {
        let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
        let mut variables = vec![
            field(env::POD_NAME, "metadata.name"),
            field(env::POD_IP, "status.podIP"),
            field(env::STATEFULSET_NAMESPACE, "metadata.namespace"),
        ];
        let ports = [
            (env::DKRON_HTTP_PORT, self.dkron_port),
            (env::WRAPPER_PORT, changed(settings.ports.wrapper, port::WRAPPER)),
            (env::LABEL_PORT, changed(settings.ports.label, port::LABEL)),
        ];
        for (name, port) in ports {
            variables.extend(port.map(|port| json!({"name": name, "value": port.to_string()})));
        }
        let mut container = self.base(injected::LABEL_UPDATER);
        container["command"] = json!([path::IMAGE_DKRON_HA, "label"]);
        container["env"] = Value::Array(variables);
        container["readinessProbe"] =
            json!({"httpGet": {"path": path::READYZ, "port": settings.ports.label}, "periodSeconds": 2});
        container["volumeMounts"] = json!([
            {"name": injected::VOLUME, "mountPath": path::SHARED},
            {"name": injected::TOKEN_VOLUME, "mountPath": path::SERVICE_ACCOUNT, "readOnly": true}
        ]);
        if self.options.sidecar_mode == Some(SidecarMode::Native) {
            container["restartPolicy"] = json!("Always");
        }
        container.to_string()
    }

    /// What both have: image, resources (quotas and limit ranges ask for both kinds), the restricted profile.
    fn base(&self, name: &str) -> Value {
        let options = self.options;
        let mut security = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"}
        });
        if !self.inherits_user {
            security["runAsUser"] = json!(UID);
        }
        json!({
            "name": name,
            "image": options.image,
            "imagePullPolicy": options.image_pull_policy,
            "resources": {
                "requests": {"cpu": options.cpu_request, "memory": options.memory_request},
                "limits": {"cpu": options.cpu_limit, "memory": options.memory_limit}
            },
            "securityContext": security
        })
    }
}

/// A port that is not the default one.
pub fn changed(port: u16, default: u16) -> Option<u16> {
    (port != default).then_some(port)
}
