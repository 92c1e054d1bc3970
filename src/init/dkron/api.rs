//! The questions that a dkron is asked over HTTP.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use super::super::procedure::{DkronView, Leader, Member, Told};
use super::elements::Elements;
use super::http::{self, Method};
use super::read;

/// More servers than that are refused. serf remembers those that left for a day.
const MOST_SERVERS: usize = 1000;

/// One look at a dkron server, over before `end`. `everybody` gets each member that its serf knows, agents too.
pub fn view(address: SocketAddr, end: Instant, everybody: &mut dyn FnMut(Member)) -> Told<DkronView> {
    http::told(look(address, end, everybody))
}

fn look(address: SocketAddr, end: Instant, everybody: &mut dyn FnMut(Member)) -> io::Result<DkronView> {
    let leader = leader(address, end)?;
    let leads = read::leads(http::ask(address, Method::Get, "/v1/isleader", end)?.status)?;
    let mut servers = Vec::new();
    members(address, end, &mut |member, serves| {
        if serves {
            // serf lists them in another order each time.
            let at = servers.partition_point(|known: &Member| known.name <= member.name);
            servers.insert(at, member.clone());
        }
        everybody(member);
        if servers.len() > MOST_SERVERS { Err(too_many()) } else { Ok(()) }
    })?;
    Ok(DkronView { leader, leads, members: servers })
}

fn leader(address: SocketAddr, end: Instant) -> io::Result<Option<Leader>> {
    let answer = http::ask(address, Method::Get, "/v1/leader", end)?;
    read::leader(answer.status, &answer.body)
}

/// Each member that its serf knows, and whether it is a server.
fn members(address: SocketAddr, end: Instant, take: &mut dyn FnMut(Member, bool) -> io::Result<()>) -> io::Result<()> {
    each(address, "/v1/members", end, &mut |element| match read::member(element)? {
        Some((member, serves)) => take(member, serves),
        None => Ok(()),
    })
}

/// Whether a dkron server knows a leader, and how its serf sees the member `node`.
///
/// # Errors
/// What the sockets say; `InvalidData` for an answer that is not dkron's.
pub fn sees(address: SocketAddr, node: &str, end: Instant) -> io::Result<(bool, Option<Member>)> {
    let led = leader(address, end)?.is_some();
    let mut found = None;
    members(address, end, &mut |member, _| {
        found = found.take().or_else(|| (*member.name == *node).then_some(member));
        Ok(())
    })?;
    Ok((led, found))
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
