//! The original command: what the wrapper will run.

use super::command::Runs;
use super::image;
use super::recognise::Dkron;
use super::verdict::Rejection;
use crate::code;
use crate::options::Options;

/// What stands behind `run --` in front of the container's own `args`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// These words.
    Words(Vec<String>),
    /// dkron, wherever the wrapper finds it in the container.
    Find,
}

/// Decides the entry point: the manifest's `command`, else the annotation, else the known-image table, else the
/// wrapper looks in the usual places (only where the arguments begin with `agent`).
///
/// # Errors
/// A [`Rejection`] where the arguments do not tell what the image's own entry point is.
pub fn entry_point(dkron: &Dkron<'_>, options: &Options) -> Result<EntryPoint, Rejection> {
    let container = &dkron.container;
    if let Some(command) = &container.command {
        return Ok(EntryPoint::Words(command.iter().map(|word| word.clone().into_owned()).collect()));
    }
    if let Some(command) = &options.command {
        return Ok(EntryPoint::Words(command.clone()));
    }
    let first = container.args.first().map(AsRef::as_ref);
    match container.runs {
        // The arguments name a program themselves, so the image has no entry point of its own.
        Runs::Agent(_) if first.is_some_and(|word: &str| word != "agent" && !word.starts_with('-')) => {
            Ok(EntryPoint::Words(Vec::new()))
        }
        Runs::Agent(_) => Ok(match image::known_program(&container.image) {
            Some(program) => EntryPoint::Words(vec![program.into()]),
            None => EntryPoint::Find,
        }),
        _ => Err(Rejection {
            code: code::UNKNOWN_ENTRY_POINT,
            path: container.path.clone(),
            problem: format!("the entry point of image {:?} is not known here", container.image),
            fix: "set `command`, or the annotation dkron-ha.io/command, such as [\"dkron\",\"agent\"]".into(),
        }),
    }
}
