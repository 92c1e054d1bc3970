//! Server or agent.

use super::command::truth;
use super::container::Variable;
use super::recognise::Dkron;
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
        Variable::Absent if !dkron.readable || dkron.container.may_have_configuration(&dkron.flags) => Known::AtRunTime,
        Variable::Absent => Known::Certain(Role::Agent),
    }
}
