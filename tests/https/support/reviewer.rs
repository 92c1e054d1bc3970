//! A reviewer that does what the beginning of the body says, and is no engine.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use dkron_ha::code;
use dkron_ha::review::{Outcome, ReviewError, Reviewed, Reviewer, Tally};

use super::PATIENCE;

/// Answers with the length of the body, unless the body begins with one of the words below.
#[derive(Default)]
pub struct Script {
    gate: Mutex<bool>,
    opened: Condvar,
    is_waiting: AtomicBool,
    seen: AtomicUsize,
}

impl Script {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Lets reviews of `wait` go on, now and later.
    pub fn open(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Whether a review of `wait` began.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::SeqCst)
    }

    /// Reviews that began.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Reviewer for Script {
    fn review(&self, body: &[u8]) -> Result<Reviewed, ReviewError> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        let word = body.split(|byte| *byte == b' ').next().unwrap_or_default();
        let tally = |outcome, code| Tally { kind: "Pod", operation: "CREATE", outcome, code };
        let tally = match word {
            b"malformed" => return Err(ReviewError::Malformed("not a review".into())),
            b"internal" => return Err(ReviewError::Internal("DKHA-201 our fault".into())),
            b"panic" => panic!("as the body says"),
            b"reject" => tally(Outcome::Rejected, Some(code::UNKNOWN_ANNOTATION)),
            b"wait" => {
                self.is_waiting.store(true, Ordering::SeqCst);
                let gate = self.gate.lock().unwrap();
                let (gate, timeout) = self.opened.wait_timeout_while(gate, PATIENCE, |open| !*open).unwrap();
                assert!(!timeout.timed_out(), "nobody opened the gate");
                drop(gate);
                tally(Outcome::Patched, None)
            }
            _ => tally(Outcome::Unchanged, None),
        };
        Ok(Reviewed { body: format!("{{\"length\":{}}}", body.len()).into_bytes(), tally, account: None })
    }
}
