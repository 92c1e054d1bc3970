//! The life of an agent: it is asked for at its servers, made known to them again when they have lost sight of it, and restarted
//! when nothing else helps and nothing runs on it. A pure state machine as the [`procedure`](super::procedure) of servers:
//! [`Input`]s and the time go in, [`Action`]s come out. No socket, process, clock or random source is in here.
//!
//! | module | what it is |
//! | --- | --- |
//! | `input` | what is learned |
//! | `action`, `saying` | what is wanted, and what people read |
//! | `sight` | what is known of how the servers see this agent |

mod action;
mod input;
mod saying;
mod sight;

use std::mem;
use std::time::Duration;

use super::procedure::{Health, Moment, Name, Outcome};

pub use action::Action;
pub use input::{Home, Input, Me, Sighting};
pub use saying::Saying;

use sight::{Heard, Sight};

/// Time between two questions while all is well: a wrapper's answer is one line, dkron's own lists every agent.
const CALM: Duration = Duration::from_secs(10);
const CALM_PLAIN: Duration = Duration::from_secs(30);

/// The same at first, for so long after a start: an agent that was never seen cannot be told from one that belongs elsewhere.
const BEGINNING: Duration = Duration::from_secs(1);
const BEGINS_FOR: Duration = Duration::from_secs(15);

/// The same while something is wrong.
const HURRY: Duration = Duration::from_secs(5);
const HURRY_PLAIN: Duration = Duration::from_secs(10);

/// What is wrong for so long does not mend itself: serf of a lost agent only tries old addresses. A start takes a second, and
/// gossip a few more.
const PATIENCE: Duration = Duration::from_secs(5);

/// An agent that no introduction helped is restarted after this time.
const LOST: Duration = Duration::from_secs(60);

/// Agents that were lost at the same moment do not act at the same moment: each by its name, up to so many milliseconds later.
const SPREAD: u32 = 15_000;

/// Between two introductions. An agent holds the names of servers for dead at their old addresses for half a minute and more.
const AGAIN: Duration = Duration::from_secs(15);

/// Pauses between restarts that did not help grow up to this.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// dkron ends at once where no job runs.
const END: Duration = Duration::from_secs(60);

/// A wait is told again after this time.
const TOLD: Duration = Duration::from_secs(5 * 60);

/// Nothing is due.
const LONG: Duration = Duration::from_secs(3600);

/// What a life goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not started yet.
    New,
    /// dkron runs.
    Running,
    /// dkron was told to end since, to be started again; and it was killed since.
    Restarting(Moment, bool),
    /// TERM came.
    Stopping,
    /// dkron has ended for good.
    Over,
}

/// What the number of jobs is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// dkron was started before there was anybody to join.
    Anew,
    Restart,
    Kill,
    Farewell,
}

/// The life of one agent.
///
/// Drive it with [`step`](Self::step) for each input and with [`Input::Tick`] not later than at [`next`](Self::next), and do
/// what it returns, in order.
#[derive(Debug)]
pub struct Agent {
    me: Me,
    stage: Stage,
    sight: Sight,
    /// When dkron was started last, and how often since it was last seen alive.
    started: Moment,
    restarts: u32,
    /// It may still have come before its servers: they have never seen it, and it was not restarted for that.
    early: bool,
    introduced: Option<Moment>,
    /// What went wrong with that, as it was said last.
    not_introduced: Option<Name>,
    counting: Option<Wanted>,
    /// When people were told last that jobs hold up a restart.
    held_up: Option<Moment>,
    told_unknown: bool,
    out: Vec<Action>,
}

impl Agent {
    /// An agent that is still to be started.
    pub fn new(me: Me) -> Self {
        Self {
            sight: Sight::of(&me),
            me,
            stage: Stage::New,
            started: Moment::default(),
            restarts: 0,
            early: true,
            introduced: None,
            not_introduced: None,
            counting: None,
            held_up: None,
            told_unknown: false,
            out: Vec::new(),
        }
    }

    /// Takes in one input; returns what is to be done now.
    pub fn step(&mut self, now: Moment, input: Input) -> Vec<Action> {
        match input {
            Input::Tick => self.tick(now),
            Input::Seen(seen) => self.seen(now, seen),
            Input::Introduced(outcome) => {
                let failed = outcome.err();
                if let Some(why) = failed.clone().filter(|_| failed != self.not_introduced) {
                    self.say(Saying::NotIntroduced(why));
                }
                self.not_introduced = failed;
            }
            Input::Jobs(number) => self.jobs(now, number),
            Input::Started => {
                self.started = now;
                self.sight.start();
            }
            Input::Stop => self.stop(true),
            Input::Stopped => self.stop(false),
            Input::Ended(code) => self.ended(code),
        }
        mem::take(&mut self.out)
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next(&self, now: Moment) -> Moment {
        match self.stage {
            Stage::New => now,
            Stage::Restarting(since, false) => since + END,
            _ => now + LONG,
        }
    }

    /// Time between two questions to the servers.
    pub fn pace(&self, now: Moment) -> Duration {
        if !self.sight.has_joined() && now.since(self.started) < BEGINS_FOR {
            return BEGINNING;
        }
        match (self.sight.is_calm(), self.sight.by_wrapper()) {
            (true, true) => CALM,
            (true, false) => CALM_PLAIN,
            (false, true) => HURRY,
            (false, false) => HURRY_PLAIN,
        }
    }

    /// What the probes answer: alive always; ready as the servers see it, where they can be asked.
    pub fn health(&self) -> Health {
        let ready = if !self.me.asks {
            Ok("an agent: no servers are known to ask".into())
        } else if self.sight.is_alive() {
            Ok("an agent that its servers see".into())
        } else {
            Err("no server that knows a leader sees this agent alive".into())
        };
        Health { live: Ok("alive".into()), ready }
    }

    fn tick(&mut self, now: Moment) {
        match self.stage {
            Stage::New => {
                if !self.me.asks {
                    self.say(Saying::NobodyToAsk);
                }
                self.start();
            }
            Stage::Restarting(since, false) if now.since(since) >= END => {
                self.stage = Stage::Restarting(now, false);
                self.count(Wanted::Kill);
            }
            _ => {}
        }
    }

    fn start(&mut self) {
        self.stage = Stage::Running;
        self.out.push(Action::Start);
    }

    fn seen(&mut self, now: Moment, seen: Outcome<Sighting>) {
        let heard = self.sight.take_in(now, seen);
        if let (Stage::Restarting(..), Heard::Found(_)) = (self.stage, heard) {
            // What it was started by has started another one, or it was found before it ended.
            self.stage = Stage::Running;
        }
        if self.stage != Stage::Running {
            return;
        }
        match heard {
            Heard::Nothing => {}
            Heard::Found(after) => {
                self.say(Saying::Seen(after));
                (self.restarts, self.early, self.introduced, self.held_up) = (0, false, None, None);
            }
            Heard::Missing(since) => self.missing(now, since),
        }
    }

    /// A server that knows a leader does not see this agent alive, and none has since that moment.
    fn missing(&mut self, now: Moment, since: Moment) {
        let lost = now.since(since.max(self.started));
        let spread = spread(&self.me.node);
        if !self.sight.is_known() && !self.me.sure {
            // It has not joined yet, which dkron itself tries over and over; or these are somebody else's servers.
            if lost >= LOST && !mem::replace(&mut self.told_unknown, true) {
                self.say(Saying::Unknown);
            }
            return;
        }
        // dkron looks for its first server every 30 s only.
        if self.early && self.sight.is_missed_at_home() && lost >= PATIENCE + spread / 4 {
            self.count(Wanted::Anew);
            return;
        }
        let again = self.introduced.is_none_or(|last| now.since(last) >= AGAIN);
        if let Some(server) = self.sight.introducer().filter(|_| again && lost >= PATIENCE + spread) {
            if self.introduced.is_none() {
                self.say(Saying::Introducing(server));
            }
            self.introduced = Some(now);
            self.out.push(Action::Introduce(server));
        }
        let patience = LOST.saturating_mul(1 << self.restarts.min(8)).min(LONGEST) + spread;
        if lost >= patience {
            self.count(Wanted::Restart);
        }
    }

    fn count(&mut self, wanted: Wanted) {
        self.counting = Some(wanted);
        self.out.push(Action::CountJobs);
    }

    fn jobs(&mut self, now: Moment, number: usize) {
        match (self.counting.take(), number) {
            (Some(Wanted::Anew), number) if self.stage == Stage::Running => {
                self.early = false;
                if number == 0 {
                    self.restart(now, Saying::Anew);
                }
            }
            (Some(Wanted::Restart), 0) if self.stage == Stage::Running => {
                self.restarts += 1;
                self.restart(now, Saying::Lost);
            }
            (Some(Wanted::Restart), number) if self.held_up.is_none_or(|told| now.since(told) >= TOLD) => {
                self.held_up = Some(now);
                self.say(Saying::HeldUp(number));
            }
            (Some(Wanted::Kill), 0) if matches!(self.stage, Stage::Restarting(..)) => {
                // Once: whatever runs then may be a new one.
                self.stage = Stage::Restarting(now, true);
                self.say(Saying::Killing);
                self.out.push(Action::Kill);
            }
            (Some(Wanted::Farewell), 1..) => self.say(Saying::Jobs(number)),
            _ => {}
        }
    }

    fn restart(&mut self, now: Moment, why: Saying) {
        self.say(why);
        self.stage = Stage::Restarting(now, false);
        self.out.push(Action::Term);
    }

    /// dkron waits for its jobs by itself, and takes no new ones: it has left serf by then. So it is told at once, and once: a second
    /// signal would change the code that it ends with.
    fn stop(&mut self, tell: bool) {
        match self.stage {
            Stage::Running | Stage::Restarting(..) => {
                let already = self.stage != Stage::Running;
                self.stage = Stage::Stopping;
                self.say(Saying::Stopping);
                self.count(Wanted::Farewell);
                if tell && !already {
                    self.out.push(Action::Term);
                }
            }
            Stage::New | Stage::Stopping | Stage::Over => {}
        }
    }

    fn ended(&mut self, code: u8) {
        if matches!(self.stage, Stage::Restarting(..)) {
            self.start();
        } else {
            self.stage = Stage::Over;
            self.out.push(Action::Exit(code));
        }
    }

    fn say(&mut self, saying: Saying) {
        self.out.push(Action::Say(saying));
    }
}

/// How much later than others an agent of this name acts: the same at each time, and from zero to [`SPREAD`] over all names.
fn spread(name: &str) -> Duration {
    // FNV-1a, which is short and mixes names that differ in a digit.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    Duration::from_millis((hash % SPREAD).into())
}

#[cfg(test)]
mod tests;
