//! The authority that the webhook keeps by itself, driven through what may befall it: the real decision, the real TLS acceptor and
//! verifying clients, with a played API server and a played time.
//!
//! | | |
//! | --- | --- |
//! | `DKRON_HA_ROTATIONS=10000 cargo test --release --test certificates -- --nocapture` | as many rotations of leaves as that, and a tenth as many of authorities |
//! | `DKRON_HA_RACES=100000 cargo test --release --test certificates races -- --nocapture` | as many schedules of races |
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test")]

mod api;
mod client;
mod cluster;
mod overlap;
mod races;
#[path = "../simulation/random.rs"]
#[allow(dead_code, clippy::cast_possible_truncation, reason = "shared")]
mod random;
mod replica;
mod rotations;
mod start_states;
mod tally;

/// How many, by a variable; else as many as a plain `cargo test` has time for.
fn count(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}
