//! Which Events are still to be written, of what the wrapper says that people must know. No I/O and no clock.
//!
//! There is one line for each reason, so that it is as short as the wrapper's list, however long the API server is away. The same
//! text again raises the count of the Event that there is; another text makes a new one, since Kubernetes lets nobody change it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::init::notices::Notices;

/// Reasons at one time: a wrapper knows fewer than twenty.
const MOST_REASONS: usize = 32;

/// Of one reason, no two writes follow each other faster.
const PAUSE: Duration = Duration::from_secs(60);

/// An Event that was not repeated for so long is over; the next one is new.
const SERIES: Duration = Duration::from_secs(600);

/// Of all reasons together, so many may be written at once,
const BURST: u32 = 10;

/// and then one each time this has passed.
const REFILL: Duration = Duration::from_secs(20);

/// What was said so long ago is no news for a label updater that has just begun: Kubernetes keeps Events for an hour.
const STALE: Duration = Duration::from_secs(3600);

/// After a first failed write; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Bytes of a note: Kubernetes takes no more than 1024.
const LONGEST_NOTE: usize = 1000;

/// Letters of a reason.
const LONGEST_REASON: usize = 128;

/// One Event to be created, or repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// What tells it from all others of the pod.
    pub key: String,
    /// Its reason.
    pub reason: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// What people read.
    pub note: String,
    /// How often that was said, as far as is known.
    pub count: u32,
    /// When it was said first and last.
    pub first: Instant,
    /// The same for the last time.
    pub last: Instant,
    /// The Event is there already.
    pub repeated: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The Event is there.
    Written,
    /// The Event that was to be repeated is no more.
    Gone,
    /// The API server will never take it.
    Refused,
    /// Nobody knows; try again.
    Failed,
}

/// What was heard and written.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Which life of the wrapper the counts are of.
    began: Option<u64>,
    lines: BTreeMap<String, Line>,
    tokens: u32,
    refilled: Instant,
    resting: Option<(Instant, Duration)>,
}

#[derive(Debug, Default)]
struct Line {
    /// The wrapper's count when it was heard last.
    heard: u32,
    /// What is not written yet.
    news: Option<Draft>,
    /// The last Event, and when it was written.
    written: Option<(Draft, Instant)>,
    /// When a write of this reason failed last: the others come first then.
    failed: Option<Instant>,
}

impl Ledger {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: None, lines: BTreeMap::new(), tokens: BURST, refilled: now, resting: None }
    }

    /// The wrapper says this; `age` is how long ago a moment of its clock was.
    pub(super) fn hear(&mut self, notices: &Notices, now: Instant, age: impl Fn(u64) -> Duration) {
        if self.began != Some(notices.began()) {
            self.began = Some(notices.began());
            self.lines.values_mut().for_each(|line| line.heard = 0);
        }
        for notice in notices.all() {
            let (reason, known) = (&*notice.reason, self.lines.contains_key(&*notice.reason));
            if !is_reason(reason) || (!known && self.lines.len() >= MOST_REASONS) {
                continue;
            }
            let line = self.lines.entry(reason.to_owned()).or_default();
            let times = notice.count.saturating_sub(line.heard);
            line.heard = notice.count;
            let age = age(notice.at);
            if times == 0 || age > STALE {
                continue;
            }
            let last = now.checked_sub(age).unwrap_or(now);
            let note = shortened(&notice.text);
            let same = line.news.take().filter(|news| news.note == note);
            let key = || format!("{:x}.{}.{}", notices.began(), reason.to_lowercase(), notice.count);
            // It keeps its name: it may have been written although nobody heard so.
            let (first, count, key) = match same {
                Some(news) => (news.first, news.count.saturating_add(times), news.key),
                None => (last, times, key()),
            };
            line.news = Some(Draft {
                key,
                reason: reason.to_owned(),
                warning: notice.warning,
                note,
                count,
                first,
                last,
                repeated: false,
            });
        }
    }

    /// What to write now, if anything.
    pub(super) fn next(&mut self, now: Instant) -> Option<Draft> {
        if self.resting.is_some_and(|(until, _)| now < until) {
            return None;
        }
        while self.tokens < BURST && now.saturating_duration_since(self.refilled) >= REFILL {
            self.refilled += REFILL;
            self.tokens += 1;
        }
        if self.tokens == BURST {
            self.refilled = now;
        }
        if self.tokens == 0 {
            return None;
        }
        let due = |line: &&Line| match (&line.news, &line.written) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(_), Some((_, at))) => now.saturating_duration_since(*at) >= PAUSE,
        };
        let turn = |line: &&Line| (line.failed, line.news.as_ref().map(|news| news.first));
        let line = self.lines.values().filter(due).min_by_key(turn)?;
        let news = line.news.clone()?;
        Some(match &line.written {
            Some((event, _))
                if event.note == news.note && news.first.saturating_duration_since(event.last) < SERIES =>
            {
                Draft {
                    count: event.count.saturating_add(news.count),
                    last: news.last,
                    repeated: true,
                    ..event.clone()
                }
            }
            _ => news,
        })
    }

    /// What became of a draft that [`Self::next`] gave; nothing was heard since.
    pub(super) fn done(&mut self, draft: Draft, outcome: Outcome, now: Instant) {
        let Some(line) = self.lines.get_mut(&draft.reason) else { return };
        match outcome {
            Outcome::Failed => {
                let pause = self.resting.map_or(FIRST_PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
                self.resting = Some((now + pause, pause));
                line.failed = Some(now);
                return;
            }
            Outcome::Gone => line.written = None,
            Outcome::Refused => line.news = None,
            Outcome::Written => (line.news, line.written) = (None, Some((draft, now))),
        }
        line.failed = None;
        self.resting = None;
        self.tokens = self.tokens.saturating_sub(1);
    }
}

/// What Kubernetes takes for a reason.
fn is_reason(text: &str) -> bool {
    (1..=LONGEST_REASON).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_alphanumeric())
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NOTE {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST_NOTE);
    format!("{}…", &text[..ends.last().unwrap_or_default()])
}

#[cfg(test)]
mod tests;
