//! The controller: what dkron pods need around them in their namespace, made and kept by whichever replica holds the lease; and
//! rollouts with the leader last.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`world`] | what there is in one namespace, as far as it matters here |
//! | [`cluster`] | the clusters of servers that live there |
//! | [`plan`] | what to apply, to delete and to say; pure |
//! | [`services`] | the Services of a cluster, and what is wrong with one that somebody else made; pure |
//! | [`budget`] | its PodDisruptionBudget; pure |
//! | [`rollout`] | which server of a set is replaced next, where the leader is to be the last; pure |
//! | [`difference`] | whether an object is as it is to be; pure |
//! | [`unstamped`] | which sets are older than the opt-in; pure |
//! | [`accounts`] | accounts of the pods, and who gets which rights; pure |
//! | [`election`] | whose turn it is; pure |
//! | `lease` | the Lease that says so |
//! | `read`, `act` | the API server: everything of a namespace in, everything of a plan out |
//! | `run` | when a namespace is looked at |
//! | `known` | the accounts that there are, for reviews that wait for one |
//!
//! Everything is read anew for each look and nothing is remembered between two, so a controller that starts goes on where another
//! one ended. What it made carries the label `app.kubernetes.io/managed-by`; whatever does not is somebody else's, and left alone.

pub mod accounts;
pub mod budget;
pub mod cluster;
pub mod difference;
pub mod election;
pub mod plan;
pub mod rollout;
pub mod services;
pub mod unstamped;
pub mod world;

mod act;
pub mod known;
mod lease;
mod read;
mod run;

pub use run::{Controller, run};
