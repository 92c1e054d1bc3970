//! Tokio runtimes.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// For small programs that wait most of the time.
pub fn of_one_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// For the server: a thread for each processor.
pub fn of_all_processors() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}
