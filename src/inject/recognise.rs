//! Which container of a pod is dkron.

use super::command::{Flags, Runs};
use super::container::Container;
use super::verdict::Rejection;
use crate::code;
use crate::json::{Node, Pointer};
use crate::options::Options;

/// The answer for a pod.
#[derive(Debug)]
pub enum Recognised<'n> {
    /// This one.
    Dkron(Dkron<'n>),
    /// None, and nothing hints at one.
    Nothing,
    /// A container has a dkron image, but its command cannot be seen through.
    OpaqueCommand(Container<'n>),
}

/// The dkron container.
#[derive(Debug)]
pub struct Dkron<'n> {
    /// The container.
    pub container: Container<'n>,
    /// Flags of `dkron agent`, as far as they can be seen.
    pub flags: Flags,
    /// Whether all its words could be read; not so for somebody's own start-up script.
    pub readable: bool,
}

impl<'n> Dkron<'n> {
    fn of(container: Container<'n>) -> Self {
        match container.runs() {
            Runs::Agent(flags) | Runs::FlagsFirst(flags) => Self { container, flags, readable: true },
            Runs::OtherVerb | Runs::Unknown => Self { container, flags: Flags::default(), readable: false },
        }
    }
}

/// Finds the dkron container of the pod spec at `path`. `wanted` is the label that asks for injection.
///
/// # Errors
/// A [`Rejection`] where two containers qualify, or a container that is asked for is not there.
pub fn recognise<'n>(
    spec: &'n Node<'n>,
    path: &Pointer,
    options: &Options,
    wanted: bool,
) -> Result<Recognised<'n>, Rejection> {
    let list = path.key("containers");
    let nodes = spec.get("containers").items();
    let container = |at: usize| Container::at(&nodes[at], &list, at);
    let all = || (0..nodes.len()).map(container);

    if let Some(name) = &options.container {
        return match all().find(|container| container.name == name.as_str()) {
            Some(container) => Ok(Recognised::Dkron(Dkron::of(container))),
            None => Err(Rejection {
                code: code::NO_SUCH_CONTAINER,
                path: list.clone(),
                problem: format!("no container is called {name:?}"),
                fix: format!("name one of: {}", names(all())),
            }),
        };
    }
    if let Some(wrapped) = all().find(|container| container.wrapped) {
        return Ok(Recognised::Dkron(Dkron::of(wrapped)));
    }
    let qualifies = |container: &Container<'_>| match container.runs() {
        Runs::Agent(_) | Runs::FlagsFirst(_) => true,
        Runs::OtherVerb | Runs::Unknown => {
            // The annotation says what such an image runs.
            options.command.is_some() && container.command.is_none() && (container.has_dkron_image() || wanted)
        }
    };
    let mut found: Vec<_> = all().filter(qualifies).collect();
    if found.is_empty() && wanted && nodes.len() == 1 {
        found.extend(all());
    }
    match found.len() {
        1 => Ok(Recognised::Dkron(Dkron::of(found.remove(0)))),
        0 if wanted => Err(Rejection {
            code: code::NO_DKRON_CONTAINER,
            path: list.clone(),
            problem: "the label dkron-ha.io/inject asks for injection, and no container runs a dkron agent".into(),
            fix: format!("set the annotation dkron-ha.io/container to one of: {}", names(all())),
        }),
        0 => Ok(all()
            .find(|container| container.has_dkron_image() && container.runs() == Runs::Unknown)
            .map_or(Recognised::Nothing, Recognised::OpaqueCommand)),
        _ => Err(Rejection {
            code: code::SEVERAL_DKRON_CONTAINERS,
            path: list.clone(),
            problem: format!("several containers look like dkron: {}", names(found.into_iter())),
            fix: "name the one in the annotation dkron-ha.io/container".into(),
        }),
    }
}

fn names<'n>(containers: impl Iterator<Item = Container<'n>>) -> String {
    containers.map(|container| container.name.into_owned()).collect::<Vec<_>>().join(", ")
}
