//! What the label updater is told, and how often it does what.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::api_server::{self, AccessError};
use super::own_dkron::{DkronApi, LOCALHOST};
use crate::contract::{env, path, port};

/// What the label updater has to know.
#[derive(Clone)]
pub struct LabelConfig {
    /// Name of the pod that it runs in.
    pub pod: String,
    /// Namespace of that pod.
    pub namespace: String,
    /// The HTTP API of its dkron.
    pub dkron: DkronApi,
    /// The wrapper, on the loopback interface, which the containers of a pod share.
    pub wrapper_port: u16,
    /// Own port, for probes and metrics.
    pub port: u16,
    /// Where the wrapper reads what Kubernetes wants.
    pub desired: PathBuf,
    /// The wrapper's door to a dkron that speaks TLS or wants credentials; not there for another one.
    pub door: PathBuf,
    /// How to reach the API server.
    pub api: kube::Config,
    /// How often what is done, and for how long.
    pub pace: Pace,
}

/// How often what is done, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two questions to dkron.
    pub poll: Duration,
    /// For one question, to dkron or the wrapper.
    pub ask: Duration,
    /// For one patch.
    pub patch: Duration,
    /// A label this old is written again, whatever the reads say of it.
    pub reassert: Duration,
    /// After a first failed patch; doubled by each further one.
    pub first_pause: Duration,
    /// No pause between two patches is longer: the label of a new leader is to be right soon after an outage.
    pub longest_pause: Duration,
    /// No pause between two failed reads is longer, unless a patch was accepted meanwhile.
    pub longest_read_pause: Duration,
    /// For taking the label away at the end.
    pub farewell: Duration,
    /// Between two attempts to bind the own port.
    pub rebind: Duration,
    /// Between two reads of the set and its pods while nothing changes. What the wrapper is told holds for 30 s.
    pub confirm: Duration,
    /// For one such read.
    pub read: Duration,
    /// After a change, until it is read: others follow at once.
    pub settle: Duration,
    /// A server leads for so long before it takes the label of another one away.
    pub reign: Duration,
    /// Between two questions to the wrapper for what people must know.
    pub notices: Duration,
    /// After TERM, for as long as the wrapper is still there. The kubelet's KILL comes first.
    pub outlive: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            ask: Duration::from_secs(1),
            patch: Duration::from_secs(2),
            reassert: Duration::from_secs(600),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(2),
            longest_read_pause: Duration::from_secs(10),
            farewell: Duration::from_secs(3),
            rebind: Duration::from_secs(5),
            confirm: Duration::from_secs(13),
            read: Duration::from_secs(5),
            settle: Duration::from_millis(100),
            reign: Duration::from_secs(1),
            notices: Duration::from_secs(2),
            outlive: Duration::from_secs(3600),
        }
    }
}

/// Why the label updater cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The pod lacks a variable that the webhook gives it.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable holds something else than a port.
    #[error("environment variable {name} is not a port: {value:?}")]
    NotAPort {
        /// Which one.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The token or the certificate that Kubernetes mounts is missing or unreadable.
    #[error("the API server cannot be found from within this pod")]
    InCluster(#[from] AccessError),
    /// These make no client.
    #[error("no client for the API server")]
    Client(#[source] kube::Error),
}

impl LabelConfig {
    /// Reads the environment that the webhook gives the container, and what Kubernetes mounts there.
    ///
    /// # Errors
    /// [`LabelError`] naming the variable or file that is missing or wrong.
    pub fn in_cluster(variable: impl Fn(&str) -> Option<String>) -> Result<Self, LabelError> {
        let api = api_server::from_within(&variable)?;
        Self::from_variables(variable, api)
    }

    /// Reads the environment that the webhook gives the container.
    ///
    /// # Errors
    /// [`LabelError`] naming the variable that is missing or wrong.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>, api: kube::Config) -> Result<Self, LabelError> {
        let text = |name| variable(name).filter(|value| !value.is_empty()).ok_or(LabelError::Missing(name));
        // A Service of an unlucky name makes Kubernetes write `tcp://…` into a variable that nobody set.
        let port = |name, otherwise| match variable(name).filter(|value| !value.contains("://")) {
            None => Ok(otherwise),
            Some(value) => match value.parse() {
                Ok(0) | Err(_) => Err(LabelError::NotAPort { name, value }),
                Ok(port) => Ok(port),
            },
        };
        let said = |name| variable(name).filter(|value| !value.is_empty());
        let file = |name| said(name).map(PathBuf::from);
        Ok(Self {
            pod: text(env::POD_NAME)?,
            namespace: text(env::STATEFULSET_NAMESPACE)?,
            dkron: DkronApi {
                pod_ip: variable(env::POD_IP).and_then(|ip| ip.parse().ok()),
                authority: file(env::DKRON_AUTHORITY),
                credentials: file(env::DKRON_CREDENTIALS),
                server_name: said(env::DKRON_SERVER_NAME).unwrap_or_else(|| LOCALHOST.into()),
                ..DkronApi::plain(port(env::DKRON_HTTP_PORT, port::DKRON_HTTP)?)
            },
            wrapper_port: port(env::WRAPPER_PORT, port::WRAPPER)?,
            port: port(env::LABEL_PORT, port::LABEL)?,
            desired: file(env::DESIRED).unwrap_or_else(|| path::DESIRED.into()),
            door: file(env::DOOR).unwrap_or_else(|| path::DOOR.into()),
            api,
            pace: Pace::default(),
        })
    }

    /// Where the wrapper is.
    pub(super) fn wrapper(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.wrapper_port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<LabelConfig, LabelError> {
        let find = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into());
        LabelConfig::from_variables(find, kube::Config::new("http://localhost".parse().expect("an address")))
    }

    #[test]
    fn a_missing_or_empty_name_is_said() {
        assert!(matches!(read(&[]), Err(LabelError::Missing(env::POD_NAME))));
        let nameless = [(env::POD_NAME, "dkron-0"), (env::STATEFULSET_NAMESPACE, "")];
        assert!(matches!(read(&nameless), Err(LabelError::Missing(env::STATEFULSET_NAMESPACE))));
    }

    #[test]
    fn a_port_that_is_none_is_said() {
        for wrong in ["", "0", "http", "65536"] {
            let set = [(env::POD_NAME, "a"), (env::STATEFULSET_NAMESPACE, "b"), (env::DKRON_HTTP_PORT, wrong)];
            assert!(matches!(read(&set), Err(LabelError::NotAPort { name: env::DKRON_HTTP_PORT, .. })), "{wrong}");
        }
    }

    #[test]
    fn ports_are_the_contracts_unless_said_otherwise() {
        let named = [(env::POD_NAME, "dkron-0"), (env::STATEFULSET_NAMESPACE, "jobs")];
        let plain = read(&named).expect("a configuration");
        assert_eq!((plain.pod.as_str(), plain.namespace.as_str()), ("dkron-0", "jobs"));
        assert_eq!((plain.dkron.port, plain.wrapper_port, plain.port), (8080, 8947, 8948));

        let mut set = named.to_vec();
        set.extend([(env::DKRON_HTTP_PORT, "1"), (env::WRAPPER_PORT, "2"), (env::LABEL_PORT, "3")]);
        let other = read(&set).expect("a configuration");
        assert_eq!((other.dkron.port, other.wrapper_port, other.port), (1, 2, 3));
    }
}
