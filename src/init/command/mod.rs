//! dkron's command: what was said in it and around it, and the words and variables that dkron gets instead. Pure.
//!
//! | module | what it is |
//! | --- | --- |
//! | `arguments` | dkron's flags in a list of words |
//! | `form` | can the flags be reached, or does a shell stand between? |
//! | `script` | a shell's text, and dkron's flags in it |
//! | `environment` | what somebody said, without what Kubernetes wrote by accident |
//! | `settings` | what the webhook wrote for this program |
//! | `peers` | names of the servers |
//! | `said` | flags, variables and file in dkron's own order |
//! | `effective` | what dkron will make of them |
//! | `version` | which dkron this is |
//! | `address_tag` | by which others call the member from its first moment |
//! | `launch` | from a decision to words and variables |

mod address_tag;
mod arguments;
mod effective;
mod environment;
mod form;
mod launch;
mod peers;
mod said;
mod script;
mod settings;
mod version;

pub use arguments::{AGENT, Word, flag, is_dkron};
pub use effective::Effective;
pub use environment::Environment;
pub use form::Form;
pub use launch::Prepared;
pub use peers::{absolute, cluster_domain, is_pod, joined_hosts, peer_names};
pub use said::Said;
pub use settings::{SaidRole, Settings};
pub use version::generation;
