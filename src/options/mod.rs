//! The options that exist three times under one name: annotation `dkron-ha.io/<name>`, flag `--<name>`, variable `DKRON_HA_<NAME>`.
//!
//! One table says what each is called, what it may hold and what it means; one function reads a value, wherever it was written.

mod values;

pub use values::{cluster_size, is_cluster_size};

use crate::quantity;
use std::fmt;
use values::{dns_domain, dns_label, one_of, printable, whole, words};

/// dkron's role in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds raft state and may lead.
    Server,
    /// Runs jobs only.
    Agent,
}

/// What lies under the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Survives the pod.
    Persistent,
    /// Goes with the pod.
    Ephemeral,
}

/// Who replaces pods when the template changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// The StatefulSet controller.
    StatefulSet,
    /// dkron-ha's controller, followers first (`updateStrategy: OnDelete`).
    LeaderLast,
}

/// How the label updater is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidecarMode {
    /// Init container with `restartPolicy: Always`.
    Native,
    /// Plain container.
    Container,
}

/// Values of the options; `None` is "not said".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which container is dkron.
    pub container: Option<String>,
    /// Server or agent.
    pub role: Option<Role>,
    /// Servers of the first bootstrap.
    pub initial_cluster_size: Option<u32>,
    /// Cluster that an agent joins.
    pub cluster: Option<String>,
    /// Headless Service of the peers.
    pub service: Option<String>,
    /// DNS domain of the Kubernetes cluster.
    pub cluster_domain: Option<String>,
    /// Entry point of the image, and its arguments.
    pub command: Option<Vec<String>>,
    /// What lies under the data directory.
    pub storage: Option<Storage>,
    /// Least `terminationGracePeriodSeconds`.
    pub grace: Option<u32>,
    /// Who replaces pods.
    pub rollout: Option<Rollout>,
    /// How the label updater is added.
    pub sidecar_mode: Option<SidecarMode>,
    /// Image of the injected containers.
    pub image: Option<String>,
    /// Its pull policy.
    pub image_pull_policy: Option<String>,
    /// CPU request of each injected container.
    pub cpu_request: Option<String>,
    /// CPU limit of each injected container.
    pub cpu_limit: Option<String>,
    /// Memory request of each injected container.
    pub memory_request: Option<String>,
    /// Memory limit of each injected container.
    pub memory_limit: Option<String>,
}

/// One option: the row that the annotation, the flag, the variable and the documentation share.
#[derive(Debug)]
pub struct Row {
    /// Name without prefix, as in the annotation and the flag.
    pub name: &'static str,
    /// What it may hold, for people.
    pub allowed: &'static str,
    /// What it means, one line.
    pub help: &'static str,
    read: fn(&mut Options, &str) -> bool,
}

/// A value that its option does not allow.
#[derive(Debug)]
pub struct NotAllowed(pub &'static Row);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "allowed: {}", self.0.allowed)
    }
}

impl std::error::Error for NotAllowed {}

impl Row {
    /// Reads `text` into `options`.
    ///
    /// # Errors
    /// [`NotAllowed`] if this option cannot hold the text; `options` is then unchanged.
    pub fn read(&'static self, options: &mut Options, text: &str) -> Result<(), NotAllowed> {
        if (self.read)(options, text) { Ok(()) } else { Err(NotAllowed(self)) }
    }

    /// Name of the environment variable that gives the server-wide default.
    pub fn variable(&self) -> String {
        format!("DKRON_HA_{}", self.name.to_uppercase().replace('-', "_"))
    }
}

/// Stores a successfully read value; `false` where there is none.
fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let read = value.is_some();
    if read {
        *slot = value;
    }
    read
}

/// All options, in the order of the documentation.
pub static TABLE: &[Row] = &[
    Row {
        name: "container",
        allowed: "the name of a container",
        help: "which container is dkron",
        read: |o, t| put(&mut o.container, dns_label(t)),
    },
    Row {
        name: "role",
        allowed: "server | agent",
        help: "what dkron is in this pod",
        read: |o, t| put(&mut o.role, one_of(t, &[("server", Role::Server), ("agent", Role::Agent)])),
    },
    Row {
        name: "initial-cluster-size",
        allowed: "a whole number from 1 to 99",
        help: "servers of the first bootstrap",
        read: |o, t| put(&mut o.initial_cluster_size, cluster_size(t)),
    },
    Row {
        name: "cluster",
        allowed: "the name of a StatefulSet or of a group of bare pods",
        help: "which cluster an agent joins",
        read: |o, t| put(&mut o.cluster, dns_label(t)),
    },
    Row {
        name: "service",
        allowed: "the name of a Service",
        help: "headless Service that gives the servers their names",
        read: |o, t| put(&mut o.service, dns_label(t)),
    },
    Row {
        name: "cluster-domain",
        allowed: "a DNS domain, such as cluster.local",
        help: "DNS domain of the Kubernetes cluster",
        read: |o, t| put(&mut o.cluster_domain, dns_domain(t)),
    },
    Row {
        name: "command",
        allowed: "a JSON list of strings, such as [\"/opt/dkron/dkron\",\"agent\"]",
        help: "entry point and arguments of an image that dkron-ha does not know",
        read: |o, t| put(&mut o.command, words(t)),
    },
    Row {
        name: "storage",
        allowed: "persistent | ephemeral",
        help: "what lies under dkron's data directory",
        read: |o, t| {
            let known = [("persistent", Storage::Persistent), ("ephemeral", Storage::Ephemeral)];
            put(&mut o.storage, one_of(t, &known))
        },
    },
    Row {
        name: "grace",
        allowed: "seconds, a whole number from 30 to 86400",
        help: "least terminationGracePeriodSeconds",
        read: |o, t| put(&mut o.grace, whole(t).filter(|n| (30..=86_400).contains(n))),
    },
    Row {
        name: "rollout",
        allowed: "statefulset | leader-last",
        help: "who replaces pods when the template changes",
        read: |o, t| {
            let known = [("statefulset", Rollout::StatefulSet), ("leader-last", Rollout::LeaderLast)];
            put(&mut o.rollout, one_of(t, &known))
        },
    },
    Row {
        name: "sidecar-mode",
        allowed: "native | container",
        help: "how the label updater is added",
        read: |o, t| {
            let known = [("native", SidecarMode::Native), ("container", SidecarMode::Container)];
            put(&mut o.sidecar_mode, one_of(t, &known))
        },
    },
    Row {
        name: "image",
        allowed: "an image reference",
        help: "image of the injected containers",
        read: |o, t| put(&mut o.image, printable(t)),
    },
    Row {
        name: "image-pull-policy",
        allowed: "Always | IfNotPresent | Never",
        help: "pull policy of that image",
        read: |o, t| put(&mut o.image_pull_policy, ["Always", "IfNotPresent", "Never"].contains(&t).then(|| t.into())),
    },
    Row {
        name: "cpu-request",
        allowed: "a Kubernetes quantity, such as 10m",
        help: "CPU request of each injected container",
        read: |o, t| put(&mut o.cpu_request, values::quantity(t)),
    },
    Row {
        name: "cpu-limit",
        allowed: "a Kubernetes quantity, such as 100m",
        help: "CPU limit of each injected container",
        read: |o, t| put(&mut o.cpu_limit, values::quantity(t)),
    },
    Row {
        name: "memory-request",
        allowed: "a Kubernetes quantity, such as 24Mi",
        help: "memory request of each injected container",
        read: |o, t| put(&mut o.memory_request, values::quantity(t)),
    },
    Row {
        name: "memory-limit",
        allowed: "a Kubernetes quantity, such as 64Mi",
        help: "memory limit of each injected container",
        read: |o, t| put(&mut o.memory_limit, values::quantity(t)),
    },
];

impl Options {
    /// What holds where neither an annotation, a flag nor a variable says otherwise.
    pub fn builtin() -> Self {
        Self {
            // 270 s for running jobs and 30 s for the farewell.
            grace: Some(300),
            rollout: Some(Rollout::StatefulSet),
            sidecar_mode: Some(SidecarMode::Native),
            image: Some(format!("dkron-ha:{}", env!("CARGO_PKG_VERSION"))),
            image_pull_policy: Some("IfNotPresent".into()),
            cpu_request: Some("10m".into()),
            cpu_limit: Some("100m".into()),
            memory_request: Some("24Mi".into()),
            memory_limit: Some("64Mi".into()),
            ..Self::default()
        }
    }

    /// These values, and those of `below` where these are silent.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        macro_rules! over {
            ($($field:ident),*) => { Self { $($field: self.$field.or_else(|| below.$field.clone())),* } };
        }
        over!(
            container,
            role,
            initial_cluster_size,
            cluster,
            service,
            cluster_domain,
            command,
            storage,
            grace,
            rollout,
            sidecar_mode,
            image,
            image_pull_policy,
            cpu_request,
            cpu_limit,
            memory_request,
            memory_limit
        )
    }
}

impl Options {
    /// A request that is above its limit, which no API server takes: the names of the two options and their values.
    pub fn above_its_limit(&self) -> Option<String> {
        let pairs = [
            ("cpu-request", &self.cpu_request, "cpu-limit", &self.cpu_limit),
            ("memory-request", &self.memory_request, "memory-limit", &self.memory_limit),
        ];
        pairs.into_iter().find_map(|(request_name, request, limit_name, limit)| {
            let (request, limit) = (request.as_deref()?, limit.as_deref()?);
            let above = quantity::value(request)? > quantity::value(limit)?;
            above.then(|| format!("{request_name} {request} is above {limit_name} {limit}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Options, NotAllowed> {
        let mut options = Options::default();
        let row = TABLE.iter().find(|row| row.name == name).expect("a row");
        row.read(&mut options, text).map(|()| options)
    }

    #[test]
    fn values_are_strict() {
        let good = [
            ("role", "server"),
            ("initial-cluster-size", "3"),
            ("grace", "30"),
            ("command", "[\"dkron\",\"agent\"]"),
            ("cluster-domain", "corp.example."),
            ("cpu-request", "0.5"),
            ("memory-limit", "64Mi"),
        ];
        for (name, text) in good {
            assert!(read(name, text).is_ok(), "{name}={text}");
        }
        let bad = [
            ("role", "Server"),
            ("role", ""),
            ("initial-cluster-size", "0"),
            ("initial-cluster-size", "+3"),
            ("initial-cluster-size", "3 "),
            ("initial-cluster-size", "100"),
            ("initial-cluster-size", "99999999999999999999"),
            ("grace", "29"),
            ("command", "[]"),
            ("command", "dkron agent"),
            ("command", "[1]"),
            ("service", "Not_A_Name"),
            ("cluster", "-a"),
            ("cpu-request", "10 m"),
            ("cpu-limit", "1.2.3"),
            ("memory-limit", "64MB"),
            ("image", "two words"),
            ("image-pull-policy", "always"),
        ];
        for (name, text) in bad {
            assert!(read(name, text).is_err(), "{name}={text}");
        }
    }

    #[test]
    fn a_request_above_its_limit_is_seen() {
        let said = Options { memory_request: Some("128Mi".into()), ..Options::default() };
        let found = said.over(&Options::builtin()).above_its_limit();
        assert_eq!(found.as_deref(), Some("memory-request 128Mi is above memory-limit 64Mi"));
        assert_eq!(Options::builtin().above_its_limit(), None);
    }

    #[test]
    fn what_is_said_covers_what_is_below() {
        let said = Options { grace: Some(600), ..Options::default() };
        let all = said.over(&Options::builtin());
        assert_eq!(all.grace, Some(600));
        assert_eq!(all.rollout, Some(Rollout::StatefulSet));
    }
}
