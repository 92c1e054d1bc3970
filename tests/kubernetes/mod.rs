//! What the tiers of the API server and of the cluster have in common: processes that end with them, certificates, `kubectl`.
#![allow(dead_code, reason = "each tier uses a part of it")]

pub mod authority;
pub mod command;
pub mod kubectl;
pub mod process;
pub mod stopwatch;
pub mod wait;
