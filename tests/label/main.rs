//! The label updater between a dkron and an API server that a test plays, over real connections on the loopback interface.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod health;
mod keeping;
mod neighbours;
mod stopping;
