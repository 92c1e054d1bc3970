//! How an agent finds the servers.

use super::recognise::Dkron;
use super::verdict::Rejection;
use super::{Clusters, KnownCluster, KnownClusters, Request, Undecided};
use crate::code;
use crate::contract::{env, label};
use crate::json::Pointer;
use crate::options::Options;

/// Which servers an agent belongs to, as far as that can be known here, and how it finds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// What is added for it to join by.
    pub joining: Joining,
    /// The cluster: the one that it is made to join, or where it joins by itself the only one that it can be.
    pub cluster: Option<KnownCluster>,
}

/// What is added for an agent to join by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joining {
    /// The user configured it.
    Own,
    /// This variable, with this value.
    By {
        /// `DKRON_RETRY_JOIN`, or `DKRON_HA_JOIN` where a configuration file that cannot be seen here may already say how:
        /// dkron's environment would win over its file, so the wrapper looks first.
        variable: &'static str,
        /// go-discover's provider string.
        value: String,
    },
}

/// Decides where the agent belongs and how it joins.
///
/// # Errors
/// A [`Rejection`] where none is named and not exactly one is known in the namespace; [`Undecided::NotYet`] where that is
/// about to be known.
pub fn belonging(
    dkron: &Dkron<'_>,
    options: &Options,
    request: &Request<'_>,
    clusters: &dyn Clusters,
    path: Pointer,
) -> Result<Belonging, Undecided> {
    let container = &dkron.container;
    let known = clusters.of(&request.namespace);
    let cluster = cluster(options, &known);
    if ["retry-join", "join"].iter().any(|name| container.gives(&dkron.flags, name)) {
        return Ok(Belonging { joining: Joining::Own, cluster });
    }
    let unseen = !dkron.readable || container.may_have_configuration(&dkron.flags);
    let cluster = match (cluster, known) {
        (Some(cluster), _) => cluster,
        (None, _) if unseen => return Ok(Belonging { joining: Joining::Own, cluster: None }),
        (None, KnownClusters::NotYet) => return Err(Undecided::NotYet),
        (None, KnownClusters::These(these)) => return Err(unknown(path, &these).into()),
        (None, KnownClusters::NotWatched) => return Err(unknown(path, &[]).into()),
    };
    // One label and no comma: dkron splits its environment at commas, and a wider selector would merge two clusters.
    let value = format!(
        "provider=k8s namespace={} label_selector=\"{}={}\"",
        request.namespace,
        label::SERVER_OF,
        cluster.name
    );
    let variable = if unseen { env::JOIN } else { env::DKRON_RETRY_JOIN };
    Ok(Belonging { joining: Joining::By { variable, value }, cluster: Some(cluster) })
}

/// The cluster that is named, with the Service of its set where that is known; else the only one that there is.
fn cluster(options: &Options, known: &KnownClusters) -> Option<KnownCluster> {
    let these = if let KnownClusters::These(these) = known { these.as_slice() } else { &[] };
    match &options.cluster {
        Some(name) => {
            let service = options.service.as_ref().unwrap_or(name).clone();
            let set = these.iter().find(|known| known.name == *name).cloned();
            Some(set.unwrap_or_else(|| KnownCluster { name: name.clone(), service }))
        }
        None => {
            if let [only] = these {
                Some(only.clone())
            } else {
                None
            }
        }
    }
}

fn unknown(path: Pointer, known: &[KnownCluster]) -> Rejection {
    let problem = match known {
        [] => "no dkron cluster of this namespace is known here".into(),
        several => format!(
            "this namespace has several dkron clusters: {}",
            several.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
    };
    Rejection {
        code: code::WHICH_CLUSTER,
        path,
        problem,
        fix: "name the one that the agent joins in the annotation dkron-ha.io/cluster, or give --retry-join".into(),
    }
}
