//! What of the registration and of the Secret counts, and how they are written.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, WebhookClientConfig};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde_json::{Value, json};

use crate::certs::keyring::Data;
use crate::certs::sight::{Entry, Live};
use crate::certs::world::Stored;
use crate::contract::object;

/// What counts of a registration.
pub(super) fn live(registration: MutatingWebhookConfiguration) -> Live {
    let entries = registration.webhooks.into_iter().flatten().map(|webhook| Entry {
        host: host(&webhook.client_config),
        name: webhook.name,
        bundle: webhook.client_config.ca_bundle.map(|bundle| bundle.0).unwrap_or_default(),
    });
    Live { version: registration.metadata.resource_version.unwrap_or_default(), entries: entries.collect() }
}

/// Host that the API server wants to see proven; empty where it cannot be told.
fn host(config: &WebhookClientConfig) -> String {
    if let Some(service) = &config.service {
        return format!("{}.{}.svc", service.name, service.namespace);
    }
    let url = config.url.as_deref().and_then(|url| url.parse::<Uri>().ok());
    let host = url.as_ref().and_then(Uri::host).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // An address is written in more than one way.
    bare.parse::<IpAddr>().map_or_else(|_| bare.to_owned(), |address| address.to_string())
}

/// The bundle for each of these webhooks, as server-side apply takes it: only what is to be owned, and the condition.
pub(super) fn bundles(version: &str, entries: &[String], bundle: &str) -> Value {
    let bundle = STANDARD.encode(bundle);
    let webhook = |name| json!({ "name": name, "clientConfig": { "caBundle": bundle } });
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": { "name": object::INSTALLATION, "resourceVersion": version },
        "webhooks": entries.iter().map(webhook).collect::<Vec<_>>(),
    })
}

/// What counts of a Secret.
pub(super) fn stored(secret: &Secret) -> Stored {
    let data = secret.data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone()));
    Stored {
        version: secret.metadata.resource_version.clone().unwrap_or_default(),
        uid: secret.metadata.uid.clone().unwrap_or_default(),
        data: data.collect(),
        immutable: secret.immutable == Some(true),
    }
}

/// A Secret that is not there yet.
pub(super) fn secret(data: Data) -> Secret {
    let metadata = ObjectMeta { name: Some(object::AUTHORITY_SECRET.into()), ..ObjectMeta::default() };
    replaced(Secret { metadata, type_: Some("Opaque".into()), ..Secret::default() }, data)
}

/// The same Secret with other data: its labels and its type stay, and its version is the condition.
pub(super) fn replaced(secret: Secret, data: Data) -> Secret {
    let data: BTreeMap<_, _> = data.into_iter().map(|(key, value)| (key, ByteString(value))).collect();
    Secret { data: Some(data), ..secret }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &Value) -> Entry {
        let webhook =
            json!({ "name": "a", "clientConfig": config, "admissionReviewVersions": [], "sideEffects": "None" });
        let object = json!({ "metadata": { "resourceVersion": "7" }, "webhooks": [webhook] });
        let mut live = live(serde_json::from_value(object).unwrap());
        assert_eq!(live.version, "7");
        live.entries.remove(0)
    }

    #[test]
    fn the_host_is_the_services_or_the_urls() {
        let service = json!({ "name": "s", "namespace": "n", "path": "/mutate", "port": 443 });
        let entry = read(&json!({ "service": service, "caBundle": "eA==" }));
        assert_eq!((entry.host.as_str(), entry.bundle.as_slice()), ("s.n.svc", b"x" as &[u8]));
        for (url, host) in [
            ("https://web.example/mutate", "web.example"),
            ("https://127.0.0.1:8443/mutate", "127.0.0.1"),
            ("https://[0:0::1]:8443/mutate", "::1"),
            ("nonsense with spaces", ""),
        ] {
            assert_eq!(read(&json!({ "url": url })).host, host, "{url}");
        }
        assert_eq!(read(&json!({})).bundle, b"");
    }

    #[test]
    fn only_the_bundle_of_each_webhook_is_applied() {
        let applied = bundles("7", &["a".into(), "b".into()], "x");
        assert_eq!(applied["metadata"], json!({ "name": "dkron-ha", "resourceVersion": "7" }));
        let webhook = |name| json!({ "name": name, "clientConfig": { "caBundle": "eA==" } });
        assert_eq!(applied["webhooks"], json!([webhook("a"), webhook("b")]));
    }

    #[test]
    fn a_replaced_secret_keeps_what_is_not_ours() {
        let object = json!({
            "metadata": { "name": "dkron-ha-ca", "uid": "u", "resourceVersion": "7", "labels": { "team": "a" } },
            "type": "example.com/odd", "immutable": true, "data": { "ca.crt": "eA==" },
        });
        let before: Secret = serde_json::from_value(object).unwrap();
        let read = stored(&before);
        assert_eq!((read.version.as_str(), read.uid.as_str(), read.immutable), ("7", "u", true));
        assert_eq!(read.data, Data::from([("ca.crt".to_owned(), b"x".to_vec())]));
        let after = replaced(before.clone(), Data::from([("ca.crt".to_owned(), b"y".to_vec())]));
        assert_eq!((&after.metadata, &after.type_), (&before.metadata, &before.type_));
        assert_eq!(stored(&after).data["ca.crt"], b"y");
        assert_eq!(secret(Data::new()).type_.as_deref(), Some("Opaque"));
    }
}
