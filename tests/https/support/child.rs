//! One test in a process of its own, where its memory and its signals are nobody else's.

use std::process::{Child, Command, Stdio};

/// Starts the ignored test `name` of this very program; its output is piped.
pub fn start(name: &str, environment: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
