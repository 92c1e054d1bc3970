//! What cert-manager is asked for: an authority of dkron-ha's own in the cluster, and the webhook's certificate from it.
//!
//! An authority stands in between, so that a new certificate is trusted before it is there: the API server is given the
//! authority, which lives for years, and replicas may have the old and the new certificate at the same time.

use serde_json::{Value, json};

use super::TLS_SECRET;
use super::metadata::{labels, namespaced};
use crate::contract::object;
use crate::settings::Settings;

const GROUP: &str = "cert-manager.io";
const V1: &str = "cert-manager.io/v1";

/// Annotation of the registration: whose authority becomes its `caBundle`, as `<namespace>/<Certificate>`.
pub const INJECT_CA_FROM: &str = "cert-manager.io/inject-ca-from";

/// Issuer and Certificate of the authority; also the Secret that cert-manager keeps it in.
const AUTHORITY: &str = "dkron-ha-cert-manager-ca";

/// Ten years, of which cert-manager uses two thirds.
const AUTHORITY_LIFE: &str = "87600h";

/// 90 days, a new one after 60: as usual, and long enough for people to notice that none comes.
const LIFE: &str = "2160h";
const RENEW_BEFORE: &str = "720h";

/// Everything, in order; each with the stem of its file.
pub fn objects(settings: &Settings) -> Vec<(&'static str, Value)> {
    let issuer = |name: &str, spec: Value| object("Issuer", name, settings, &spec);
    let certificate = |name: &str, spec: Value| object("Certificate", name, settings, &spec);
    let authority = json!({
        "isCA": true,
        "commonName": object::INSTALLATION,
        "secretName": AUTHORITY,
        "duration": AUTHORITY_LIFE,
        "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
        "issuerRef": issued_by(AUTHORITY),
    });
    let leaf = json!({
        "secretName": TLS_SECRET,
        "dnsNames": [format!("{}.{}.svc", object::INSTALLATION, settings.namespace)],
        "usages": ["digital signature", "server auth"],
        "duration": LIFE,
        "renewBefore": RENEW_BEFORE,
        "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
        "issuerRef": issued_by(object::INSTALLATION),
    });
    vec![
        ("cert-manager-ca-issuer", issuer(AUTHORITY, json!({ "selfSigned": {} }))),
        ("cert-manager-ca", certificate(AUTHORITY, authority)),
        ("cert-manager-issuer", issuer(object::INSTALLATION, json!({ "ca": { "secretName": AUTHORITY } }))),
        ("cert-manager-certificate", certificate(object::INSTALLATION, leaf)),
    ]
}

/// Value of [`INJECT_CA_FROM`].
pub fn inject_ca_from(settings: &Settings) -> String {
    format!("{}/{}", settings.namespace, object::INSTALLATION)
}

fn issued_by(name: &str) -> Value {
    json!({ "name": name, "kind": "Issuer", "group": GROUP })
}

fn object(kind: &str, name: &str, settings: &Settings, spec: &Value) -> Value {
    json!({
        "apiVersion": V1,
        "kind": kind,
        "metadata": namespaced(name, &settings.namespace, &labels()),
        "spec": spec,
    })
}
