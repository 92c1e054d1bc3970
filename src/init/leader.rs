//! Is there a leader? dkron's answers need a strict reading, since some of them name a leader that is none.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::http;

/// Where dkron tells.
const PATH: &str = "/v1/leader";

/// serf's number for a member that is alive.
const ALIVE: u64 = 1;

/// The server that leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Name of the node.
    pub name: String,
    /// Its address for gRPC and raft.
    pub rpc_addr: String,
}

impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.rpc_addr)
    }
}

/// Why an answer names no leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLeader {
    /// dkron said so: the HTTP status is not 200 (500 with `null` is its usual answer).
    Status(u16),
    /// Status 200 and no member in the body.
    NoMember,
    /// A member without an address for raft: while nobody leads, dkron takes any member that has none yet for the leader.
    NoAddress,
    /// A member that is leaving, gone or failed.
    NotAlive,
}

impl fmt::Display for NoLeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "dkron knows no leader (status {status})"),
            Self::NoMember => f.write_str("dkron's answer is no member"),
            Self::NoAddress => f.write_str("the member that dkron names has no rpc_addr"),
            Self::NotAlive => f.write_str("the member that dkron names is not alive"),
        }
    }
}

/// Reads an answer of `/v1/leader`: status 200, a non-empty `Tags.rpc_addr`, and `Status` 1 (alive).
///
/// # Errors
/// [`NoLeader`] for everything else.
pub fn read(status: u16, body: &[u8]) -> Result<Leader, NoLeader> {
    if status != 200 {
        return Err(NoLeader::Status(status));
    }
    let member: Value = serde_json::from_slice(body).map_err(|_| NoLeader::NoMember)?;
    let name = member["Name"].as_str().ok_or(NoLeader::NoMember)?;
    let rpc_addr = member["Tags"]["rpc_addr"].as_str().filter(|addr| !addr.is_empty()).ok_or(NoLeader::NoAddress)?;
    if member["Status"].as_u64() != Some(ALIVE) {
        return Err(NoLeader::NotAlive);
    }
    Ok(Leader { name: name.to_owned(), rpc_addr: rpc_addr.to_owned() })
}

/// Asks one dkron; the inner result is its [`read`] answer.
///
/// # Errors
/// Whatever kept an answer from coming `within` that time.
pub fn ask(dkron: SocketAddr, within: Duration) -> io::Result<Result<Leader, NoLeader>> {
    let response = http::get(dkron, PATH, within)?;
    Ok(read(response.status, &response.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_living_member_with_an_address_leads() {
        let good = r#"{"Name":"a-1","Addr":"10.0.0.2","Port":8946,"Tags":{"role":"dkron","rpc_addr":"10.0.0.2:6868"},"Status":1}"#;
        assert_eq!(read(200, good.as_bytes()), Ok(Leader { name: "a-1".into(), rpc_addr: "10.0.0.2:6868".into() }));

        let table = [
            (500, "null", NoLeader::Status(500)),
            (500, good, NoLeader::Status(500)),
            (404, good, NoLeader::Status(404)),
            (204, "", NoLeader::Status(204)),
            (201, good, NoLeader::Status(201)),
            (200, "", NoLeader::NoMember),
            (200, "null", NoLeader::NoMember),
            (200, "[]", NoLeader::NoMember),
            (200, "<html></html>", NoLeader::NoMember),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":1"#, NoLeader::NoMember),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":1} null"#, NoLeader::NoMember),
            (200, r#"{"Tags":{"rpc_addr":"x"},"Status":1}"#, NoLeader::NoMember),
            (200, r#"{"Name":"a","Status":1}"#, NoLeader::NoAddress),
            (200, r#"{"Name":"a","Tags":null,"Status":1}"#, NoLeader::NoAddress),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":""},"Status":1}"#, NoLeader::NoAddress),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":1},"Status":1}"#, NoLeader::NoAddress),
            (200, r#"{"Name":"a","tags":{"rpc_addr":"x"},"Status":1}"#, NoLeader::NoAddress),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"}}"#, NoLeader::NotAlive),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":"1"}"#, NoLeader::NotAlive),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":0}"#, NoLeader::NotAlive),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":2}"#, NoLeader::NotAlive),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":4}"#, NoLeader::NotAlive),
        ];
        for (status, body, expected) in table {
            assert_eq!(read(status, body.as_bytes()), Err(expected), "{status} {body}");
        }
    }
}
