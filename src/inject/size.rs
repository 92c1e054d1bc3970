//! INITIAL_CLUSTER_SIZE: how many servers the first bootstrap waits for.

use super::container::Variable;
use super::recognise::Dkron;
use super::verdict::{Rejection, Warning};
use crate::code;
use crate::contract::env;
use crate::json::Pointer;
use crate::options::{cluster_size, is_cluster_size};

/// What speaks for a size beside the container itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources {
    /// The annotation, written by the user or frozen by the StatefulSet pass.
    pub annotation: Option<u32>,
    /// The server-wide default.
    pub default: Option<u32>,
    /// `spec.replicas` of a set.
    pub replicas: Option<u32>,
}

/// Decides the size: annotation, the user's variable, the user's `--bootstrap-expect`, the server-wide default, `replicas`.
///
/// `None` where nothing tells it: a set of 0 replicas, whose live number counts later.
///
/// # Errors
/// A [`Rejection`] for a number that is none.
pub fn size(dkron: &Dkron<'_>, sources: Sources, warnings: &mut Vec<Warning>) -> Result<Option<u32>, Rejection> {
    // 0 is no size.
    let replicas = sources.replicas.filter(|replicas| *replicas > 0);
    let size = match (sources.annotation, users_variable(dkron)?) {
        (Some(annotation), Some(variable)) if annotation != variable => {
            let text = format!("the annotation's {annotation} servers count, not INITIAL_CLUSTER_SIZE {variable}");
            warnings.push(Warning::new(code::SIZE_OVERRULED, text));
            Some(annotation)
        }
        (Some(size), _) | (None, Some(size)) => Some(size),
        (None, None) => match (expected(dkron)?, replicas) {
            (Some(expect), Some(replicas)) if expect < replicas => {
                let text = format!(
                    "--bootstrap-expect {expect} is below the {replicas} replicas and is replaced by {replicas}"
                );
                warnings.push(Warning::new(code::EXPECT_BELOW_REPLICAS, text));
                Some(replicas)
            }
            (expect, replicas) => expect.or(sources.default).or(replicas),
        },
    };
    let (Some(size), Some(replicas)) = (size, replicas) else { return Ok(size) };
    if !is_cluster_size(size) {
        return Err(malformed(Pointer::of("/spec/replicas"), "the number of servers", &size.to_string()));
    }
    if size > replicas {
        let text = format!("{size} servers are awaited and the set has {replicas}: no leader until it is scaled up");
        warnings.push(Warning::new(code::SIZE_ABOVE_REPLICAS, text));
    }
    if size % 2 == 0 {
        let text = format!("{size} servers tolerate no more losses than {}; use an odd number", size - 1);
        warnings.push(Warning::new(code::EVEN_SIZE, text));
    }
    Ok(Some(size))
}

/// `INITIAL_CLUSTER_SIZE` as the user wrote it; a value from elsewhere is not known here.
pub fn users_variable(dkron: &Dkron<'_>) -> Result<Option<u32>, Rejection> {
    let container = &dkron.container;
    let Variable::Value(text) = container.variable(env::INITIAL_CLUSTER_SIZE) else { return Ok(None) };
    let Some(text) = container.expanded(&text) else { return Ok(None) };
    let fault = || malformed(container.path.key("env"), env::INITIAL_CLUSTER_SIZE, &text);
    cluster_size(&text).map(Some).ok_or_else(fault)
}

/// `--bootstrap-expect` or its variable; 0 is dkron's own default and asks for nothing.
fn expected(dkron: &Dkron<'_>) -> Result<Option<u32>, Rejection> {
    let container = &dkron.container;
    match container.setting(&dkron.flags, "bootstrap-expect") {
        None => Ok(None),
        Some(text) if text == "0" => Ok(None),
        Some(text) => {
            let fault = || malformed(container.path.clone(), "--bootstrap-expect", &text);
            cluster_size(&text).map(Some).ok_or_else(fault)
        }
    }
}

fn malformed(path: Pointer, what: &str, text: &str) -> Rejection {
    Rejection {
        code: code::MALFORMED_SIZE,
        path,
        problem: format!("{what} is {text:?}"),
        fix: "give a whole number from 1 to 99".into(),
    }
}
