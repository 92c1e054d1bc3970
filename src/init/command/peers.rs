//! Names of the servers of one cluster.

use std::net::IpAddr;

use super::super::procedure::PeerName;

/// Ending of the names that the webhook writes; the domain of the Kubernetes cluster is to follow.
const SERVICE_ENDING: &str = ".svc";

/// The name to ask DNS for: complete, with a trailing dot, so that no search list is tried (three times the questions, and
/// an answer "no such name" may be kept for 30 s).
///
/// An address, a name that has the dot already, and any name where the domain is not known stay as they are.
pub fn absolute(name: &str, domain: Option<&str>) -> String {
    let Some(domain) = domain else { return name.to_owned() };
    match name.strip_suffix(domain).and_then(|name| name.strip_suffix('.')) {
        Some(name) if name.ends_with(SERVICE_ENDING) => format!("{name}.{domain}."),
        None if name.ends_with(SERVICE_ENDING) => format!("{name}.{domain}."),
        _ => name.to_owned(),
    }
}

/// The servers of the first bootstrap by the names they have, in the order given.
pub fn peer_names(names: &[String], domain: Option<&str>) -> Vec<PeerName> {
    let pod = |name: &str| match name.parse::<IpAddr>() {
        Ok(_) => name.into(),
        Err(_) => name.split('.').next().unwrap_or(name).into(),
    };
    names.iter().map(|name| PeerName { pod: pod(name), host: absolute(name, domain).into() }).collect()
}

/// Hosts among the values of `--join` and `--retry-join`, without their ports. Others ask a cloud for addresses
/// (`provider=k8s label_selector="a=b,c=d"`), which cannot be done here.
pub fn joined_hosts(values: &[String]) -> Vec<&str> {
    let entries = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let is_host = |entry: &&str| !entry.is_empty() && !entry.contains(['=', '"', '\'', '$', ' ', '{']);
    entries.filter(is_host).map(without_port).collect()
}

fn without_port(entry: &str) -> &str {
    if let Some((ip, _)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return ip;
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => entry,
    }
}

/// Domain of the Kubernetes cluster: what follows `svc.` in the search list that the kubelet writes.
pub fn cluster_domain(resolv_conf: &str) -> Option<String> {
    // As the resolver does: the last `search` line counts.
    let search = resolv_conf.lines().rev().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("search")).then_some(words)
    })?;
    let domains = search.filter_map(|entry| entry.strip_prefix(&SERVICE_ENDING[1..])?.strip_prefix('.'));
    domains.map(|domain| domain.trim_end_matches('.')).find(|domain| !domain.is_empty()).map(str::to_owned)
}

/// Whether the peer `name` is the pod `pod`: its first label is the pod's hostname.
pub fn is_pod(name: &str, pod: &str) -> bool {
    name.parse::<IpAddr>().is_err() && name.split('.').next() == Some(pod)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_with_the_domain_and_a_dot() {
        let table = [
            ("a-0.a.n.svc", Some("cluster.local"), "a-0.a.n.svc.cluster.local."),
            ("a-0.a.n.svc", Some("k8s.corp.example"), "a-0.a.n.svc.k8s.corp.example."),
            ("a-0.a.n.svc", None, "a-0.a.n.svc"),
            ("a-0.a.n.svc.cluster.local", Some("cluster.local"), "a-0.a.n.svc.cluster.local."),
            ("a-0.a.n.example", Some("cluster.local"), "a-0.a.n.example"),
            ("a-0.a.n.svc.cluster.local.", Some("cluster.local"), "a-0.a.n.svc.cluster.local."),
            ("10.0.0.1", Some("cluster.local"), "10.0.0.1"),
            ("fd00::1", Some("cluster.local"), "fd00::1"),
        ];
        for (name, domain, expected) in table {
            assert_eq!(absolute(name, domain), expected);
        }
    }

    #[test]
    fn hosts_are_told_from_what_asks_a_cloud() {
        let values = [
            "a.n.svc:8946",
            "10.0.0.1,10.0.0.2:8946, b",
            "[fd00::1]:8946",
            "fd00::2",
            "provider=k8s namespace=n label_selector=\"a=b,c=d\"",
            "{{ GetPrivateIP }}",
            "$A",
            "",
        ];
        let values = values.map(str::to_owned);
        assert_eq!(joined_hosts(&values), ["a.n.svc", "10.0.0.1", "10.0.0.2", "b", "fd00::1", "fd00::2"]);
    }

    #[test]
    fn the_domain_is_read_from_the_search_list() {
        let table = [
            (
                "search n.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n",
                Some("cluster.local"),
            ),
            (
                "nameserver 10.96.0.10\nsearch n.svc.k8s.corp svc.k8s.corp k8s.corp host.corp\noptions ndots:5\n",
                Some("k8s.corp"),
            ),
            ("search svc.old\nsearch\tsvc.new.\n", Some("new")),
            ("search svc.old\nsearch other\n", None),
            ("search svc. svc\n", None),
            ("# search svc.cluster.local\n", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(cluster_domain(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn peers_are_named_by_pod_and_host() {
        let names = ["a-0.a.n.svc".to_owned(), "fd00::1".to_owned()];
        let named = peer_names(&names, Some("cluster.local"));
        let shown: Vec<_> = named.iter().map(|peer| (&*peer.pod, &*peer.host)).collect();
        assert_eq!(shown, [("a-0", "a-0.a.n.svc.cluster.local."), ("fd00::1", "fd00::1")]);
    }

    #[test]
    fn the_own_name_is_the_one_with_the_pod_as_first_label() {
        assert!(is_pod("a-1.a.n.svc", "a-1"));
        assert!(!is_pod("a-10.a.n.svc", "a-1"));
        assert!(!is_pod("10.0.0.1", "10"));
    }
}
