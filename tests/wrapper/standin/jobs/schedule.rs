//! When a job is due: `@every`, the other words with `@`, and cron's six fields. Time is UTC.

use std::time::Duration;

use crate::standin::settings;
use crate::standin::time::{self, Civil, Nanos};

const SECOND: Nanos = 1_000_000_000;

/// Looking further ahead than four years finds nothing.
const HORIZON: Nanos = 4 * 366 * 86_400;

#[derive(Debug, Clone)]
pub enum Schedule {
    Never,
    Every(Duration),
    /// Which seconds, minutes, hours, days of the month, months and days of the week.
    Cron(Box<[Vec<bool>; 6]>),
}

/// Least and largest value of each field.
const FIELDS: [(u64, u64); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

impl Schedule {
    /// # Errors
    /// What the cron library says, in its words where they are short.
    pub fn read(text: &str) -> Result<Self, String> {
        let fields = match text {
            "" => return Err("empty spec string".to_owned()),
            "@manually" => return Ok(Self::Never),
            "@minutely" => "0 * * * * *",
            "@hourly" => "0 0 * * * *",
            "@daily" | "@midnight" => "0 0 0 * * *",
            "@weekly" => "0 0 0 * * 0",
            "@monthly" => "0 0 0 1 * *",
            "@yearly" | "@annually" => "0 0 0 1 1 *",
            other => other,
        };
        if let Some(every) = fields.strip_prefix("@every ") {
            let every = settings::duration(every).ok_or_else(|| format!("failed to parse duration {text}"))?;
            return Ok(Self::Every(every));
        }
        if fields.starts_with('@') {
            return Err(format!("unrecognized descriptor: {text}"));
        }
        let words: Vec<&str> = fields.split_whitespace().collect();
        if words.len() != FIELDS.len() {
            return Err(format!("expected exactly 6 fields, found {}: [{}]", words.len(), words.join(" ")));
        }
        let mut cron: [Vec<bool>; 6] = Default::default();
        for ((word, bounds), place) in words.iter().zip(FIELDS).zip(&mut cron) {
            *place = field(word, bounds).ok_or_else(|| format!("failed to parse field {word}"))?;
        }
        Ok(Self::Cron(Box::new(cron)))
    }

    /// The next time after `from`.
    pub fn next(&self, from: Nanos) -> Option<Nanos> {
        match self {
            Self::Never => None,
            Self::Every(every) => Some(time::next_second(from, *every)),
            Self::Cron(cron) => {
                let mut at = from / SECOND + 1;
                let end = at + HORIZON;
                while at < end {
                    let Civil { month, day, hour, minute, second, weekday, .. } = Civil::of(at * SECOND);
                    let on = |field: usize, value: u64| cron[field][usize::try_from(value).unwrap_or(0)];
                    let wait = match () {
                        () if !on(4, month) || !on(3, day) || !on(5, weekday) => 86_400 - at % 86_400,
                        () if !on(2, hour) => 3600 - at % 3600,
                        () if !on(1, minute) => 60 - at % 60,
                        () if !on(0, second) => 1,
                        () => return Some(at * SECOND),
                    };
                    at += wait;
                }
                None
            }
        }
    }
}

/// `*`, `?`, `a`, `a-b`, either with `/n`, and lists of them.
fn field(word: &str, (least, largest): (u64, u64)) -> Option<Vec<bool>> {
    let mut on = vec![false; usize::try_from(largest).ok()? + 1];
    for part in word.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (least, largest),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None => (range.parse().ok()?, if step.is_some() { largest } else { range.parse().ok()? }),
        };
        let step = step.map_or(Some(1), |step| step.parse().ok().filter(|step| *step > 0))?;
        if from < least || to > largest || from > to {
            return None;
        }
        for value in (from..=to).step_by(step) {
            on[usize::try_from(value).ok()?] = true;
        }
    }
    Some(on)
}
