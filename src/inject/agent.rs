//! How an agent finds the servers.

use super::recognise::Dkron;
use super::verdict::Rejection;
use super::{Clusters, KnownClusters, Request, Undecided};
use crate::code;
use crate::contract::{env, label};
use crate::json::Pointer;
use crate::options::Options;

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
        /// The cluster.
        cluster: String,
    },
}

/// Decides how the agent joins.
///
/// # Errors
/// A [`Rejection`] where none is named and not exactly one is known in the namespace; [`Undecided::NotYet`] where that is
/// about to be known.
pub fn joining(
    dkron: &Dkron<'_>,
    options: &Options,
    request: &Request<'_>,
    clusters: &dyn Clusters,
    path: Pointer,
) -> Result<Joining, Undecided> {
    let container = &dkron.container;
    if ["retry-join", "join"].iter().any(|name| container.gives(&dkron.flags, name)) {
        return Ok(Joining::Own);
    }
    let unseen = !dkron.readable || container.may_have_configuration(&dkron.flags);
    let cluster = match (&options.cluster, clusters.of(&request.namespace)) {
        (Some(cluster), _) => cluster.clone(),
        (None, KnownClusters::These(these)) if these.len() == 1 => these.concat(),
        (None, _) if unseen => return Ok(Joining::Own),
        (None, KnownClusters::NotYet) => return Err(Undecided::NotYet),
        (None, KnownClusters::These(these)) => return Err(unknown(path, &these).into()),
        (None, KnownClusters::NotWatched) => return Err(unknown(path, &[]).into()),
    };
    // One label and no comma: dkron splits its environment at commas, and a wider selector would merge two clusters.
    let value =
        format!("provider=k8s namespace={} label_selector=\"{}={cluster}\"", request.namespace, label::SERVER_OF);
    let variable = if unseen { env::JOIN } else { env::DKRON_RETRY_JOIN };
    Ok(Joining::By { variable, value, cluster })
}

fn unknown(path: Pointer, known: &[String]) -> Rejection {
    let problem = match known {
        [] => "no dkron cluster of this namespace is known here".into(),
        several => format!("this namespace has several dkron clusters: {}", several.join(", ")),
    };
    Rejection {
        code: code::WHICH_CLUSTER,
        path,
        problem,
        fix: "name the one that the agent joins in the annotation dkron-ha.io/cluster, or give --retry-join".into(),
    }
}
