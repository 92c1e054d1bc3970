//! Command lines: flags become settings here, and nowhere else. What is printed is printed here.

mod certificates;
mod certs;
mod demo;
mod diff;
mod exit;
mod flags;
mod inject;
mod label;
mod log;
mod manifests;
mod runtime;
mod serve;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Plain dkron manifests become a highly available cluster.
#[derive(Debug, Parser)]
#[command(name = "dkron-ha", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show on this machine, without a cluster, what the webhook does
    Demo(demo::Demo),
    /// Inject manifests from files, as the webhook would
    Inject(inject::Inject),
    /// Print everything that installs dkron-ha in a cluster
    Manifests(manifests::Manifests),
    /// Serve the admission webhook
    Serve(serve::Serve),
    /// Keep the leader label of this pod (the sidecar's command)
    Label(label::Label),
    /// Make certificates for development
    Certs(certs::Certs),
}

/// Reads the command line and runs it.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Demo(command) => command.run(),
        Command::Inject(command) => command.run(),
        Command::Manifests(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Label(command) => command.run(),
        Command::Certs(command) => command.run(),
    };
    exit::code(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
