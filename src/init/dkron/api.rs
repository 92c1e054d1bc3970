//! The questions that a dkron is asked over HTTP.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use super::super::procedure::{DkronView, Member, Told};
use super::elements::Elements;
use super::http::{self, Method};
use super::read;

/// More servers than that are refused. serf remembers those that left for a day.
const MOST_SERVERS: usize = 1000;

/// One look at a dkron server, over before `end`.
pub fn view(address: SocketAddr, end: Instant) -> Told<DkronView> {
    http::told(look(address, end))
}

fn look(address: SocketAddr, end: Instant) -> io::Result<DkronView> {
    let ask = |path| http::ask(address, Method::Get, path, end);
    let answer = ask("/v1/leader")?;
    let leader = read::leader(answer.status, &answer.body)?;
    let leads = read::leads(ask("/v1/isleader")?.status)?;
    Ok(DkronView { leader, leads, members: members(address, end)? })
}

/// The servers that its serf knows, by name.
fn members(address: SocketAddr, end: Instant) -> io::Result<Vec<Member>> {
    let mut servers = Vec::new();
    each(address, "/v1/members", end, &mut |element| {
        if let Some(server) = read::server(element)? {
            // serf lists them in another order each time.
            let at = servers.partition_point(|known: &Member| known.name <= server.name);
            servers.insert(at, server);
        }
        if servers.len() > MOST_SERVERS { Err(too_many()) } else { Ok(()) }
    })?;
    Ok(servers)
}

/// Number of executions that run on `node`, asked of any server: it asks all others, which takes long where one of them does not
/// answer.
///
/// # Errors
/// What the sockets say; `InvalidData` for an answer that is not dkron's list.
pub fn busy(address: SocketAddr, node: &str, end: Instant) -> io::Result<usize> {
    let mut number = 0;
    each(address, "/v1/busy", end, &mut |element| {
        number += usize::from(read::runs_on(node, element)?);
        Ok(())
    })?;
    Ok(number)
}

/// Makes dkron leave serf and stop raft; it answers when that is done, and runs on.
///
/// # Errors
/// What the sockets say; `Other` where dkron says that it failed.
pub fn leave(address: SocketAddr, end: Instant) -> io::Result<()> {
    match http::ask(address, Method::Post, "/v1/leave", end)?.status {
        200 => Ok(()),
        status => Err(io::Error::other(format!("dkron answers {status}"))),
    }
}

fn each(
    address: SocketAddr,
    path: &str,
    end: Instant,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut elements = Elements::new();
    http::stream(address, path, end, &mut |status, part| match status {
        200 => elements.feed(part, take),
        _ => Err(io::Error::new(ErrorKind::InvalidData, format!("dkron answers {status}"))),
    })?;
    elements.end()
}

fn too_many() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "too many servers")
}

#[cfg(test)]
mod tests;
