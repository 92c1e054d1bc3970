//! A cluster played on files: what the API server and the controllers would make of a manifest.
//!
//! `dkron-ha inject` asks the engine in its own process, `dkron-ha demo` the real HTTPS server; both go through [`play`],
//! so that what a person sees on a terminal is what a cluster would store. No I/O of its own.

mod admission;
mod clusters;
mod play;
mod pods;

pub use admission::{Admitted, FaultyAnswer, admit, review_of};
pub use clusters::{Shared, stamped};
pub use play::{Act, PlayError, Played, Stage, play};
pub use pods::pods_of;
