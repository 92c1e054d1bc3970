//! The tag by which others call this member, told to dkron for its first moment. Pure.
//!
//! dkron sets `rpc_addr` itself, but at the end of its start, and then gossip has to carry it. Until then all others see a member
//! that is alive, and a leader that draws it for a job in these 0.3 to 0.6 s knows no port to call: the execution is lost, with any
//! version. The tag alone makes no raft server of it; that takes the tag `port`, which stays dkron's to set when raft runs.

use std::net::{IpAddr, SocketAddr};

use crate::contract::port;

use super::arguments::{Word, flag, variable};
use super::form::Form;
use super::launch::bind_addr;
use super::said::Said;

/// What dkron calls it.
const RPC_ADDR: &str = "rpc_addr";

/// How dkron is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// By one more flag.
    Flag(String),
    /// By this variable.
    Variable(String, String),
}

/// The tag beside those that the user gave. `None` where the address cannot be known, or where the tags stand in a file: a flag
/// would take the place of all of them.
pub fn told(said: &Said<'_>, pod_ip: Option<IpAddr>) -> Option<Told> {
    let tag = format!("{RPC_ADDR}={}", address(said, pod_ip)?);
    let name = variable(flag::TAG);
    let in_flags = said.form.value(flag::TAG) != Word::Absent;
    let reachable = !matches!(said.form, Form::Opaque(_));
    match said.environment.get(&name) {
        _ if in_flags => reachable.then(|| Told::Flag(format!("--{}={tag}", flag::TAG))),
        // dkron splits it at spaces.
        Some(given) => Some(Told::Variable(name, format!("{given} {tag}"))),
        None if in_map(said) => None,
        None if reachable => Some(Told::Flag(format!("--{}={tag}", flag::TAG))),
        None => Some(Told::Variable(name, tag)),
    }
}

/// Whether tags stand where only a map can.
fn in_map(said: &Said<'_>) -> bool {
    let map = format!("{}s", flag::TAG);
    said.in_file(flag::TAG) || said.in_file(&map) || said.environment.get(&variable(&map)).is_some()
}

/// The address that dkron itself will tell.
fn address(said: &Said<'_>, pod_ip: Option<IpAddr>) -> Option<SocketAddr> {
    let ip = bind_addr(said, pod_ip).filter(|_| said.value(flag::ADVERTISE_ADDR) == Word::Absent)?.ip();
    let port = match (said.value(flag::ADVERTISE_RPC_PORT), said.value(flag::RPC_PORT)) {
        (Word::Is(port), _) | (Word::Absent, Word::Is(port)) => port.parse().ok().filter(|port| *port > 0)?,
        (Word::Absent, Word::Absent) => port::DKRON_RPC,
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::super::config::{Value, Values};
    use super::super::environment::Environment;
    use super::*;

    /// The flag, or the variable and its value; empty where nothing is told.
    fn told_by(command: &str, variables: &[(&str, &str)], config: &Values, pod_ip: &str) -> String {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        let environment = Environment::of(variables.iter().map(|(k, v)| (k.into(), v.into())));
        let form = Form::of(&words, &environment);
        match told(&Said { form: &form, environment: &environment, config }, pod_ip.parse().ok()) {
            Some(Told::Flag(flag)) => flag,
            Some(Told::Variable(name, value)) => format!("{name}={value}"),
            None => String::new(),
        }
    }

    #[test]
    fn the_address_is_what_dkron_itself_will_tell() {
        let table = [
            ("", "10.0.0.2", "--tag=rpc_addr=10.0.0.2:6868"),
            ("", "fd00::2", "--tag=rpc_addr=[fd00::2]:6868"),
            ("--rpc-port=7000", "10.0.0.2", "--tag=rpc_addr=10.0.0.2:7000"),
            ("--rpc-port=7000 --advertise-rpc-port 7001", "10.0.0.2", "--tag=rpc_addr=10.0.0.2:7001"),
            ("--bind-addr=0.0.0.0:9000", "10.0.0.2", "--tag=rpc_addr=10.0.0.2:6868"),
            ("", "", ""),
            ("--advertise-addr=192.0.2.1", "10.0.0.2", ""),
            ("--bind-addr=192.0.2.1", "10.0.0.2", ""),
            ("--rpc-port=none", "10.0.0.2", ""),
            ("--advertise-rpc-port=0", "10.0.0.2", ""),
        ];
        for (flags, pod_ip, expected) in table {
            let told = told_by(&format!("dkron agent {flags}"), &[], &Values::default(), pod_ip);
            assert_eq!(told, expected, "{flags} {pod_ip}");
        }
    }

    #[test]
    fn tags_of_the_user_stay() {
        let map = Values::of(vec![("tags".into(), Value::Unread)], true);
        let (none, unread) = (Values::default(), Values::unread());
        let flag = "--tag=rpc_addr=10.0.0.2:6868";
        let table = [
            ("dkron agent --tag a=b", None, &none, flag),
            ("dkron agent --tag a=b", Some(("DKRON_TAG", "c=d")), &none, flag),
            ("dkron agent --tag a=b", None, &map, flag),
            ("dkron agent", Some(("DKRON_TAG", "a=b c=d")), &none, "DKRON_TAG=a=b c=d rpc_addr=10.0.0.2:6868"),
            ("/start.sh", None, &none, "DKRON_TAG=rpc_addr=10.0.0.2:6868"),
            // A flag is stronger than the variable, and here it cannot be reached.
            ("/start.sh --tag=a=b", None, &none, ""),
            ("dkron agent", None, &map, ""),
            ("dkron agent", None, &unread, ""),
            ("dkron agent", Some(("DKRON_TAGS", "{}")), &none, ""),
        ];
        for (command, variable, config, expected) in table {
            let told = told_by(command, variable.as_slice(), config, "10.0.0.2");
            assert_eq!(told, expected, "{command} {variable:?}");
        }
    }
}
