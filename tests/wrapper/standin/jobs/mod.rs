//! Jobs: what they are, when they are due, where they run and what became of them.

pub mod execution;
pub mod job;
pub mod plugin;
pub mod run;
pub mod schedule;
pub mod scheduler;
pub mod store;
