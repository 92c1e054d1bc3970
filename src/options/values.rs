//! How the text of an option is read. Strict: what is nearly right is wrong.

use crate::quantity;

/// A number of servers, as an annotation, an environment variable or a flag gives it.
pub fn cluster_size(text: &str) -> Option<u32> {
    whole(text).filter(|n| is_cluster_size(*n))
}

/// Whether that many servers can be a cluster.
pub fn is_cluster_size(number: u32) -> bool {
    (1..=99).contains(&number)
}

pub(super) fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Option<T> {
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

pub(super) fn whole(text: &str) -> Option<u32> {
    // `parse` alone would take a leading plus sign.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// RFC 1123 label or subdomain: what Kubernetes takes as the name of a container, a set or a Service.
pub(super) fn dns_label(text: &str) -> Option<String> {
    let label = |part: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !part.is_empty()
            && part.len() <= 63
            && part.bytes().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.into())
}

pub(super) fn dns_domain(text: &str) -> Option<String> {
    dns_label(text.strip_suffix('.').unwrap_or(text))
}

pub(super) fn words(text: &str) -> Option<Vec<String>> {
    serde_json::from_str::<Vec<String>>(text).ok().filter(|list| list.first().is_some_and(|first| !first.is_empty()))
}

pub(super) fn printable(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.into())
}

pub(super) fn quantity(text: &str) -> Option<String> {
    quantity::value(text).map(|_| text.into())
}
