//! dkron-ha: plain dkron manifests become a highly available cluster.
//!
//! The tree is the system. Arrows point downwards only; `tests/architecture.rs` checks them.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | [`cli`] | a person's commands and the programs' command lines | yes |
//! | [`server`] | the HTTPS admission server and its admin port | yes |
//! | [`client`] | an HTTPS client that behaves as an API server does | yes |
//! | [`controller`] | accounts, Services and budgets around dkron pods, and their rollouts with the leader last | yes |
//! | [`clusters`] | the clusters of this Kubernetes cluster, watched | yes |
//! | [`registration`] | the webhook's registration and the Secret of its authority, read and written | yes |
//! | [`certs`] | certificates: made in memory, read from a directory, or kept; whom the API server trusts | yes |
//! | [`label`] | the sidecar: the leader label, and what Kubernetes wants | yes |
//! | [`watches`] | watches of the API server that go on | yes |
//! | [`init`] | PID 1 of the dkron container: std and a few small crates | yes |
//! | [`install`] | the manifests that install all this | no |
//! | [`rehearsal`] | the API server and the controllers, played on files | no |
//! | [`documents`] | YAML and JSON files, read as kubectl reads them | no |
//! | [`review`] | `AdmissionReview` in, `AdmissionReview` out | no |
//! | [`inject`] | the decision: what to add to which object, or why not | no |
//! | [`json`] | a borrowed JSON document, pointers, patches | no |
//! | [`settings`] | what an operator chose for the whole server | no |
//! | [`options`] | what annotations, flags and variables share | no |
//! | [`quantity`] | Kubernetes quantities | no |
//! | [`code`] | every `DKHA-nnn` with its fix | no |
//! | [`contract`] | every shared name | no |
//!

// A test says what it expects by panicking; a program never does.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod certs;
pub mod cli;
pub mod client;
pub mod clusters;
pub mod code;
pub mod contract;
pub mod controller;
pub mod documents;
pub mod init;
pub mod inject;
pub mod install;
pub mod json;
pub mod label;
pub mod options;
pub mod quantity;
pub mod registration;
pub mod rehearsal;
pub mod review;
pub mod server;
pub mod settings;
pub mod watches;
