//! Signals that reach this program: caught, told apart, and handed to the loop that decides.

use std::io;
use std::thread;

use nix::sys::signal::SigSet;
use rustix::process::{Pid, Signal, getpid};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

/// All that can be caught and may concern dkron.
///
/// Not among them: KILL and STOP, which nobody can catch; ILL, BUS, FPE and SEGV, which tell of a fault of this program and
/// would come for ever if they were caught; real-time signals, which no safe interface sends on and dkron does not use.
pub const CAUGHT: [Signal; 24] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TRAP,
    Signal::ABORT,
    Signal::USR1,
    Signal::USR2,
    Signal::PIPE,
    Signal::ALARM,
    Signal::TERM,
    Signal::STKFLT,
    Signal::CONT,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::URG,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::VTALARM,
    Signal::PROF,
    Signal::WINCH,
    Signal::IO,
    Signal::POWER,
    Signal::SYS,
];

/// What a terminal sends to everybody in its foreground group, dkron included.
const FROM_TERMINAL: [Signal; 6] = [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::TTIN, Signal::TTOU, Signal::WINCH];

/// Those of [`FROM_TERMINAL`] that stop a process until a shell continues the group.
const STOPPING: [Signal; 3] = [Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// A signal that means something to the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    /// Some child ended, stopped or continued.
    Child,
    /// Somebody sent this for dkron.
    ForDkron(Signal),
    /// The terminal sent this to the whole group: dkron has it already.
    FromTerminal(Signal),
}

/// Catches signals from now on and hands each to `tell`, on a thread of its own. Call it before any other thread is made.
///
/// A handler is there a moment before it knows whom to tell, and would lose what comes in between: the kernel holds everything
/// back until all handlers know. Then nothing is blocked, nor what whoever started this program had left blocked: threads and
/// children inherit the mask, so that one blocked TERM would make this program and dkron deaf to it.
///
/// Handlers do not survive an `exec`: a child starts with the default of each signal.
///
/// # Errors
/// What the system says of masks, handlers and threads.
pub fn listen(tell: impl Fn(Caught) + Send + 'static) -> io::Result<()> {
    SigSet::all().thread_set_mask()?;
    let numbers = CAUGHT.iter().chain([&Signal::CHILD]).map(|signal| signal.as_raw());
    let mut signals = SignalsInfo::<WithOrigin>::new(numbers)?;
    SigSet::empty().thread_set_mask()?;
    let own = getpid();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for origin in signals.forever() {
            if let Some(caught) = meaning(&origin, own) {
                tell(caught);
            }
        }
    })?;
    Ok(())
}

/// Tells who sent a signal and whom it means; `None` if it means this program alone.
fn meaning(origin: &Origin, own: Pid) -> Option<Caught> {
    let signal = Signal::from_named_raw(origin.signal)?;
    if signal == Signal::CHILD {
        return Some(Caught::Child);
    }
    match origin.cause {
        // PIPE from writing to a closed pipe, ABRT from an abort: our own doing.
        Cause::Sent(_) if origin.process.is_some_and(|sender| sender.pid == own.as_raw_pid()) => None,
        Cause::Kernel if FROM_TERMINAL.contains(&signal) => Some(Caught::FromTerminal(signal)),
        // The rest of what the kernel sends: a hang-up, which it tells to the leader of a session alone.
        Cause::Sent(_) | Cause::Kernel => Some(Caught::ForDkron(signal)),
        // A trap, a forbidden system call, a timer: the causes that signal_hook has no name for.
        _ => None,
    }
}

/// Stops this program if a terminal stops its group, so that the shell in front of it sees the job stop.
pub fn stop_with_group(signal: Signal) {
    if STOPPING.contains(&signal) {
        // As PID 1 this does nothing, and there is no such shell.
        let _ = rustix::process::kill_process(getpid(), Signal::STOP);
    }
}

/// Name of a signal, such as `SIGTERM`.
pub fn name(signal: Signal) -> &'static str {
    signal_hook::low_level::signal_name(signal.as_raw()).unwrap_or("a signal")
}
