//! How a thread begins: in one place, since each place costs the program some kilobytes.

use std::io;
use std::thread::Builder;

/// Address space of a thread's stack: the name resolvers of the C libraries keep their answers there. What is not touched takes no
/// memory.
const STACK_BYTES: usize = 256 * 1024;

/// Begins a thread that nobody waits for.
///
/// # Errors
/// What the system says.
pub fn begin(name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(work).map(drop)
}
