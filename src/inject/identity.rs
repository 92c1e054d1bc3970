//! Who a server is: its cluster, its ordinal, its peers.

use super::verdict::Rejection;
use crate::code;
use crate::json::Pointer;

/// A server's identity, known from names alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The StatefulSet's name, or the common part of bare pods' names.
    pub cluster: String,
    /// The number behind the last dash of the pod's name.
    pub ordinal: Option<u32>,
    /// Headless Service that gives the peers their names.
    pub service: String,
}

impl Identity {
    /// `<cluster>-<ordinal>` taken apart; a name without a number is a cluster of its own.
    pub fn of_bare_pod(name: &str) -> (String, Option<u32>) {
        match name.rsplit_once('-') {
            Some((cluster, number)) if !cluster.is_empty() && is_ordinal(number) => {
                (cluster.into(), number.parse().ok())
            }
            _ => (name.into(), None),
        }
    }

    /// The peers of the first boot, `<pod>.<service>.<namespace>.svc`; the wrapper adds the cluster domain.
    pub fn peers(&self, namespace: &str, start: u32, size: u32) -> String {
        let Self { cluster, service, .. } = self;
        if self.ordinal.is_none() {
            return format!("{cluster}.{service}.{namespace}.svc");
        }
        let peer = |ordinal| format!("{cluster}-{ordinal}.{service}.{namespace}.svc");
        (start..start.saturating_add(size)).map(peer).collect::<Vec<_>>().join(",")
    }
}

fn is_ordinal(text: &str) -> bool {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

/// A server's name must serve as a host name and as a label's value.
///
/// # Errors
/// A [`Rejection`] for a name that is missing, longer than 63 characters, or has dots in it.
pub fn usable(name: &str, path: Pointer) -> Result<(), Rejection> {
    let fault = if name.is_empty() {
        "a dkron server needs a name of its own (generateName gives a new one each time)"
    } else if name.len() > 63 || name.contains('.') {
        "the name of a dkron server becomes a host name and a label"
    } else {
        return Ok(());
    };
    Err(Rejection {
        code: code::SERVER_WITHOUT_NAME,
        path,
        problem: fault.into(),
        fix: "give metadata.name, at most 63 characters without dots; bare servers are called <cluster>-0, -1, …"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_pods_are_numbered_behind_the_last_dash() {
        let of = |name| Identity::of_bare_pod(name);
        assert_eq!(of("dkron-0"), ("dkron".into(), Some(0)));
        assert_eq!(of("my-dkron-12"), ("my-dkron".into(), Some(12)));
        assert_eq!(of("dkron"), ("dkron".into(), None));
        assert_eq!(of("dkron-01"), ("dkron-01".into(), None));
        assert_eq!(of("dkron-x2"), ("dkron-x2".into(), None));
        assert_eq!(of("-1"), ("-1".into(), None));
        assert_eq!(of("a-9999999999"), ("a-9999999999".into(), None));
    }

    #[test]
    fn peers_begin_at_the_first_ordinal() {
        let identity = Identity { cluster: "d".into(), ordinal: Some(6), service: "s".into() };
        assert_eq!(identity.peers("n", 5, 2), "d-5.s.n.svc,d-6.s.n.svc");
        let single = Identity { cluster: "d".into(), ordinal: None, service: "s".into() };
        assert_eq!(single.peers("n", 0, 1), "d.s.n.svc");
    }
}
