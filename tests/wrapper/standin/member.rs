//! A member of the gossip as dkron shows it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::random;

/// Serf's states, in its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Alive = 1,
    Leaving = 2,
    Left = 3,
    Failed = 4,
}

impl Status {
    pub fn text(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}

/// One member.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub address: IpAddr,
    pub port: u16,
    pub tags: BTreeMap<String, String>,
    pub status: Status,
}

/// The form of `/v1/leader`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    name: &'a str,
    addr: IpAddr,
    port: u16,
    tags: &'a BTreeMap<String, String>,
    status: u8,
    protocol_min: u8,
    protocol_max: u8,
    protocol_cur: u8,
    delegate_min: u8,
    delegate_max: u8,
    delegate_cur: u8,
}

impl Member {
    pub fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }

    /// A server that has finished its start: only then has it the tag `port`.
    pub fn is_server(&self) -> bool {
        self.tag("role") == "dkron" && self.tag("server") == "true" && self.tag("port").parse::<u16>().is_ok()
    }

    /// Where its raft is, by what serf knows.
    pub fn raft_address(&self) -> String {
        std::net::SocketAddr::new(self.address, self.tag("port").parse().unwrap_or(0)).to_string()
    }

    pub fn expects(&self) -> u64 {
        self.tag("expect").parse().unwrap_or(0)
    }

    /// Whether it may bootstrap alone.
    pub fn bootstraps(&self) -> bool {
        self.expects() == 1 || self.tags.contains_key("bootstrap")
    }

    /// As `/v1/leader` shows it.
    pub fn json(&self) -> Value {
        let shown = Shown {
            name: &self.name,
            addr: self.address,
            port: self.port,
            tags: &self.tags,
            status: self.status as u8,
            protocol_min: 1,
            protocol_max: 5,
            protocol_cur: 2,
            delegate_min: 2,
            delegate_max: 5,
            delegate_cur: 4,
        };
        serde_json::to_value(shown).unwrap_or_default()
    }

    /// As `/v1/members` shows it.
    pub fn listed(&self) -> Value {
        let mut json = self.json();
        json["id"] = random::uuid().into();
        json["statusText"] = self.status.text().into();
        json
    }

    /// As the answer to a leave shows the servers that remain.
    pub fn parts(&self, version: &str) -> Value {
        let port = self.tag("port").parse().unwrap_or(0_u16);
        let address = json!({"IP": self.address, "Port": port, "Zone": ""});
        json!({"Name": self.name, "ID": self.name, "Region": self.tag("region"), "Datacenter": self.tag("dc"),
            "Port": port, "Bootstrap": self.bootstraps(), "Expect": self.expects(), "RaftVersion": 0,
            "BuildVersion": version, "Addr": address, "RPCAddr": address, "Status": self.status as u8})
    }
}
