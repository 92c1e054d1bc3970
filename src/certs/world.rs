//! What the keeper of the authority looks at, and what it wants done. What holds a key cannot be printed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bundle::Distrust;
use super::keyring::{Data, KeyringError};
use super::{Pair, Sight};

/// The world at one look.
///
/// `sight` was read **before** `secret`. A bundle is published under the condition that the registration is still the one of
/// `sight`; so whoever has published the bundle of a newer Secret meanwhile makes that condition fail, and an old Secret can never
/// take the place of a newer one in the registration.
#[derive(Clone)]
pub struct World {
    /// The registration, as it was last read.
    pub sight: Sight,
    /// The Secret.
    pub secret: Secret,
}

/// The Secret at one look.
#[derive(Clone)]
pub enum Secret {
    /// It could not be read this time.
    Unread,
    /// There is none.
    Absent,
    /// This one.
    Present(Stored),
}

/// A Secret that is there.
#[derive(Clone, Default)]
pub struct Stored {
    /// Its `resourceVersion`.
    pub version: String,
    /// Which object of that name.
    pub uid: String,
    /// What it holds.
    pub data: Data,
    /// Nobody can change it any more.
    pub immutable: bool,
}

/// One thing to do. After each of them, done or not, the world is to be looked at again.
#[derive(Clone)]
pub enum Step {
    /// Make the Secret, unless somebody else was first.
    Create {
        /// What it is to hold.
        data: Data,
    },
    /// Replace the Secret's data, if it is still this version.
    Replace {
        /// Condition.
        version: String,
        /// All that it is to hold.
        data: Data,
        /// What is wrong with the present one.
        why: Why,
    },
    /// Delete the Secret, if it is still this one: it can be neither used nor replaced.
    Discard {
        /// Condition.
        uid: String,
        /// Condition.
        version: String,
        /// What is wrong with it.
        why: Why,
    },
    /// Write the bundle into every webhook of the registration, if it is still this version.
    Publish {
        /// Condition.
        version: String,
        /// Names of the webhooks.
        entries: Vec<String>,
        /// `caBundle`, PEM.
        bundle: String,
    },
    /// Serve this pair to new connections.
    Serve(Arc<Pair>),
    /// Nothing; look again after this long, or when the registration changes.
    Wait(Duration),
}

/// Why the Secret's authority gives way to a new one.
#[derive(Clone, Debug)]
pub enum Why {
    /// It cannot be read.
    Unusable(KeyringError),
    /// What it signs is not accepted by those who trust it.
    Unsound(Arc<Distrust>),
    /// It does not hold at the moment.
    NotNow,
    /// Most of its life is over. It goes on signing until its successor is trusted everywhere.
    Due,
    /// Its successor has been trusted for long enough, and takes its place.
    Ripe,
    /// An authority is missing that certificates in use lead to. It is put back; the present one stays.
    Forgotten,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(error) => error.fmt(f),
            Self::Unsound(error) => write!(f, "what the authority signs is not accepted: {error}"),
            Self::NotNow => f.write_str("the authority does not hold now"),
            Self::Due => f.write_str("most of the authority's life is over, it gets a successor"),
            Self::Ripe => f.write_str("the successor of the authority is trusted and takes its place"),
            Self::Forgotten => f.write_str("an authority is missing that a certificate in use leads to"),
        }
    }
}
