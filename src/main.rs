//! `dkron-ha`: the webhook, the label updater, and a person's commands.

use std::process::ExitCode;

/// musl's own allocator costs the webhook three times the CPU of this one. It asks for no huge pages: the label updater, beside every
/// server, would have 6 MiB more of them than it needs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dkron_ha::cli::main()
}
