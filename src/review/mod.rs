//! `AdmissionReview` in, `AdmissionReview` out: bytes to bytes, no I/O.

mod answer;

use crate::code::Code;

/// An answered review.
#[derive(Debug)]
pub struct Reviewed {
    /// The `AdmissionReview` to send back, JSON.
    pub body: Vec<u8>,
    /// What the metrics count it as.
    pub tally: Tally,
    /// What has to exist before the API server can take the object as it will be.
    pub account: Option<Account>,
}

/// A service account of ours in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// Where.
    pub namespace: String,
    /// One of the two names of the contract.
    pub name: &'static str,
}

/// Labels of one request in the metrics; all from small fixed sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tally {
    /// `Pod`, `StatefulSet` or `other`.
    pub kind: &'static str,
    /// `CREATE`, `UPDATE` or `other`.
    pub operation: &'static str,
    /// What was decided.
    pub outcome: Outcome,
    /// Code of a rejection or skip.
    pub code: Option<Code>,
}

/// What was decided about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed with a patch.
    Patched,
    /// Allowed; nothing was left to do.
    Unchanged,
    /// Allowed; not ours, or left alone for a reason.
    Skipped,
    /// Refused.
    Rejected,
}

/// A body that gets no `AdmissionReview` back.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Not an `AdmissionReview` that can be answered: HTTP 400.
    #[error("{0}")]
    Malformed(String),
    /// Our own fault: HTTP 500, so that the registered `failurePolicy` decides.
    #[error("{0}")]
    Internal(String),
}

/// Whoever answers reviews. The engine implements it; the server only moves bytes.
pub trait Reviewer: Send + Sync + 'static {
    /// Answers one request body.
    ///
    /// # Errors
    /// [`ReviewError`] where no `AdmissionReview` can be given back.
    fn review(&self, body: &[u8]) -> Result<Reviewed, ReviewError>;
}
