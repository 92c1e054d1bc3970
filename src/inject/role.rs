//! Server or agent.

use super::command::truth;
use super::container::Variable;
use super::recognise::Dkron;
use crate::contract::env;
use crate::options::{Options, Role};

/// What can be known of the role before dkron reads its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Said so, or plain from flags and environment.
    Certain(Role),
    /// A configuration file, or a script, may say either.
    AtRunTime,
}

impl Known {
    /// Value of `DKRON_HA_ROLE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain(Role::Server) => "server",
            Self::Certain(Role::Agent) => "agent",
            Self::AtRunTime => "auto",
        }
    }
}

/// Decides by annotation, then flag, then environment; where none speaks, an agent, unless something unseen may speak.
pub fn role(dkron: &Dkron<'_>, options: &Options) -> Known {
    let by = |server: bool| Known::Certain(if server { Role::Server } else { Role::Agent });
    if let Some(role) = options.role {
        return Known::Certain(role);
    }
    if dkron.flags.get("server").is_some() {
        return dkron.flags.switch("server").map_or(Known::AtRunTime, by);
    }
    match dkron.container.variable("DKRON_SERVER") {
        Variable::Value(text) => truth(&text).map_or(Known::AtRunTime, by),
        Variable::From => Known::AtRunTime,
        Variable::Absent if may_be_said_elsewhere(dkron) => Known::AtRunTime,
        Variable::Absent => Known::Certain(Role::Agent),
    }
}

/// Whether the role is said in so many words, by annotation, flag or environment.
pub fn is_said(dkron: &Dkron<'_>, options: &Options) -> bool {
    let by_variable = dkron.container.variable("DKRON_SERVER") != Variable::Absent;
    options.role.is_some() || dkron.flags.get("server").is_some() || by_variable
}

/// A script, a variable among the arguments, a configuration file, or one baked into an image that is not dkron's own.
fn may_be_said_elsewhere(dkron: &Dkron<'_>) -> bool {
    let Dkron { container, flags, readable } = dkron;
    !readable || flags.is_partial() || container.may_have_configuration(flags) || !container.has_dkron_image()
}

/// What a first pass wrote into the container; it stands whatever others have added to the pod since.
pub fn written(dkron: &Dkron<'_>) -> Option<Known> {
    match dkron.container.variable(env::ROLE) {
        Variable::Value(text) => {
            let all = [Known::Certain(Role::Server), Known::Certain(Role::Agent), Known::AtRunTime];
            all.into_iter().find(|known| known.as_str() == text)
        }
        Variable::Absent | Variable::From => None,
    }
}
