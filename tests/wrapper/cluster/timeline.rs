//! Who led when, as far as looking every few milliseconds can tell. Pure.

use std::time::Duration;

/// Somebody was seen leading from the first to the last of a row of looks, without a look between that said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reign {
    /// Life of a pod.
    pub life: String,
    pub first: Duration,
    pub last: Duration,
}

/// All reigns, in the order of their beginnings.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    reigns: Vec<Reign>,
}

/// What happened in a part of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Times without anybody who leads.
    pub gaps: Vec<Duration>,
    /// How often another server led than before.
    pub changes: usize,
    /// Longest time in which two led at once.
    pub doubled: Duration,
}

impl Story {
    /// All time without a leader.
    pub fn leaderless(&self) -> Duration {
        self.gaps.iter().sum()
    }

    /// The longest time without a leader.
    pub fn longest_gap(&self) -> Duration {
        self.gaps.iter().max().copied().unwrap_or_default()
    }
}

impl Timeline {
    /// A look at `at` saw that this life leads; `goes_on` if the look before saw it too.
    pub fn leads(&mut self, life: &str, at: Duration, goes_on: bool) {
        let last = self.reigns.iter_mut().rev().find(|reign| reign.life == life);
        match last {
            Some(reign) if goes_on => reign.last = at,
            _ => self.reigns.push(Reign { life: life.to_owned(), first: at, last: at }),
        }
    }

    /// All of it, for people.
    pub fn reigns(&self) -> &[Reign] {
        &self.reigns
    }

    /// Time of the first look after `from` that saw somebody lead.
    pub fn leader_since(&self, from: Duration) -> Option<Duration> {
        self.reigns.iter().filter(|reign| reign.last >= from).map(|reign| reign.first.max(from)).min()
    }

    /// What happened between two times. Time before the first reign of all is no gap: there was no cluster yet.
    pub fn story(&self, from: Duration, to: Duration) -> Story {
        let inside = self.reigns.iter().filter(|reign| reign.last >= from && reign.first <= to);
        let mut reigns: Vec<&Reign> = inside.collect();
        reigns.sort_by_key(|reign| reign.first);
        let mut story = Story::default();
        let had_led = self.reigns.iter().any(|reign| reign.first <= from);
        let mut led_until = if had_led { from } else { reigns.first().map_or(to, |reign| reign.first) };
        let mut leader: Option<&Reign> = None;
        for reign in reigns {
            if reign.first > led_until {
                story.gaps.push(reign.first.saturating_sub(led_until));
            }
            if let Some(before) = leader.filter(|before| before.life != reign.life) {
                story.changes += 1;
                story.doubled = story.doubled.max(before.last.min(reign.last).saturating_sub(reign.first));
            }
            led_until = led_until.max(reign.last);
            leader = Some(reign);
        }
        if to > led_until + Self::BLINK {
            story.gaps.push(to.saturating_sub(led_until));
        }
        story
    }

    /// The last look may be a little older than the end of the time asked for.
    const BLINK: Duration = Duration::from_millis(100);
}
