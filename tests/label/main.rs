//! The label updater between a dkron and an API server that a test plays, over real connections on the loopback interface.

mod door;
mod events;
mod health;
mod keeping;
mod kubernetes;
mod neighbours;
mod real_wrapper;
mod set;
mod stopping;
