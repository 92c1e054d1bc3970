//! One replica: the real keeper and the real acceptor, with a clock that may be wrong and an API server that may be slow.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dkron_ha::certs::world::{Step, World};
use dkron_ha::certs::{Board, Jitter, Keeper, Moment as Clocks, Served, Sight};
use dkron_ha::server::tls;
use tokio_rustls::TlsAcceptor;

use crate::api::{Api, NAMESPACE, Refusal, SERVICE};
use crate::random::Random;
use crate::tally::Leaf;

/// Beginning of the played time.
pub const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// What time it is on a clock that goes wrong by `skew` seconds, so long after the beginning.
pub fn wall(at: Duration, skew: i64) -> SystemTime {
    let now = UNIX_EPOCH + BEGIN + at;
    let by = Duration::from_secs(skew.unsigned_abs());
    if skew < 0 { now - by } else { now + by }
}

/// The same, and on a clock that nobody sets.
pub fn clocks(at: Duration, skew: i64) -> Clocks {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Clocks { wall: wall(at, skew), steady: *BEGUN + at }
}

/// What it does at its next moment.
enum Stage {
    Look,
    /// It has read the registration, and reads the Secret.
    Seen(Sight),
    /// What it has decided reaches the API server.
    Act(Step),
}

pub struct Replica {
    pub keeper: Keeper,
    pub acceptor: TlsAcceptor,
    served: Arc<Served>,
    board: Board,
    stage: Stage,
    /// When its next moment comes.
    pub next: Duration,
    pub skew: i64,
    /// The API server cannot be reached from here.
    pub cut_off: bool,
    failures: u32,
    jitter: Jitter,
    /// Probes in a row that were answered with 503; `None` before the first good one.
    bad_probes: Option<u32>,
}

/// What came of a moment.
pub enum Moment {
    Nothing,
    /// This was done.
    Done(Step),
    /// It serves another leaf.
    Served(Leaf),
}

impl Replica {
    pub fn start(at: Duration, skew: i64, random: &mut Random) -> Self {
        let jitter = Jitter::of(u16::try_from(random.below(1_001)).expect("small"));
        let keeper = Keeper::new(SERVICE, NAMESPACE, wall(at, skew), jitter).expect("a keeper");
        let served = Arc::new(Served::new(Arc::clone(keeper.served())));
        let acceptor = tls::acceptor(Arc::clone(&served)).expect("an acceptor");
        Self {
            keeper,
            acceptor,
            served,
            board: Board::new(),
            stage: Stage::Look,
            next: at,
            skew,
            cut_off: false,
            failures: 0,
            jitter,
            bad_probes: None,
        }
    }

    /// Its next moment; `slow` is the longest that the API server takes for anything.
    pub fn live(&mut self, at: Duration, api: &mut Api, random: &mut Random, slow: Duration) -> Moment {
        let travel = |random: &mut Random| Duration::from_micros(random.between(200, micros(slow).max(201)));
        match std::mem::replace(&mut self.stage, Stage::Look) {
            Stage::Look => {
                let sight = if self.cut_off { Sight::Unread("cut off".into()) } else { api.sight() };
                self.board.saw(sight);
                self.stage = Stage::Seen(Sight::clone(&self.board.sight()));
                self.next = at + travel(random);
            }
            Stage::Seen(sight) => {
                let secret = if self.cut_off { dkron_ha::certs::world::Secret::Unread } else { api.secret() };
                let away = self.cut_off || api.away;
                match self.keeper.next(&World { sight, secret }, clocks(at, self.skew)).expect("a step") {
                    Step::Serve(pair) => {
                        let leaf = self.reason(at);
                        self.served.replace(pair);
                        self.next = at;
                        return Moment::Served(leaf);
                    }
                    Step::Wait(pause) => self.next = at + if away { self.backoff() } else { pause },
                    step => {
                        self.stage = Stage::Act(step);
                        self.next = at + travel(random);
                    }
                }
            }
            Stage::Act(step) => {
                self.next = at + travel(random);
                let outcome = if self.cut_off { Err(Refusal::Away) } else { api.perform(&step) };
                match outcome {
                    Ok(()) => {
                        self.failures = 0;
                        return Moment::Done(step);
                    }
                    Err(Refusal::Conflict) => {}
                    Err(Refusal::Invalid) => {
                        if let Step::Replace { version, .. } = step {
                            self.keeper.refused(&version);
                        }
                    }
                    Err(Refusal::Away) => self.next = at + self.backoff(),
                }
            }
        }
        Moment::Nothing
    }

    /// Why it is about to serve another leaf.
    fn reason(&self, at: Duration) -> Leaf {
        if self.bad_probes.is_none() {
            return Leaf::First;
        }
        let is_due = self.pair().validity().is_due(wall(at, self.skew), self.jitter);
        if is_due { Leaf::Aged } else { Leaf::Followed }
    }

    /// When it next has something to renew, in seconds since 1970: its leaf at the latest, or the authority.
    pub fn due(&self) -> i64 {
        let authority = self.keeper.authority().map(|validity| validity.due(self.jitter));
        let leaf = self.pair().validity().due(Jitter::NONE);
        authority.map_or(leaf, |authority| authority.min(leaf))
    }

    fn backoff(&mut self) -> Duration {
        self.failures += 1;
        Duration::from_millis(500 << self.failures.min(6)).min(Duration::from_secs(30))
    }

    /// The watch says that the registration has changed.
    pub fn ring(&mut self, at: Duration) {
        if matches!(self.stage, Stage::Look) && !self.cut_off {
            self.next = self.next.min(at);
        }
    }

    /// What the API server was last seen to trust, as readiness tells it.
    pub fn is_ready(&self, at: Duration) -> bool {
        self.board.sight().vouch(&self.served.pair(), wall(at, self.skew)).is_ok()
    }

    /// A probe of the kubelet.
    pub fn probe(&mut self, at: Duration) {
        let good = self.is_ready(at);
        self.bad_probes = match self.bad_probes {
            _ if good => Some(0),
            Some(bad) => Some(bad + 1),
            None => None,
        };
    }

    /// Whether the Service leads here: it was ready, and at most one probe in a row was bad.
    pub fn is_endpoint(&self) -> bool {
        self.bad_probes.is_some_and(|bad| bad < 2)
    }

    pub fn pair(&self) -> Arc<dkron_ha::certs::Pair> {
        self.served.pair()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).expect("short")
}
