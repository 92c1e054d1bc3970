//! What can be asked to go wrong, by environment variables.

use std::env;

/// The faults that were asked for. Each variable counts when it is set to `1`.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a variable of its own")]
pub struct Faults {
    /// `DKRON_STANDIN_CRASH_ON_HANDOVER`: a leader that loses its leadership dies of the fatal error that dkron has
    /// when an execution is not committed.
    pub crash_on_handover: bool,
    /// `DKRON_STANDIN_REFUSE_HANDOVER`: a raft message `TimeoutNow` is answered and not followed.
    pub refuse_handover: bool,
    /// `DKRON_STANDIN_HANG_ON_TERM`: TERM and INT are heard and not followed.
    pub hang_on_term: bool,
    /// `DKRON_STANDIN_HANG_ON_LEAVE`: leaving never ends.
    pub hang_on_leave: bool,
}

impl Faults {
    pub fn from_environment() -> Self {
        let asked = |fault: &str| env::var(format!("DKRON_STANDIN_{fault}")).is_ok_and(|value| value == "1");
        Self {
            crash_on_handover: asked("CRASH_ON_HANDOVER"),
            refuse_handover: asked("REFUSE_HANDOVER"),
            hang_on_term: asked("HANG_ON_TERM"),
            hang_on_leave: asked("HANG_ON_LEAVE"),
        }
    }
}
