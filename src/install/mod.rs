//! What `dkron-ha manifests` prints: every object of an installation, as values in the order in which they are to be applied.
//!
//! Pure: the operator's choices in, objects out, the same ones each time. Whoever prints them chooses the notation.
//! `docs/install.md` says what each object is for and why each right is given.

mod access;
mod arguments;
mod conditions;
mod metadata;
mod policy;
mod registration;
mod workload;

use serde_json::Value;

use crate::settings::Settings;

pub use arguments::arguments;
pub use registration::registration;

/// Secret that holds the serving certificate (`tls.crt`), its key (`tls.key`) and, for people, its authority (`ca.crt`).
pub const TLS_SECRET: &str = "dkron-ha-tls";

/// Where [`TLS_SECRET`] is mounted in the webhook's container; what `serve --cert-dir` is given.
pub const CERT_DIR: &str = "/certs";

/// What is to be installed.
#[derive(Clone, Debug, Default)]
pub struct Install {
    /// What the operator chose; becomes the flags of `serve`, the names and the ports.
    pub settings: Settings,
    /// Where the webhook's certificate comes from.
    pub certificates: Certificates,
}

/// Where the webhook's certificate comes from. `caBundle` is left out of the registration unless it is known here, so that a
/// later apply keeps the one that the webhook, or something else, has put there.
#[derive(Clone, Debug, Default)]
pub enum Certificates {
    /// From an authority that the webhook keeps by itself: no files.
    #[default]
    Own,
    /// From [`TLS_SECRET`], mounted at [`CERT_DIR`]. Without texts that Secret is somebody else's, such as cert-manager's.
    Files(Option<Pem>),
}

/// PEM texts of a certificate for `<service>.<namespace>.svc`.
#[derive(Clone, Debug)]
pub struct Pem {
    /// Authority that the API server is to trust.
    pub authority: String,
    /// Certificate, and any between it and the authority.
    pub chain: String,
    /// Private key.
    pub key: String,
}

/// The whole installation, each object with the stem of the file that it belongs in. The registration comes last: until
/// then nothing waits for a webhook that is still starting.
pub fn installation(install: &Install) -> Vec<(&'static str, Value)> {
    let settings = &install.settings;
    let mut objects = vec![
        ("namespace", metadata::namespace(settings)),
        ("serviceaccount", access::account(settings)),
        ("clusterrole", access::cluster_role(&install.certificates)),
        ("clusterrolebinding", access::cluster_role_binding(settings)),
    ];
    match &install.certificates {
        Certificates::Own => objects.extend([
            ("role", access::authority_role(settings)),
            ("rolebinding", access::authority_role_binding(settings)),
        ]),
        Certificates::Files(pem) => {
            objects.extend(pem.as_ref().map(|pem| ("secret", workload::certificates(settings, pem))));
        }
    }
    objects.extend([
        ("service", workload::service(settings)),
        ("deployment", workload::deployment(install)),
        ("poddisruptionbudget", workload::disruption_budget(settings)),
        ("validatingadmissionpolicy", policy::policy()),
        ("validatingadmissionpolicybinding", policy::binding()),
        ("mutatingwebhookconfiguration", registration(install)),
    ]);
    objects
}

/// Accounts and rights of the dkron pods in one workload namespace, for those who run without the controller.
pub fn for_namespace(namespace: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("server-serviceaccount", access::server_account(namespace)),
        ("server-role", access::server_role(namespace)),
        ("server-rolebinding", access::server_role_binding(namespace)),
        ("agent-serviceaccount", access::agent_account(namespace)),
        ("agent-role", access::agent_role(namespace)),
        ("agent-rolebinding", access::agent_role_binding(namespace)),
    ]
}
