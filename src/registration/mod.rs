//! The registration that sends reviews here, and the Secret with the authority that it is made to trust: read and written.
//!
//! Nothing is decided here: [`crate::certs::keeper`] does that. Whatever the API server answers, or does not, ends nothing; what is
//! served goes on being served.
//!
//! | file | what it is |
//! | --- | --- |
//! | `upkeep` | look, decide, act; again when the registration changes, and from time to time |
//! | `api_server` | the six requests, each with a deadline |
//! | `shape` | what of the objects counts |
//! | `bell` | rings when the registration changes |

mod api_server;
mod bell;
mod shape;
mod upkeep;

pub use upkeep::{Keeping, Upkeep};

/// What is asked of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Reading the registration.
    ReadRegistration,
    /// Writing its `caBundle`.
    WriteRegistration,
    /// Reading the Secret.
    ReadSecret,
    /// Making, replacing or deleting it.
    WriteSecret,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// Somebody else was first; the world is looked at again.
    Conflict,
    /// It was not done.
    Failed,
}

/// Who counts.
pub trait Observer: Send + Sync {
    /// The API server was asked.
    fn asked(&self, request: Request, outcome: Outcome);
    /// A new certificate is served.
    fn swapped(&self);
}
