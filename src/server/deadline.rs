//! How long a request may take.

use std::time::Duration;

/// What the network and the client need of the time that the client gives.
const FOR_THE_WAY: Duration = Duration::from_millis(200);
/// `timeoutSeconds` of a registration is 30 at most.
const LONGEST: u64 = 30;

/// Time for an answer. The API server sends its patience as `?timeout=3s`; without it, or where it is not of that form,
/// `otherwise` holds.
pub fn allowed(query: Option<&str>, otherwise: Duration) -> Duration {
    query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(|value| value.strip_suffix('s'))
        .and_then(|seconds| seconds.parse::<u64>().ok())
        .filter(|&seconds| seconds > 0)
        .map_or(otherwise, |seconds| Duration::from_secs(seconds.min(LONGEST)).saturating_sub(FOR_THE_WAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_patience_counts_less_the_way() {
        let otherwise = Duration::from_secs(10);
        for (query, millis) in [
            ("timeout=3s", 2_800),
            ("a=b&timeout=1s", 800),
            ("timeout=30s", 29_800),
            ("timeout=3600s", 29_800),
            ("timeout=0s", 10_000),
            ("timeout=-1s", 10_000),
            ("timeout=s", 10_000),
            ("timeout=3", 10_000),
            ("timeout=99999999999999999999s", 10_000),
            ("timeouts=3s", 10_000),
            ("", 10_000),
        ] {
            assert_eq!(allowed(Some(query), otherwise), Duration::from_millis(millis), "{query}");
        }
        assert_eq!(allowed(None, otherwise), otherwise);
    }
}
