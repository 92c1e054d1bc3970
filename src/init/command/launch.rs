//! From a decision to the words and variables of the child. Pure.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::contract::{env, port};

use super::super::procedure::Launch;
use super::address_tag::{self, Told};
use super::arguments::{Word, flag, variable};
use super::effective::address_port;
use super::said::Said;

/// dkron's own 30 s between two tries are far too long for a start.
const RETRY_INTERVAL: &str = "1s";

/// What a child is started with, beside what it inherits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Program and arguments.
    pub words: Vec<OsString>,
    /// Variables to set.
    pub set: Vec<(String, String)>,
    /// Variables to take away.
    pub unset: Vec<String>,
}

impl Prepared {
    /// The command as the user wrote it, without what Kubernetes put into its environment by accident.
    pub fn as_written(said: &Said<'_>) -> Self {
        Self { words: said.form.words().to_vec(), set: Vec::new(), unset: said.environment.service_links().to_vec() }
    }

    /// An agent in the pod with this address, which joins by `join` where the user said nothing of it.
    pub fn agent(said: &Said<'_>, join: Option<&str>, pod_ip: Option<IpAddr>) -> Self {
        let mut prepared = Self::as_written(said);
        match address_tag::told(said, pod_ip) {
            Some(Told::Flag(word)) => prepared.words = said.form.rewritten(&[], &[word]).unwrap_or(prepared.words),
            Some(Told::Variable(name, value)) => prepared.set.push((name, value)),
            None => {}
        }
        if let Some(join) = join.filter(|_| !said.joins()) {
            // In a variable and not in a flag: dkron reads flags as CSV, where the quotes of a selector are an error.
            prepared.set.push((env::DKRON_RETRY_JOIN.into(), join.to_owned()));
        }
        prepared
    }

    /// A server, started as `launch` says with the configuration file `merged`, if there is one, in the pod with this address.
    ///
    /// What stands in a file is overruled by flags, or by variables where flags cannot be reached; there the configuration
    /// file stays the user's, since dkron reads its name from a flag only.
    pub fn server(said: &Said<'_>, launch: &Launch, merged: Option<&Path>, pod_ip: Option<IpAddr>) -> Self {
        let wanted = wanted(said, launch, merged, pod_ip);
        let mut prepared = Self::as_written(said);
        let out: Vec<&str> = wanted.iter().map(|flag| flag.name).collect();
        let mut appended: Vec<String> = wanted.iter().flat_map(|flag| flag.written(said)).collect();
        // Before a cluster is founded nobody runs jobs.
        match address_tag::told(said, pod_ip).filter(|_| launch.expect.is_none()) {
            Some(Told::Flag(word)) => appended.push(word),
            Some(Told::Variable(name, value)) => prepared.set.push((name, value)),
            None => {}
        }
        if let Some(words) = said.form.rewritten(&out, &appended) {
            prepared.words = words;
            // A flag that is absent leaves room for its variable.
            prepared.unset.extend(out.iter().map(|name| variable(name)));
            return prepared;
        }
        for flag in wanted.into_iter().filter(|flag| flag.name != flag::CONFIG) {
            match flag.value(said, pod_ip) {
                Some(value) => prepared.set.push((variable(flag.name), value)),
                None => prepared.unset.push(variable(flag.name)),
            }
        }
        prepared
    }
}

/// A flag that is to have these values and no others.
struct Wanted {
    name: &'static str,
    /// None: dkron is to behave as if nobody had given the flag.
    values: Vec<String>,
}

impl Wanted {
    /// The flag as words.
    fn written(&self, said: &Said<'_>) -> Vec<String> {
        let written = |value: &str| format!("--{}={value}", self.name);
        match (self.nothing(), self.values.is_empty()) {
            (Some(nothing), true) if said.in_file(self.name) => vec![written(nothing)],
            _ => self.values.iter().map(|value| written(value)).collect(),
        }
    }

    /// The flag as the value of a variable.
    fn value(&self, said: &Said<'_>, pod_ip: Option<IpAddr>) -> Option<String> {
        if !self.values.is_empty() {
            return Some(self.values.join(","));
        }
        let to_overrule = said.in_file(self.name) || (self.name == flag::RETRY_JOIN && said.in_file(flag::JOIN));
        match self.name {
            _ if !to_overrule => None,
            // An empty variable says nothing. Whoever joins itself joins nobody, and then dkron does not look at `join`.
            flag::RETRY_JOIN => pod_ip.map(|ip| SocketAddr::new(ip, port::DKRON_SERF).to_string()),
            _ => self.nothing().filter(|nothing| !nothing.is_empty()).map(str::to_owned),
        }
    }

    /// The value by which dkron behaves as if nobody had given the flag.
    fn nothing(&self) -> Option<&'static str> {
        match self.name {
            flag::BOOTSTRAP_EXPECT | flag::RETRY_MAX => Some("0"),
            flag::JOIN | flag::RETRY_JOIN => Some(""),
            _ => None,
        }
    }
}

fn wanted(said: &Said<'_>, launch: &Launch, merged: Option<&Path>, pod_ip: Option<IpAddr>) -> Vec<Wanted> {
    let interval = if launch.join.is_empty() { Vec::new() } else { vec![RETRY_INTERVAL.to_owned()] };
    let mut wanted = vec![
        Wanted { name: flag::JOIN, values: Vec::new() },
        Wanted { name: flag::RETRY_INTERVAL, values: interval },
        Wanted { name: flag::RETRY_JOIN, values: launch.join.iter().map(ToString::to_string).collect() },
        Wanted { name: flag::RETRY_MAX, values: Vec::new() },
        Wanted { name: flag::BOOTSTRAP_EXPECT, values: launch.expect.iter().map(ToString::to_string).collect() },
    ];
    if let Some(address) = bind_addr(said, pod_ip) {
        let values = vec![address.to_string()];
        // Left to itself dkron tells others the default port, whatever it is bound to.
        if address.port() != port::DKRON_SERF && said.value(flag::ADVERTISE_ADDR) == Word::Absent {
            wanted.push(Wanted { name: flag::ADVERTISE_ADDR, values: values.clone() });
        }
        wanted.push(Wanted { name: flag::BIND_ADDR, values });
    }
    if let Some(merged) = merged.and_then(Path::to_str) {
        wanted.push(Wanted { name: flag::CONFIG, values: vec![merged.to_owned()] });
    }
    wanted
}

/// The address to bind to, or `None` where the user's own stands (or nobody knows one).
///
/// Left to itself dkron looks for a "private" address and fails where pods have others; bound to all addresses, the leader
/// does not recognise itself and answers 500 to `/v1/leader`.
pub fn bind_addr(said: &Said<'_>, pod_ip: Option<IpAddr>) -> Option<SocketAddr> {
    let port = match said.value(flag::BIND_ADDR) {
        Word::Absent => port::DKRON_SERF,
        Word::Is(said) => port_of_all_addresses(said)?,
        Word::Unreadable => return None,
    };
    pod_ip.map(|ip| SocketAddr::new(ip, port))
}

/// The port of an address that stands for all addresses; `None` for any other.
fn port_of_all_addresses(said: &str) -> Option<u16> {
    let ip = match address_port(said) {
        Some(_) => said.rsplit_once(':')?.0.trim_matches(['[', ']']),
        None => said,
    };
    let all = ip.is_empty() || ip.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
    all.then(|| address_port(said).unwrap_or(port::DKRON_SERF))
}

#[cfg(test)]
mod tests;
