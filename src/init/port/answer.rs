//! A request and what there is to tell: the answer.

use serde::Serialize;

use super::super::dkron::response::head_end;
use super::super::procedure::{Member, State};
use super::board::Board;
use super::metrics;
use crate::contract::path;

/// Plain text.
const TEXT: &str = "text/plain; charset=utf-8";

/// Version 0.0.4 of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The paths that are answered; behind [`path::MEMBER`] the name of a member follows.
const PATHS: [&str; 7] =
    [path::STATE, path::NOTICES, path::MEMBER, path::PROBE_LIVE, path::PROBE_READY, path::PROBE_START, path::METRICS];

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Code and reason of the status line.
    pub status: &'static str,
    /// `Content-Type`.
    pub kind: &'static str,
    /// What follows the head.
    pub body: Vec<u8>,
}

impl Answer {
    /// The bytes for the connection, which ends with them.
    pub fn bytes(&self) -> Vec<u8> {
        let Self { status, kind, body } = self;
        // RFC 9110 wants a 405 to say what is allowed.
        let allow = if *status == NOT_ALLOWED { "Allow: GET\r\n" } else { "" };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}Connection: close\r\n\r\n"
        );
        [head.into_bytes(), body.clone()].concat()
    }

    fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { status: OK, kind: "application/json", body },
            Err(error) => Self::text(BROKEN, &error.to_string()),
        }
    }

    fn text(status: &'static str, text: &str) -> Self {
        Self { status, kind: TEXT, body: format!("{text}\n").into_bytes() }
    }
}

/// How the own dkron's serf sees one member: what the wrapper of an agent asks for, over and over, and therefore short.
#[derive(Serialize)]
struct Seen<'a> {
    namespace: &'a str,
    cluster: &'a str,
    /// The own dkron knows a leader.
    led: bool,
    member: Option<Member>,
}

const OK: &str = "200 OK";
const BAD: &str = "400 Bad Request";
const NOT_FOUND: &str = "404 Not Found";
const NOT_ALLOWED: &str = "405 Method Not Allowed";
const BROKEN: &str = "500 Internal Server Error";
const UNAVAILABLE: &str = "503 Service Unavailable";

/// Answers a request: everything up to the empty line, or as much as came.
pub fn answer(request: &[u8], board: &Board) -> Answer {
    let target = head_end(request)
        .and_then(|end| std::str::from_utf8(&request[..end]).ok())
        .and_then(|head| head.lines().next())
        .and_then(|line| line.strip_suffix(" HTTP/1.1").or_else(|| line.strip_suffix(" HTTP/1.0")))
        .and_then(|line| line.split_once(' '));
    let Some((method, target)) = target else {
        return Answer::text(BAD, "no request that this port understands");
    };
    let asked = target.split_once('?').map_or(target, |(path, _)| path);
    let snapshot = &*board.shown();
    let member = asked.strip_prefix(path::MEMBER);
    if !PATHS.contains(&asked) && member.is_none() {
        return Answer::text(NOT_FOUND, &format!("try one of {}", PATHS.join(", ")));
    }
    if method != "GET" {
        return Answer::text(NOT_ALLOWED, "GET is all that this port understands");
    }
    if let (Some(name), Some(state)) = (member, &snapshot.state) {
        let State { namespace, cluster, leader, .. } = state;
        return match board.member(name) {
            Some(member) => Answer::json(&Seen { namespace, cluster, led: leader.is_some(), member }),
            None => Answer::text(NOT_FOUND, "not all members are known here"),
        };
    }
    match (asked, &snapshot.state) {
        (path::STATE, Some(state)) => Answer::json(state),
        (path::STATE, None) => Answer::text(NOT_FOUND, "an agent has no state"),
        _ if member.is_some() => Answer::text(NOT_FOUND, "an agent sees nobody"),
        (path::NOTICES, _) => match board.noted() {
            Some(notices) => Answer::json(&*notices),
            None => Answer::text(NOT_FOUND, "nothing is told of an agent"),
        },
        (path::METRICS, _) => Answer { status: OK, kind: METRICS, body: metrics::text(snapshot).into_bytes() },
        (path::PROBE_READY, _) => probe(&snapshot.health.ready),
        // While peers are waited for, dkron serves nothing: that this program is well is all there is to ask.
        _ => probe(&snapshot.health.live),
    }
}

fn probe(health: &Result<String, String>) -> Answer {
    match health {
        Ok(text) => Answer::text(OK, text),
        Err(reason) => Answer::text(UNAVAILABLE, reason),
    }
}

#[cfg(test)]
pub mod tests;
