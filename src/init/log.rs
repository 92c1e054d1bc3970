//! One line to stderr, beside dkron's own lines.

use std::fmt::Display;
use std::io::Write;

/// Writes one line. A stderr that nobody reads must not stop dkron, so errors go unheard.
pub fn line(message: impl Display) {
    // One write keeps the line whole among those of dkron and of other threads.
    let text = format!("dkron-ha: {message}").replace(['\n', '\r'], " ");
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
