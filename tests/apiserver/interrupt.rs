//! Ctrl-C and TERM become an ordinary error, so that the control plane is torn down by the same path as always.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Takes over the signals that end a program. The first is noted; a second one ends the process at once.
pub fn install() -> Result<()> {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        // In this order: the first signal finds the flag still unset.
        flag::register_conditional_default(signal, Arc::clone(&INTERRUPTED)).context("taking over a signal")?;
        flag::register(signal, Arc::clone(&INTERRUPTED)).context("taking over a signal")?;
    }
    Ok(())
}

/// An error once a signal came; asked by everything here that waits.
pub fn check() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::SeqCst), "interrupted by a signal");
    Ok(())
}
