//! Ctrl-C and TERM become an ordinary error, so that everything is taken down by the same path as always.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;

/// Every signal that ends a program by somebody's wish.
pub const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Takes over the signals that end a program; they are only noted.
pub fn install() -> Result<()> {
    for signal in ENDING {
        flag::register(signal, Arc::clone(&INTERRUPTED)).context("taking over a signal")?;
    }
    Ok(())
}

/// An error once a signal came; asked by everything here that waits.
pub fn check() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::SeqCst), "interrupted by a signal");
    Ok(())
}
