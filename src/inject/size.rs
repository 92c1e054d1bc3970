//! INITIAL_CLUSTER_SIZE: how many servers the first bootstrap waits for.

use super::container::Variable;
use super::recognise::Dkron;
use super::verdict::{Rejection, Warning};
use crate::code;
use crate::contract::env;
use crate::json::Pointer;
use crate::options::{Options, cluster_size};

/// Decides the size: annotation, the user's variable, the user's `--bootstrap-expect`, `replicas`.
///
/// `None` where nothing tells it: a set of 0 replicas, whose live number counts later.
///
/// # Errors
/// A [`Rejection`] for a number that is none.
pub fn size(
    dkron: &Dkron<'_>,
    options: &Options,
    replicas: Option<u32>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<u32>, Rejection> {
    let container = &dkron.container;
    let malformed = |path: Pointer, what: &str, text: &str| Rejection {
        code: code::MALFORMED_SIZE,
        path,
        problem: format!("{what} is {text:?}"),
        fix: "give a whole number from 1 to 99".into(),
    };
    if let Some(size) = options.initial_cluster_size {
        return Ok(Some(size));
    }
    if let Variable::Value(text) = container.variable(env::INITIAL_CLUSTER_SIZE) {
        let size = cluster_size(&text)
            .ok_or_else(|| malformed(container.path.key("env"), env::INITIAL_CLUSTER_SIZE, &text))?;
        return Ok(Some(size));
    }
    // Kubernetes makes one replica where none is written; 0 is no size.
    let replicas = replicas.filter(|replicas| *replicas > 0);
    let Some(text) = container.setting(&dkron.flags, "bootstrap-expect") else { return Ok(replicas) };
    match (cluster_size(&text), replicas) {
        // 0 is dkron's own default: no bootstrap asked for.
        (None, _) if text == "0" => Ok(replicas),
        (None, _) => Err(malformed(container.path.clone(), "--bootstrap-expect", &text)),
        (Some(expect), Some(replicas)) if expect < replicas => {
            warnings.push(Warning::new(
                code::EXPECT_BELOW_REPLICAS,
                format!("--bootstrap-expect {expect} is below the {replicas} replicas and is replaced by {replicas}"),
            ));
            Ok(Some(replicas))
        }
        (Some(expect), _) => Ok(Some(expect)),
    }
}
