//! What `dkron-ha manifests` prints: every object of an installation, as values in the order in which they are to be applied.
//!
//! Pure: the operator's choices in, objects out, the same ones each time. Whoever prints them chooses the notation.
//! `docs/install.md` says what each object is for and why each right is given.

mod access;
mod arguments;
mod cert_manager;
mod conditions;
mod guard;
mod metadata;
mod network;
mod policy;
mod registration;
mod selectors;
mod workload;

use serde_json::Value;

use crate::settings::Settings;

pub use arguments::arguments;
pub use guard::{Guard, message as guard_message};
pub use network::API_SERVER_PORTS;
pub use registration::registration;

/// Secret that holds the serving certificate (`tls.crt`), its key (`tls.key`) and, for people, its authority (`ca.crt`).
pub const TLS_SECRET: &str = "dkron-ha-tls";

/// Where [`TLS_SECRET`] is mounted in the webhook's container; what `serve --cert-dir` is given.
pub const CERT_DIR: &str = "/certs";

/// Replicas where nobody says how many: one is replaced while the other answers.
pub const REPLICAS: u32 = 2;

/// What is to be installed.
#[derive(Clone, Debug)]
pub struct Install {
    /// What the operator chose; becomes the flags of `serve`, the names and the ports.
    pub settings: Settings,
    /// Where the webhook's certificate comes from.
    pub certificates: Certificates,
    /// What becomes of servers that nobody injects.
    pub guard: Guard,
    /// Whether the controller acts, and has the rights for it. Without it people make what dkron pods need: [`for_namespace`].
    pub controller: bool,
    /// Replicas of the webhook. A single one has no disruption budget: it would hold up every drain of its node.
    pub replicas: u32,
    /// Priority class of its pods, such as `system-cluster-critical`.
    pub priority_class: Option<String>,
    /// Ports at which its pods may reach API servers; `None` leaves the `NetworkPolicy` out.
    pub network_policy: Option<Vec<u16>>,
}

impl Default for Install {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            certificates: Certificates::default(),
            guard: Guard::default(),
            controller: true,
            replicas: REPLICAS,
            priority_class: None,
            network_policy: Some(API_SERVER_PORTS.to_vec()),
        }
    }
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
    /// The same Secret, filled by cert-manager, whose injector writes `caBundle` too.
    CertManager,
}

impl Certificates {
    /// Whether [`TLS_SECRET`] is mounted.
    fn are_mounted(&self) -> bool {
        !matches!(self, Self::Own)
    }
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
        ("clusterrole", access::cluster_role(install)),
        ("clusterrolebinding", access::cluster_role_binding(settings)),
    ];
    objects.extend([
        ("server-clusterrole", access::server_role()),
        ("agent-clusterrole", access::agent_role()),
        ("role", access::own_role(install)),
        ("rolebinding", access::own_role_binding(settings)),
    ]);
    match &install.certificates {
        Certificates::Own => {}
        Certificates::Files(pem) => {
            objects.extend(pem.as_ref().map(|pem| ("secret", workload::certificates(settings, pem))));
        }
        Certificates::CertManager => objects.extend(cert_manager::objects(settings)),
    }
    let ports = install.network_policy.as_ref();
    objects.extend(ports.map(|ports| ("networkpolicy", network::policy(settings, ports))));
    objects.extend([("service", workload::service(settings)), ("deployment", workload::deployment(install))]);
    objects.extend((install.replicas > 1).then(|| ("poddisruptionbudget", workload::disruption_budget(settings))));
    objects.extend([
        ("validatingadmissionpolicy", policy::policy()),
        ("validatingadmissionpolicybinding", policy::binding()),
    ]);
    objects.extend(guard::guard(install.guard, settings));
    objects.push(("mutatingwebhookconfiguration", registration(install)));
    objects
}

/// Accounts of the dkron pods in one workload namespace, and who has which rights there: what the controller keeps in each opted-in
/// namespace, for those who run without it.
pub fn for_namespace(namespace: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("server-serviceaccount", access::server_account(namespace)),
        ("server-rolebinding", access::server_role_binding(namespace)),
        ("agent-serviceaccount", access::agent_account(namespace)),
        ("agent-rolebinding", access::agent_role_binding(namespace)),
    ]
}
