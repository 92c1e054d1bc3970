//! What the requests are sent to: namespaces, sets, pods and a few more, stored for real.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dkron_ha::contract::EXCLUDED_NAMESPACES;
use dkron_ha::contract::label::{INJECTION, INJECTION_ENABLED};
use serde_json::{Value, json};

use super::calls::{container, pod, set};
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::look::{is_injected, is_stamped, is_untouched};
use crate::namespace::Namespace;
use crate::wait::wait_until;

/// Opted in. Two sets are stamped there, one was there before, one is of somebody else.
pub const OPTED_IN: &str = "lockout-in";
/// Was opted in; a set is stamped there.
pub const OPTED_OUT_AGAIN: &str = "lockout-left";
/// Nobody ever asked for anything; a set of dkron lives there.
pub const PLAIN: &str = "lockout-plain";
/// The same, with another value of the label.
pub const NEVER: &str = "lockout-never";

/// A set that is stamped, in both namespaces.
pub const STAMPED: &str = "dkron";
/// A set of dkron that is older than the opt-in.
pub const OLD: &str = "old";

/// An API whose kinds have the names of Kubernetes' own.
pub const LOOKALIKE: &str = "lookalike.example/v1";

/// Kinds with these plurals, in [`LOOKALIKE`].
const LOOKALIKES: [(&str, &str); 3] = [("pods", "Pod"), ("statefulsets", "StatefulSet"), ("dkronjobs", "DkronJob")];

pub struct Stage {
    /// Whether there is a registration while requests are sent.
    pub registered: bool,
    pub node: &'static str,
    pub csr: &'static str,
    /// PEM, base64.
    pub signing_request: String,
    /// By namespace, plural and name.
    stored: BTreeMap<(String, &'static str, String), Value>,
}

impl Stage {
    /// Stores everything, with the webhook at work, and waits until controllers have acted.
    pub fn build(cluster: &Cluster) -> Result<Self> {
        let stage = |name| cluster.ensure_namespace(name);
        let [inside, left, plain] = [stage(OPTED_IN)?, stage(OPTED_OUT_AGAIN)?, stage(PLAIN)?];
        cluster.create_namespace(NEVER, &[(INJECTION, "disabled")])?;
        let server = super::dkron::server;
        inside.apply(&set(OLD, &server()).to_string())?;
        inside.pods(OLD, 1)?; // one after the other: none becomes ready
        plain.apply(&set(STAMPED, &server()).to_string())?;
        for namespace in [&inside, &left] {
            cluster.create_accounts(&namespace.name)?;
            namespace.opt_in()?;
            namespace.apply(&set(STAMPED, &server()).to_string())?;
        }
        inside.apply(&set("nightly", &server()).to_string())?;
        let web = || container("registry.example/web:1", &[], &["serve"]);
        inside.apply(&set("web", &web()).to_string())?;
        inside.apply(&pod("x-0", &server()).to_string())?;
        for name in EXCLUDED_NAMESPACES {
            label_for_injection(cluster, name, INJECTION_ENABLED)?;
        }
        lookalikes(cluster, &inside)?;
        let (signing_request, csr) = signing_request(cluster)?;
        let node = node(cluster)?;

        let sets = [
            (&inside, STAMPED),
            (&inside, "nightly"),
            (&inside, OLD),
            (&inside, "web"),
            (&left, STAMPED),
            (&plain, STAMPED),
        ];
        let mut stored = BTreeMap::new();
        for (namespace, name) in sets {
            let stamped = namespace.name != PLAIN && ![OLD, "web"].contains(&name);
            for pod in namespace.pods(name, if stamped { 3 } else { 1 })? {
                ensure!(is_injected(&pod) == stamped, "{pod}");
                stored.insert(key(&namespace.name, "pods", &pod), pod);
            }
            let set = namespace.observed_set(name)?;
            ensure!(is_stamped(&set) == stamped && (stamped || is_untouched(&set)), "{set}");
            stored.insert(key(&namespace.name, "statefulsets", &set), set);
        }
        left.opt_out()?;
        Ok(Self { registered: true, node, csr, signing_request, stored })
    }

    /// An object as it was stored.
    pub fn stored(&self, namespace: &str, plural: &'static str, name: &str) -> Value {
        self.stored.get(&(namespace.to_owned(), plural, name.to_owned())).cloned().unwrap_or_default()
    }

    /// Takes away what others would meet: the rest stays in namespaces of its own.
    pub fn clear(cluster: &Cluster) -> Result<()> {
        for name in EXCLUDED_NAMESPACES {
            label_for_injection(cluster, name, "")?;
        }
        let crds = LOOKALIKES.map(|(plural, _)| format!("crd/{plural}.lookalike.example"));
        let crds: Vec<&str> = crds.iter().map(String::as_str).collect();
        cluster.kubectl().run(&[&["delete", "--ignore-not-found"], &crds[..]].concat(), None)?.ok()?;
        cluster.kubectl().run(&["delete", "--ignore-not-found", "node/lockout"], None)?.ok()?;
        Ok(())
    }
}

fn key(namespace: &str, plural: &'static str, object: &Value) -> (String, &'static str, String) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    (namespace.to_owned(), plural, name.to_owned())
}

/// An empty value takes the label off.
fn label_for_injection(cluster: &Cluster, namespace: &str, value: &str) -> Result<()> {
    let label = if value.is_empty() { format!("{INJECTION}-") } else { format!("{INJECTION}={value}") };
    cluster.kubectl().run(&["label", "--overwrite", "namespace", namespace, &label], None)?.ok()?;
    Ok(())
}

/// Kinds of another group, and an object of each, called dkron.
fn lookalikes(cluster: &Cluster, namespace: &Namespace) -> Result<()> {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let version = json!({
        "name": "v1", "served": true, "storage": true, "schema": schema, "subresources": {"status": {}},
    });
    let items: Vec<Value> = LOOKALIKES
        .iter()
        .map(|(plural, kind)| {
            json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.lookalike.example")},
                "spec": {
                    "group": "lookalike.example", "scope": "Namespaced", "versions": [version],
                    "names": {"plural": plural, "kind": kind, "singular": kind.to_lowercase()},
                },
            })
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    cluster.kubectl().apply(&list.to_string(), &[])?.ok()?;
    for (plural, kind) in LOOKALIKES {
        let object =
            json!({"apiVersion": LOOKALIKE, "kind": kind, "metadata": {"name": "dkron"}, "spec": {"replicas": 3}});
        wait_until(&format!("{plural} of {LOOKALIKE}"), CONTROLLERS_ACT_WITHIN, || {
            let applied = namespace.kubectl.apply(&object.to_string(), &["--validate=false"])?;
            Ok(applied.status.success().then_some(()))
        })?;
    }
    Ok(())
}

/// A request for a certificate, and the name of one that is stored.
fn signing_request(cluster: &Cluster) -> Result<(String, &'static str)> {
    let key = rcgen::KeyPair::generate()?;
    let request = rcgen::CertificateParams::new(vec!["dkron".to_owned()])?.serialize_request(&key)?;
    let request = STANDARD.encode(request.pem().context("a signing request")?);
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "lockout"},
        "spec": {"request": request, "signerName": "example.com/dkron", "usages": ["client auth"]},
    });
    cluster.kubectl().apply(&object.to_string(), &[])?.ok()?;
    Ok((request, "lockout"))
}

/// A node that nobody runs, and its lease.
fn node(cluster: &Cluster) -> Result<&'static str> {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "lockout"}});
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "lockout", "namespace": "kube-node-lease"}, "spec": {"holderIdentity": "lockout"},
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [node, lease]});
    cluster.kubectl().apply(&list.to_string(), &[])?.ok()?;
    Ok("lockout")
}
