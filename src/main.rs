//! `dkron-ha`: the webhook, the label updater, and a person's commands.

use std::process::ExitCode;

/// musl's own allocator costs the webhook three times the CPU of this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dkron_ha::cli::main()
}
