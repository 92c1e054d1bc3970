//! What an operator chose for the whole server. Made once by the command line, read everywhere, changed nowhere.

use crate::contract::{object, port};
use crate::options::Options;

/// Server-wide settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Namespace of the webhook itself; never injected.
    pub namespace: String,
    /// Ports that differ from the contract's where `hostNetwork` makes them clash.
    pub ports: Ports,
    /// Defaults of everything that a pod can override by an annotation.
    pub options: Options,
}

/// Listening ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// HTTPS of the webhook.
    pub webhook: u16,
    /// Metrics and probes of `serve`.
    pub admin: u16,
    /// Wrapper in the dkron container.
    pub wrapper: u16,
    /// Label updater in the dkron pod.
    pub label: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { webhook: port::WEBHOOK, admin: port::ADMIN, wrapper: port::WRAPPER, label: port::LABEL }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { namespace: object::INSTALLATION.into(), ports: Ports::default(), options: Options::builtin() }
    }
}
