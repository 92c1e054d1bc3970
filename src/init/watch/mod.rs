//! Looking at the other servers and at the own dkron, over and over.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `pulse` | when the next look is due | waits |
//! | `resolver` | names to addresses, without waiting for ever | DNS |
//! | `look` | one look at one peer: who answers at which address | sockets |
//! | `state` | what another wrapper tells | no |
//! | `slot` | a value that another thread brings | waits |
//! | `peers` | a thread for each peer | threads |
//! | `own` | a thread for the own dkron | threads |
//! | `servers` | of an agent: a thread that asks its servers after it | threads |

pub mod look;
pub mod own;
pub mod peers;
mod pulse;
mod resolver;
pub mod servers;
mod slot;
pub mod state;

use std::sync::Arc;

use super::procedure::Input;

/// Who hears what was seen; called by several threads.
pub type Tell = Arc<dyn Fn(Input) + Send + Sync>;
