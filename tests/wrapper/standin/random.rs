//! Chance for timers, choices and made-up identifiers.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Any number.
pub fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Between `least` and twice that.
pub fn up_to_twice(least: Duration) -> Duration {
    let micros = u64::try_from(least.as_micros()).unwrap_or(u64::MAX).max(1);
    least + Duration::from_micros(number() % micros)
}

/// A UUID in form, made anew for each answer.
pub fn uuid() -> String {
    let (high, low) = (number(), number());
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// Another order, by chance.
pub fn shuffle<T>(items: &mut [T]) {
    for at in (1..items.len()).rev() {
        let other = usize::try_from(number() % (at as u64 + 1)).unwrap_or(0);
        items.swap(at, other);
    }
}
