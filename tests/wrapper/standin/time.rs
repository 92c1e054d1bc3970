//! Points in time as dkron writes them: RFC 3339 with nanoseconds in JSON, RFC 9110 in HTTP headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970; 0 stands for Go's zero time, which dkron shows for what has not happened.
pub type Nanos = u64;

/// What Go writes for a time that was never set.
const ZERO: &str = "0001-01-01T00:00:00Z";

pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The next full second at least `wait` away, as dkron's `@every` counts.
pub fn next_second(from: Nanos, wait: Duration) -> Nanos {
    let second = 1_000_000_000;
    let wait = wait.as_secs().max(1) * second;
    (from + wait) / second * second
}

/// `2026-11-23T18:15:41.007311059Z`, without trailing zeros.
pub fn rfc3339(at: Nanos) -> String {
    if at == 0 {
        return ZERO.to_owned();
    }
    let Civil { year, month, day, hour, minute, second, .. } = Civil::of(at);
    let fraction = match at % 1_000_000_000 {
        0 => String::new(),
        nanos => format!(".{}", format!("{nanos:09}").trim_end_matches('0')),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// `Mon, 23 Nov 2026 18:15:36 GMT`.
pub fn http_date(at: Nanos) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second, weekday } = Civil::of(at);
    let name = |names: &[&'static str], at: u64| names.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or("");
    let (weekday, month) = (name(&DAYS, weekday), name(&MONTHS, month - 1));
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// A point in time by the calendar, UTC.
pub struct Civil {
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    /// 0 is Sunday.
    pub weekday: u64,
}

impl Civil {
    pub fn of(at: Nanos) -> Self {
        let seconds = at / 1_000_000_000;
        let days = seconds / 86_400;
        // Days since the first of March of the year 0, so that a leap day is the last of its year.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * years + years / 4 - years / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: years + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            weekday: (days + 4) % 7,
        }
    }
}
