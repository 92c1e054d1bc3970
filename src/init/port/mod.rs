//! The wrapper's own port: what it tells the other wrappers, the probes of the container, metrics. It asks nobody: all answers come
//! from a [`Board`](board::Board), so that they are there before dkron runs and while it hangs.
//!
//! | module | what it is | may do I/O |
//! | --- | --- | --- |
//! | `board` | what there is to tell, always whole | no |
//! | `answer` | a request and what there is to tell: the answer | no |
//! | `metrics` | the same as text for Prometheus | no |
//! | `serve` | connections | sockets |

mod answer;
pub mod board;
mod metrics;
pub mod serve;
