//! Talking to dkron: its HTTP API, raft's own port, what its command line prints.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `http` | one HTTP request | sockets |
//! | `chunks` | a body in chunks | no |
//! | `response` | an HTTP answer as it comes in | no |
//! | `read` | dkron's answers, read strictly | no |
//! | `elements` | a long JSON array, an element at a time | no |
//! | `api` | the questions that dkron is asked | sockets |
//! | `own` | the own dkron, wherever it listens | sockets |
//! | `hand_over` | raft's request to take over | sockets |
//! | `introduce` | serf's exchange of all members, between two others | sockets |
//! | `raft_table` | the words of `dkron raft` | no |

pub mod api;
mod chunks;
mod elements;
pub mod hand_over;
pub mod http;
pub mod introduce;
#[cfg(test)]
pub(super) mod loopback;
pub mod own;
pub mod raft_table;
mod read;
pub(super) mod response;
