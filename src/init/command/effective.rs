//! What dkron will make of everything that was said to it, as far as this program needs it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::contract::port;

use super::arguments::{Word, flag, is_true};
use super::said::Said;

/// Where dkron keeps its state if nobody says so; relative to the working directory, which is dkron's too.
const DATA_DIR: &str = "dkron.data";

/// The settings of dkron that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Whether it is a server; `None` if that cannot be known.
    pub server: Option<bool>,
    /// Name of the member and of the raft server; `None` if it cannot be known.
    pub node: Option<String>,
    /// Where raft keeps its state; `None` if it cannot be known.
    pub data_dir: Option<PathBuf>,
    /// Port of gRPC and raft.
    pub rpc_port: u16,
    /// Port of the HTTP API; `None` if nobody says one, or one that cannot be known.
    pub http_port: Option<u16>,
    /// Address of the HTTP API where it is bound to one.
    pub http_ip: Option<IpAddr>,
    /// Port of serf.
    pub serf_port: u16,
    /// `--bootstrap-expect`; zero says nothing.
    pub expect: Option<u32>,
    /// Somebody says whom dkron joins.
    pub joins: bool,
    /// Flags that somebody gave and whose value cannot be known: the default stands here for them.
    pub unknown: Vec<&'static str>,
}

impl Effective {
    /// Puts everything together; `hostname` is what the machine calls itself.
    pub fn read(said: &Said<'_>, hostname: Option<&str>) -> Self {
        let mut unknown = Vec::new();
        let mut value = |name: &'static str| match said.value(name) {
            Word::Absent => Ok(None),
            Word::Is(value) => Ok(Some(value)),
            Word::Unreadable => {
                unknown.push(name);
                Err(())
            }
        };
        let node = value(flag::NODE_NAME).map(|name| name.or(hostname).map(str::to_owned));
        let data_dir = value(flag::DATA_DIR).map(|directory| PathBuf::from(directory.unwrap_or(DATA_DIR)));
        let http = value(flag::HTTP_ADDR).ok().flatten().unwrap_or_default();
        let bind = value(flag::BIND_ADDR).ok().flatten().unwrap_or_default();
        let rpc_port = value(flag::RPC_PORT).ok().flatten().and_then(|port| port.parse().ok());
        let expect = value(flag::BOOTSTRAP_EXPECT).ok().flatten().and_then(|size| size.parse().ok());
        Self {
            server: match said.switch(flag::SERVER) {
                Word::Absent => Some(false),
                Word::Is(value) => Some(is_true(value)),
                Word::Unreadable => None,
            },
            node: node.ok().flatten(),
            data_dir: data_dir.ok(),
            rpc_port: rpc_port.unwrap_or(port::DKRON_RPC),
            http_port: address_port(http),
            http_ip: http.parse().ok().map(|address: SocketAddr| address.ip()).filter(|ip| !ip.is_unspecified()),
            serf_port: address_port(bind).unwrap_or(port::DKRON_SERF),
            expect: expect.filter(|size| *size > 0),
            joins: said.joins(),
            unknown,
        }
    }
}

/// The port at the end of an address, which may be a template: `{{ GetPrivateIP }}:8946`.
pub fn address_port(address: &str) -> Option<u16> {
    // An IPv6 address without brackets has no port.
    if address.parse::<IpAddr>().is_ok() {
        return None;
    }
    address.rsplit_once(':')?.1.parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::super::config::{Value, Values};
    use super::super::environment::Environment;
    use super::super::form::Form;
    use super::*;

    fn effective(command: &[&str], variables: &[(&str, &str)], config: &Values) -> Effective {
        let words: Vec<OsString> = command.iter().map(OsString::from).collect();
        let environment = Environment::of(variables.iter().map(|(k, v)| (k.into(), v.into())));
        let form = Form::of(&words, &environment);
        Effective::read(&Said { form: &form, environment: &environment, config }, Some("host"))
    }

    fn file(keys: &[(&str, &str)]) -> Values {
        Values::of(keys.iter().map(|(k, v)| ((*k).to_owned(), Value::Scalar((*v).to_owned()))).collect(), true)
    }

    #[test]
    fn nothing_said_leaves_dkrons_defaults() {
        let expected = Effective {
            server: Some(false),
            node: Some("host".into()),
            data_dir: Some("dkron.data".into()),
            rpc_port: 6868,
            http_port: None,
            http_ip: None,
            serf_port: 8946,
            expect: None,
            joins: false,
            unknown: vec![],
        };
        assert_eq!(effective(&["dkron", "agent"], &[], &Values::default()), expected);
    }

    #[test]
    fn flags_go_before_variables_and_variables_before_the_file() {
        let keys = ["server", "node-name", "data-dir", "rpc-port", "http-addr", "bind-addr", "bootstrap-expect"];
        let of_file = ["true", "f", "/f", "1", ":11", "1.1.1.1:21", "3"];
        let file = file(&keys.iter().copied().zip(of_file).collect::<Vec<_>>());
        let facts = |e: &Effective| {
            let data_dir = e.data_dir.as_ref().and_then(|path| path.to_str()).map(str::to_owned);
            (e.server, e.node.clone(), data_dir, e.rpc_port, e.http_port, e.serf_port, e.expect)
        };
        let told = |name: &str, path: &str, rpc, http, serf, expect| {
            (Some(true), Some(name.to_owned()), Some(path.to_owned()), rpc, Some(http), serf, Some(expect))
        };
        let from_file = effective(&["dkron", "agent"], &[], &file);
        assert_eq!(facts(&from_file), told("f", "/f", 1, 11, 21, 3));

        let variables = [
            ("DKRON_NODE_NAME", "v"),
            ("DKRON_DATA_DIR", "/v"),
            ("DKRON_RPC_PORT", "2"),
            ("DKRON_HTTP_ADDR", ":12"),
            ("DKRON_BIND_ADDR", "[::]:22"),
            ("DKRON_BOOTSTRAP_EXPECT", "4"),
        ];
        let from_variables = effective(&["dkron", "agent"], &variables, &file);
        assert_eq!(facts(&from_variables), told("v", "/v", 2, 12, 22, 4));

        let flags = "dkron --node-name=w agent --data-dir /w --rpc-port=3 --http-addr 127.0.0.1:13 \
                     --bind-addr={{GetPrivateIP}}:23 --bootstrap-expect=5";
        let from_flags = effective(&flags.split_whitespace().collect::<Vec<_>>(), &variables, &file);
        assert_eq!(facts(&from_flags), told("w", "/w", 3, 13, 23, 5));
        assert_eq!(from_flags.http_ip, "127.0.0.1".parse().ok());
    }

    #[test]
    fn what_cannot_be_known_is_named() {
        let script = ["sh", "-c", "dkron agent --server=$A --node-name=$B --data-dir=$C --rpc-port=$D"];
        let read = effective(&script, &[("DKRON_NODE_NAME", "v")], &file(&[("server", "true")]));
        assert_eq!((read.server, read.node, read.data_dir, read.rpc_port), (None, None, None, 6868));
        assert_eq!(read.unknown, ["node-name", "data-dir", "rpc-port"]);

        let unread = effective(&["dkron", "agent", "--node-name=a"], &[("DKRON_SERVER", "1")], &Values::unread());
        assert_eq!((unread.server, unread.node.as_deref(), unread.data_dir), (Some(true), Some("a"), None));
        assert!(unread.joins, "the file may say it");
    }

    #[test]
    fn joining_is_seen_wherever_it_stands() {
        let list = Values::of(vec![("Retry-Join".into(), Value::List(vec!["a".into()]))], true);
        assert!(effective(&["dkron", "agent"], &[], &list).joins);
        assert!(effective(&["dkron", "agent"], &[("DKRON_JOIN", "a")], &Values::default()).joins);
        assert!(effective(&["dkron", "agent", "--retry-join", "a"], &[], &Values::default()).joins);
        assert!(!effective(&["dkron", "agent"], &[("DKRON_JOIN", "")], &file(&[("server", "true")])).joins);
    }

    #[test]
    fn the_port_of_an_address_is_found() {
        let table = [
            (":8080", Some(8080)),
            ("0.0.0.0:9", Some(9)),
            ("[::1]:9", Some(9)),
            ("{{ GetPrivateIP }}:9", Some(9)),
            ("::1", None),
            ("10.0.0.1", None),
            ("", None),
            (":0", None),
        ];
        for (address, port) in table {
            assert_eq!(address_port(address), port, "{address}");
        }
    }
}
