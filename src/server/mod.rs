//! The HTTPS admission server and its admin port. It moves bytes between the API server and a
//! [`Reviewer`](crate::review::Reviewer), within limits; it decides nothing about objects.
//!
//! A life: [`Config`] → [`Config::bind`] → [`Bound`] → [`Bound::run`] until a [`Shutdown`] asks for the end.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`config`] | what `serve` is told; opens the listeners |
//! | [`limits`] | every limit with its default |
//! | [`bound`] | the order of life, and the way out: unready, drain, wait, close, cut |
//! | [`phase`], [`shutdown`] | where in its life the server is; who asks for the end |
//! | [`accept`], [`tls`], [`connection`] | TCP, TLS, HTTP/1.1 |
//! | [`router`], [`mutate`] | from a request to an answer |
//! | [`deadline`], [`budget`], [`body`], [`turn`] | time, memory, bytes, and processors for a request |
//! | [`accounts`] | waits for the account that a pod needs |
//! | [`refusal`] | every answer that is no `AdmissionReview` |
//! | [`admin`], [`readiness`], [`metrics`] | what operators and the kubelet see |
//! | [`renewal`] | looks for new certificates |

pub mod accept;
pub mod accounts;
pub mod admin;
pub mod body;
pub mod bound;
pub mod budget;
pub mod config;
pub mod connection;
pub mod deadline;
pub mod limits;
pub mod metrics;
pub mod mutate;
pub mod phase;
pub mod readiness;
pub mod refusal;
pub mod renewal;
pub mod router;
pub mod shutdown;
pub mod tls;
pub mod turn;

pub use accounts::Accounts;
pub use bound::{Bound, Ended};
pub use config::{Config, Drain, ServeError};
pub use limits::Limits;
pub use metrics::Metrics;
pub use shutdown::{Shutdown, Trigger};
