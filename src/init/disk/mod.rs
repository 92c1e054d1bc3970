//! What lies on disks beside dkron's state: read carefully, written whole.
//!
//! | module | what it is |
//! | --- | --- |
//! | `data_dir` | all of it that lies in dkron's data directory |
//! | `marker` | whose state it is, and the raft configuration as it was last seen |
//! | `raft_dir` | what the raft directory holds; moved aside; given another configuration |
//! | `desired` | what the label updater tells |
//! | `whole_file` | files that are there whole or not at all |

mod data_dir;
pub mod desired;
pub mod marker;
mod raft_dir;
pub mod whole_file;

pub use data_dir::DataDir;
pub use desired::DesiredFile;
pub use raft_dir::RaftDir;
