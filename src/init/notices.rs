//! What a person must know of a server: a selection of what is said, for the label updater to write as Events. `docs/wrapper.md`
//! explains each.
//!
//! There is one notice for each reason, the last of its kind, with a count. So the list is short however long a trouble lasts, and
//! nothing that matters is pushed out of it.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::procedure::{Moment, Name, Saying, Waiting, Why};

/// A wait is told every 10 s. One that was told after a longer pause is another one.
const SAME_WAIT: Duration = Duration::from_secs(15);

/// What takes a few seconds in any start is not worth a person's time.
const LASTS: Duration = Duration::from_secs(30);

/// A name that a dead process left behind is free after about 35 to 60 s by itself.
const LASTS_LONG: Duration = Duration::from_secs(90);

/// How a saying is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The Event's reason.
    pub reason: &'static str,
    /// Whether it is a warning.
    pub warning: bool,
    /// It has to last for so long, repeated, before it is told.
    pub after: Duration,
}

/// How a saying is told to people who do not read the log; `None` where the log is enough.
pub fn sort(saying: &Saying) -> Option<Sort> {
    let sort = |reason, warning, after| Some(Sort { reason, warning, after });
    let normal = |reason| sort(reason, false, Duration::ZERO);
    let warning = |reason| sort(reason, true, Duration::ZERO);
    match saying {
        Saying::Waiting(waiting) => match waiting {
            Waiting::Peers(_)
            | Waiting::Turn(_)
            | Waiting::Leader(_)
            | Waiting::Company(_)
            | Waiting::Voters(_)
            | Waiting::Members(_)
            | Waiting::Surplus(_) => sort("WaitingForServers", true, LASTS),
            Waiting::NameTaken(_) => sort("WaitingForName", true, LASTS_LONG),
            Waiting::Sizes(..) => sort("SizesDiffer", true, LASTS),
            Waiting::Gone(_) => sort("NoLeader", true, LASTS),
            Waiting::DiskOfAnother(_) => warning("DiskOfAnotherCluster"),
        },
        Saying::Starting(Why::Bootstrap, _) => normal("FoundingCluster"),
        Saying::Starting(Why::Vote, _) => warning("EmptyDiskVotes"),
        Saying::Starting(Why::Recovery, _) | Saying::Stranded => normal("AddressesReplaced"),
        Saying::Died(..) => warning("DkronDied"),
        Saying::DiesAlways(_) => warning("DkronGivenUp"),
        Saying::Stalled => warning("StallCured"),
        Saying::SizeChanged(..) => normal("SizeChanged"),
        Saying::Zombie(_) | Saying::LeftOut => warning("ZombieRestarted"),
        Saying::Blocked(_) | Saying::Misled(_) | Saying::Lost => warning("JoinRestarted"),
        Saying::NoLeader(_) => warning("NoLeader"),
        Saying::RemovingSurplus(_) => normal("SurplusRemoved"),
        Saying::Holding(..) => warning("StopHeld"),
        Saying::HoldOver => warning("StopForced"),
        Saying::Starting(Why::Leader(_) | Why::State, _)
        | Saying::Removing(..)
        | Saying::Failed(..)
        | Saying::Up(_)
        | Saying::Leader(_)
        | Saying::Voter(_)
        | Saying::AllEmpty
        | Saying::Stopping
        | Saying::NobodyRemains
        | Saying::HandingOver(_)
        | Saying::HandedOver(..)
        | Saying::Jobs(_)
        | Saying::Leaving
        | Saying::Left(_)
        | Saying::TakenUpAgain
        | Saying::Killing => None,
    }
}

/// The last notice of one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The Event's reason.
    pub reason: Cow<'static, str>,
    /// Whether it is a warning.
    pub warning: bool,
    /// The line of the log.
    pub text: String,
    /// How often it was told since this program began.
    pub count: u32,
    /// Milliseconds of `CLOCK_MONOTONIC` when it was told last.
    pub at: u64,
}

/// All notices of this program's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// Whose they are: on the network of a node the port may be another pod's.
    namespace: Name,
    pod: Name,
    /// Milliseconds of `CLOCK_MONOTONIC` when this program began: counts are of this life.
    began: u64,
    #[serde(rename = "notices")]
    all: Vec<Notice>,
    /// The present wait: its reason, and when it was told first and last.
    #[serde(skip)]
    wait: Option<(&'static str, Moment, Moment)>,
}

impl Notices {
    /// None yet, of a program that begins now as PID 1 of this pod.
    pub fn new(namespace: Name, pod: Name, now: Moment) -> Self {
        Self { namespace, pod, began: now.0, all: Vec::new(), wait: None }
    }

    /// Whether they are of this pod.
    pub fn is_of(&self, namespace: &str, pod: &str) -> bool {
        *self.namespace == *namespace && *self.pod == *pod
    }

    /// When the program began, in milliseconds of `CLOCK_MONOTONIC`.
    pub fn began(&self) -> u64 {
        self.began
    }

    /// One for each reason.
    pub fn all(&self) -> &[Notice] {
        &self.all
    }

    /// Something was said. Tells whether that is, or has become, something for people.
    pub fn hear(&mut self, saying: &Saying, now: Moment) -> bool {
        let Some(Sort { reason, warning, after }) = sort(saying) else { return false };
        if after > Duration::ZERO {
            let since = match self.wait {
                Some((of, since, last)) if of == reason && now.since(last) <= SAME_WAIT => since,
                _ => now,
            };
            self.wait = Some((reason, since, now));
            if now.since(since) < after {
                return false;
            }
        }
        let text = saying.to_string();
        match self.all.iter_mut().find(|notice| notice.reason == reason) {
            Some(notice) => (notice.text, notice.count, notice.at) = (text, notice.count.saturating_add(1), now.0),
            None => self.all.push(Notice { reason: reason.into(), warning, text, count: 1, at: now.0 }),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(1_000_000 + seconds * 1000)
    }

    fn none() -> Notices {
        Notices::new("n".into(), "a-0".into(), at(0))
    }

    fn told(notices: &Notices) -> Vec<(&str, u32)> {
        notices.all().iter().map(|notice| (&*notice.reason, notice.count)).collect()
    }

    #[test]
    fn a_wait_is_worth_a_notice_once_it_lasts() {
        let waiting = Saying::Waiting(Waiting::Turn("dkron-0".into()));
        let mut notices = none();
        for seconds in [0, 10, 20, 29] {
            assert!(!notices.hear(&waiting, at(seconds)), "{seconds}");
        }
        assert!(notices.hear(&waiting, at(30)));
        assert!(notices.hear(&Saying::Waiting(Waiting::Peers(Vec::new())), at(40)), "another wait for servers");
        assert_eq!(told(&notices), [("WaitingForServers", 2)]);
        assert!(notices.all()[0].text.starts_with("waiting for all first servers"), "the last one: {notices:?}");
        assert_eq!(notices.all()[0].at, at(40).0);
    }

    #[test]
    fn a_wait_after_a_pause_or_for_something_else_begins_anew() {
        let waiting = Saying::Waiting(Waiting::Turn("dkron-0".into()));
        let mut notices = none();
        for seconds in [0, 10, 20] {
            notices.hear(&waiting, at(seconds));
        }
        assert!(!notices.hear(&waiting, at(36)), "16 s after the last");
        assert!(!notices.hear(&waiting, at(50)));
        assert!(!notices.hear(&Saying::Waiting(Waiting::Sizes(3, 5)), at(55)));
        assert!(!notices.hear(&waiting, at(66)));
        assert!(notices.all().is_empty());
    }

    #[test]
    fn what_needs_a_person_is_told_at_once_and_counted() {
        let mut notices = none();
        assert!(notices.hear(&Saying::Waiting(Waiting::DiskOfAnother("billing/old".into())), at(1)));
        assert!(notices.hear(&Saying::Died(1, Duration::ZERO), at(2)));
        assert!(notices.hear(&Saying::Died(2, Duration::ZERO), at(3)));
        assert!(!notices.hear(&Saying::Up(Duration::ZERO), at(4)));
        assert_eq!(told(&notices), [("DiskOfAnotherCluster", 1), ("DkronDied", 2)]);
        assert!(notices.all()[0].text.starts_with("DKHA-301: "), "the code comes first");
        assert_eq!(notices.all()[1].text, "dkron died with code 2: starting it again");
    }

    #[test]
    fn they_are_of_one_pod_of_one_namespace() {
        assert!(none().is_of("n", "a-0"));
        assert!(!none().is_of("n", "a-1") && !none().is_of("m", "a-0"));
    }

    #[test]
    fn reasons_are_as_kubernetes_wants_them() {
        let all = [
            Saying::Stalled,
            Saying::Zombie(Duration::ZERO),
            Saying::Holding(1, 2),
            Saying::HoldOver,
            Saying::RemovingSurplus("dkron-4".into()),
            Saying::Starting(Why::Bootstrap, Some(3)),
        ];
        for Sort { reason, .. } in all.iter().filter_map(sort) {
            assert!(reason.len() <= 128 && reason.chars().all(char::is_alphanumeric), "{reason}");
            assert!(reason.starts_with(char::is_uppercase), "{reason}");
        }
    }
}
