//! What the webhook wrote into the environment of the dkron container, read once and checked.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::contract::{env, path, port};

use super::super::procedure::Storage;

use super::environment::Environment;

/// Name of the pod where `POD_NAME` is not set; container runtimes set it to the hostname.
const HOSTNAME: &str = "HOSTNAME";

/// What was said of dkron's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidRole {
    /// It is a server.
    Server,
    /// It is an agent.
    Agent,
    /// Nobody could tell from outside.
    Auto,
    /// Nothing: the webhook did not write this environment.
    Nothing,
}

/// Everything that the environment says to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// dkron's role.
    pub role: SaidRole,
    /// Servers of the first bootstrap.
    pub size: Option<u32>,
    /// Servers of the first bootstrap by name, in the order of their ordinals.
    pub peers: Vec<String>,
    /// Own pod.
    pub pod_name: Option<String>,
    /// Own address.
    pub pod_ip: Option<IpAddr>,
    /// Own namespace.
    pub namespace: Option<String>,
    /// Cluster that this container serves or joins: the name of the StatefulSet, or of the group of bare pods.
    pub cluster: Option<String>,
    /// What becomes of dkron's disk when the pod goes, where that is known.
    pub storage: Option<Storage>,
    /// Time between TERM and KILL.
    pub grace: Option<Duration>,
    /// Directory that only this container writes.
    pub run: PathBuf,
    /// What the label updater tells.
    pub desired: PathBuf,
    /// DNS domain of the Kubernetes cluster, without dots at its ends.
    pub cluster_domain: Option<String>,
    /// How an agent joins if it does not say so itself.
    pub join: Option<String>,
    /// Name that leads to the servers of the cluster that an agent belongs to.
    pub servers: Option<String>,
    /// Port of the probes.
    pub wrapper_port: u16,
    /// Port of dkron's HTTP API, here and on the peers.
    pub dkron_port: u16,
}

/// A variable that holds what it must not.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    name: &'static str,
    value: String,
    allowed: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}: must be {}", self.name, self.value, self.allowed)
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads the variables of [`env`].
    ///
    /// # Errors
    /// [`SettingsError`] for the first value that cannot be meant.
    pub fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let text = |name| environment.get(name).map(str::to_owned);
        let a_port = "a port from 1 to 65535";
        Ok(Self {
            role: match environment.get(env::ROLE) {
                Some("server") => SaidRole::Server,
                Some("agent") => SaidRole::Agent,
                Some("auto") => SaidRole::Auto,
                None => SaidRole::Nothing,
                Some(value) => return Err(refused(env::ROLE, value, "server, agent or auto")),
            },
            // The webhook's own name goes first: it is there where the user's says something else.
            size: match number(environment, env::SIZE, "a number of servers from 1")? {
                None => number(environment, env::INITIAL_CLUSTER_SIZE, "a number of servers from 1")?,
                size => size,
            },
            peers: environment.get(env::PEERS).map(list).unwrap_or_default(),
            pod_name: text(env::POD_NAME).or_else(|| text(HOSTNAME)),
            pod_ip: match environment.get(env::POD_IP) {
                Some(value) => Some(value.parse().map_err(|_| refused(env::POD_IP, value, "an IP address"))?),
                None => None,
            },
            namespace: text(env::STATEFULSET_NAMESPACE),
            cluster: text(env::CLUSTER).or_else(|| text(env::STATEFULSET_NAME)),
            storage: match environment.get(env::STORAGE) {
                None => None,
                Some("persistent") => Some(Storage::Persistent),
                Some("ephemeral") => Some(Storage::Ephemeral),
                Some(value) => return Err(refused(env::STORAGE, value, "persistent or ephemeral")),
            },
            grace: number(environment, env::GRACE, "a number of seconds from 1")?.map(Duration::from_secs),
            run: directory(environment, env::RUN, path::RUN)?,
            desired: directory(environment, env::DESIRED, path::DESIRED)?,
            cluster_domain: environment.get(env::CLUSTER_DOMAIN).map(|domain| domain.trim_matches('.').to_owned()),
            join: text(env::JOIN),
            servers: text(env::SERVERS),
            wrapper_port: number(environment, env::WRAPPER_PORT, a_port)?.unwrap_or(port::WRAPPER),
            dkron_port: number(environment, env::DKRON_HTTP_PORT, a_port)?.unwrap_or(port::DKRON_HTTP),
        })
    }
}

fn refused(name: &'static str, value: &str, allowed: &'static str) -> SettingsError {
    SettingsError { name, value: value.to_owned(), allowed }
}

/// A complete path.
fn directory(environment: &Environment, name: &'static str, default: &str) -> Result<PathBuf, SettingsError> {
    match environment.get(name) {
        None => Ok(PathBuf::from(default)),
        Some(value) if value.starts_with('/') => Ok(PathBuf::from(value)),
        Some(value) => Err(refused(name, value, "a path that begins with /")),
    }
}

/// A whole number above zero, in digits alone: `parse` would take a plus sign too.
fn number<T: FromStr + Default + PartialEq>(
    environment: &Environment,
    name: &'static str,
    allowed: &'static str,
) -> Result<Option<T>, SettingsError> {
    let Some(value) = environment.get(name) else { return Ok(None) };
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let read = digits.then(|| value.parse().ok()).flatten().filter(|number| *number != T::default());
    read.map(Some).ok_or_else(|| refused(name, value, allowed))
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(&Environment::of(variables.iter().map(|(k, v)| (k.into(), v.into()))))
    }

    #[test]
    fn nothing_said_leaves_the_defaults() {
        let settings = read(&[("INITIAL_CLUSTER_SIZE", "")]).expect("settings");
        assert_eq!(settings.role, SaidRole::Nothing);
        assert_eq!(settings.size, None);
        assert!(settings.peers.is_empty());
        assert_eq!((settings.wrapper_port, settings.dkron_port), (8947, 8080));
        assert_eq!((settings.storage, settings.grace), (None, None));
        assert_eq!(settings.run.to_str(), Some("/dkron-ha-run"));
        assert_eq!(settings.desired.to_str(), Some("/dkron-ha/desired.json"));
        assert_eq!((settings.namespace, settings.cluster), (None, None));
    }

    #[test]
    fn everything_said_is_read() {
        let settings = read(&[
            ("DKRON_HA_ROLE", "server"),
            ("INITIAL_CLUSTER_SIZE", "3"),
            ("DKRON_HA_PEERS", "a-0.a.n.svc, a-1.a.n.svc,"),
            ("HOSTNAME", "host"),
            ("POD_NAME", "a-1"),
            ("POD_IP", "fd00::1"),
            ("DKRON_HA_CLUSTER_DOMAIN", "corp.example."),
            ("DKRON_HA_JOIN", "provider=k8s"),
            ("DKRON_HA_SERVERS", "s.n.svc"),
            ("STATEFULSET_NAMESPACE", "n"),
            ("STATEFULSET_NAME", "old"),
            ("DKRON_HA_CLUSTER", "a"),
            ("DKRON_HA_STORAGE", "ephemeral"),
            ("DKRON_HA_GRACE", "300"),
            ("DKRON_HA_RUN", "/run/x"),
            ("DKRON_HA_DESIRED", "/x/desired.json"),
            ("DKRON_HA_WRAPPER_PORT", "9947"),
            ("DKRON_HA_DKRON_PORT", "9080"),
        ]);
        let expected = Settings {
            role: SaidRole::Server,
            size: Some(3),
            peers: vec!["a-0.a.n.svc".into(), "a-1.a.n.svc".into()],
            pod_name: Some("a-1".into()),
            pod_ip: "fd00::1".parse().ok(),
            namespace: Some("n".into()),
            cluster: Some("a".into()),
            storage: Some(Storage::Ephemeral),
            grace: Some(Duration::from_secs(300)),
            run: "/run/x".into(),
            desired: "/x/desired.json".into(),
            cluster_domain: Some("corp.example".into()),
            join: Some("provider=k8s".into()),
            servers: Some("s.n.svc".into()),
            wrapper_port: 9947,
            dkron_port: 9080,
        };
        assert_eq!(read(&[("STATEFULSET_NAME", "a")]).expect("settings").cluster.as_deref(), Some("a"));
        assert_eq!(read(&[("HOSTNAME", "host")]).expect("settings").pod_name.as_deref(), Some("host"));
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let bad = [
            ("DKRON_HA_ROLE", "Server"),
            ("INITIAL_CLUSTER_SIZE", "0"),
            ("INITIAL_CLUSTER_SIZE", "+3"),
            ("INITIAL_CLUSTER_SIZE", "three"),
            ("POD_IP", "10.0.0"),
            ("DKRON_HA_WRAPPER_PORT", "0"),
            ("DKRON_HA_DKRON_PORT", "65536"),
            ("DKRON_HA_STORAGE", "disk"),
            ("DKRON_HA_GRACE", "5m"),
            ("DKRON_HA_GRACE", "0"),
            ("DKRON_HA_RUN", "run"),
            ("DKRON_HA_DESIRED", "desired.json"),
        ];
        for (name, value) in bad {
            let error = read(&[(name, value)]).expect_err(value).to_string();
            assert!(error.starts_with(&format!("{name}={value:?}")), "{error}");
        }
    }
}
