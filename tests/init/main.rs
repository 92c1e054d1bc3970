//! `dkron-ha-init` from outside: the built program as a process, with shells as children.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "helpers of tests are tests")]

mod agents;
mod architecture;
mod child_state;
mod deaths;
mod documentation;
mod exit_codes;
mod fake_dkron;
mod figures;
mod forms;
mod install;
mod linkage;
mod merged_config;
mod names;
mod namespaces;
mod orphans;
mod pid_one;
mod probes;
mod processes;
mod scratch;
mod scripts;
mod server;
mod signals;
mod start;
mod terminal;
mod wrapped;
