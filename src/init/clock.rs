//! What time it is: the one place where the procedure's time is read.

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::procedure::{Moment, Now};

/// Nanoseconds of a millisecond.
const NANOS: i64 = 1_000_000;

/// The present time, in both senses.
pub fn now() -> Now {
    let (up, wall) = (read(ClockId::CLOCK_MONOTONIC), read(ClockId::CLOCK_REALTIME));
    // Neither clock gives anything negative.
    let millis = up.tv_sec().saturating_mul(1000).saturating_add(up.tv_nsec() / NANOS);
    Now {
        at: Moment(u64::try_from(millis).unwrap_or_default()),
        in_second: u16::try_from(wall.tv_nsec() / NANOS).unwrap_or_default(),
    }
}

/// Every Linux has these two clocks.
fn read(clock: ClockId) -> TimeSpec {
    clock_gettime(clock).unwrap_or(TimeSpec::new(0, 0))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_clock_counts_milliseconds_and_knows_the_second() {
        let before = now();
        std::thread::sleep(Duration::from_millis(30));
        let after = now();
        let passed = after.at.since(before.at);
        assert!(passed >= Duration::from_millis(29), "{passed:?}");
        assert!(passed < Duration::from_secs(20), "{passed:?}");
        assert!(after.in_second < 1000, "{after:?}");
        let up = std::fs::read_to_string("/proc/uptime").expect("/proc/uptime");
        let up: f64 = up.split(' ').next().and_then(|seconds| seconds.parse().ok()).expect("seconds");
        let told = Duration::from_millis(now().at.0).as_secs_f64();
        assert!(told <= up + 1.0, "CLOCK_MONOTONIC: {told} of {up}");

        let close = (0..100).any(|_| {
            let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").subsec_millis();
            u32::from(now().in_second).abs_diff(wall) < 20
        });
        assert!(close, "the millisecond of the second is the wall clock's");
    }
}
