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
    /// A container has a dkron image, and runs something else, as far as can be seen.
    OtherCommand(Container<'n>),
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
        let (flags, readable) = match &container.runs {
            Runs::Agent(flags) | Runs::FlagsFirst(flags) => (flags.clone(), true),
            Runs::OtherVerb | Runs::Unknown => (Flags::default(), false),
        };
        Self { container, flags, readable }
    }
}

/// How a pod is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What its own annotations say.
    pub said: &'a Options,
    /// The same, with the server-wide defaults.
    pub options: &'a Options,
    /// Whether the label asks for injection.
    pub wanted: bool,
    /// Whether a script that cannot be seen through is taken for dkron's where the image is: not for jobs, nor for a pod
    /// that somebody runs by hand.
    pub lasting: bool,
}

/// Finds the dkron container of the pod spec at `path`: the named one, else by image, else by a command that runs an agent.
///
/// # Errors
/// A [`Rejection`] where two containers qualify, or a container that is asked for is not there.
pub fn recognise<'n>(spec: &'n Node<'n>, path: &Pointer, view: View<'_>) -> Result<Recognised<'n>, Rejection> {
    let list = path.key("containers");
    let nodes = spec.get("containers").items();
    let all = || (0..nodes.len()).map(|at| Container::at(&nodes[at], &list, at));

    if let Some(name) = &view.options.container {
        match all().find(|container| container.name == name.as_str()) {
            Some(container) => return Ok(Recognised::Dkron(Dkron::of(container))),
            // A default for everybody is no claim about this pod.
            None if view.said.container.is_none() => {}
            None => {
                return Err(Rejection {
                    code: code::NO_SUCH_CONTAINER,
                    path: list.clone(),
                    problem: format!("no container is called {name:?}"),
                    fix: format!("name one of: {}", names(all())),
                });
            }
        }
    }
    if let Some(wrapped) = all().find(|container| container.wrapped) {
        return Ok(Recognised::Dkron(Dkron::of(wrapped)));
    }
    let by_image: Vec<_> = all().filter(|container| container.has_dkron_image() && view.takes(container)).collect();
    let mut found =
        if by_image.is_empty() { all().filter(|container| view.takes(container)).collect() } else { by_image };
    if found.is_empty() && view.wanted && nodes.len() == 1 {
        found.extend(all());
    }
    match found.len() {
        1 => Ok(Recognised::Dkron(Dkron::of(found.remove(0)))),
        0 if view.wanted => Err(Rejection {
            code: code::NO_DKRON_CONTAINER,
            path: list.clone(),
            problem: "the label dkron-ha.io/inject asks for injection, and no container runs a dkron agent".into(),
            fix: format!("set the annotation dkron-ha.io/container to one of: {}", names(all())),
        }),
        0 => Ok(all().find(Container::has_dkron_image).map_or(Recognised::Nothing, Recognised::OtherCommand)),
        _ => Err(Rejection {
            code: code::SEVERAL_DKRON_CONTAINERS,
            path: list.clone(),
            problem: format!("several containers look like dkron: {}", names(found.into_iter())),
            fix: "name the one in the annotation dkron-ha.io/container".into(),
        }),
    }
}

impl View<'_> {
    /// Whether a container may be dkron, by its words and its image.
    fn takes(self, container: &Container<'_>) -> bool {
        let dkron_image = container.has_dkron_image();
        match container.runs {
            Runs::Agent(_) | Runs::FlagsFirst(_) => true,
            // The annotation says what such an image runs.
            _ if self.options.command.is_some() && container.command.is_none() => dkron_image || self.wanted,
            Runs::Unknown => dkron_image && container.command.is_some() && self.lasting,
            Runs::OtherVerb => false,
        }
    }
}

fn names<'n>(containers: impl Iterator<Item = Container<'n>>) -> String {
    containers.map(|container| container.name.into_owned()).collect::<Vec<_>>().join(", ")
}
