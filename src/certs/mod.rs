//! Certificates of the webhook: made in memory, read from a directory, or signed by an authority that is kept in a Secret.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`issue`] | an authority and the leaves it signs |
//! | [`restore`] | an authority read back from where it was kept |
//! | [`pair`] | a chain and its key, checked; what the server presents |
//! | [`validity`] | from when to when, and what that means now |
//! | [`files`] | `--cert-dir`: `tls.crt`, `tls.key`, `ca.crt` |
//! | [`source`] | where the present pair comes from, and when there is a new one |
//! | [`served`] | the pair that new connections get |
//! | [`trust`] | whether a client that knows only the authority would accept a leaf |
//! | [`bundle`] | certificates that a client trusts, judged as the API server does |
//! | [`sight`] | the live registration as it was last seen, and whether it lets the API server trust a leaf |
//! | [`keyring`] | what the Secret of the kept authority holds |
//! | [`leaf`] | a leaf of the kept authority, and what it was made of |
//! | [`world`], [`keeper`] | Secret, registration and time in, the next thing to do out |
//! | [`moment`] | what time it is, by a clock that may be set and by one that only runs |
//! | [`settling`] | how long something has been trusted already |
//! | [`patience`] | pauses between attempts to put right what somebody else keeps changing |
//! | [`board`] | what was last seen, for readiness and metrics |
//! | [`development`] | certificates for a person's own machine |
//!
//! The clock is always a value that the caller passes in. Nothing here speaks to Kubernetes: `registration` does.

pub mod board;
pub mod bundle;
pub mod development;
pub mod files;
pub mod issue;
pub mod keeper;
pub mod keyring;
pub mod leaf;
pub mod moment;
pub mod pair;
pub mod patience;
pub mod restore;
pub mod served;
pub mod settling;
pub mod sight;
pub mod source;
pub mod trust;
pub mod validity;
pub mod world;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

pub use board::Board;
pub use bundle::Bundle;
pub use files::CertDir;
pub use issue::{Authority, IssueError, Leaf};
pub use keeper::Keeper;
pub use moment::Moment;
pub use pair::{Pair, PairError};
pub use served::Served;
pub use sight::Sight;
pub use source::{Source, SourceError};
pub use validity::{Jitter, Standing, Validity, unix_seconds};

/// The one provider of cryptography, always passed on explicitly: nothing here depends on a process-wide choice.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&PROVIDER)
}

/// Makes that provider the process's own, for the one library that asks there (kube's client). Once is enough; later calls
/// change nothing.
pub fn install_provider() {
    _ = rustls::crypto::ring::default_provider().install_default();
}

/// Names under which the API server and people inside the cluster reach a Service. The first is the one that the API
/// server verifies for a webhook registered by `clientConfig.service`.
pub fn service_names(service: &str, namespace: &str) -> Vec<String> {
    vec![
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
        format!("{service}.{namespace}"),
        service.to_owned(),
    ]
}
