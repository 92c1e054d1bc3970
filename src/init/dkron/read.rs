//! dkron's answers, read strictly: some of them name a leader that is none, and what is not dkron's language must never look
//! like "nobody leads".

use std::io::{self, ErrorKind};

use super::super::json::Json;
use super::super::procedure::{Leader, Member, Name, Status};

/// Reads an answer of `/v1/leader`. A leader is a member that is alive and has an address for raft: while nobody leads, dkron takes
/// any member without one for the leader. 500 is dkron's "nobody leads".
///
/// # Errors
/// `InvalidData` for what dkron would not say: another status (such as a refusal to tell strangers), or no member.
pub fn leader(status: u16, body: &[u8]) -> io::Result<Option<Leader>> {
    match status {
        200 => {}
        500 => return Ok(None),
        _ => return Err(unreadable("another status than dkron's")),
    }
    let json = Json::read(body).ok_or_else(not_dkrons)?;
    let Some(shown) = json.optional(shown).ok_or_else(not_dkrons)? else { return Ok(None) };
    let rpc_addr = shown.tags.get("rpc_addr").optional(Json::text).ok_or_else(not_dkrons)?;
    let rpc_addr = rpc_addr.filter(|addr| shown.status == Status::Alive && !addr.is_empty());
    Ok(rpc_addr.map(|rpc_addr| Leader { name: shown.name, rpc_addr }))
}

/// A member as dkron shows it, as far as every question wants it.
struct Shown<'a> {
    name: Name,
    status: Status,
    tags: &'a Json,
}

fn shown(json: &Json) -> Option<Shown<'_>> {
    let status = match json.get("Status").optional(Json::number)? {
        Some(1) => Status::Alive,
        Some(2) => Status::Leaving,
        Some(3) => Status::Left,
        Some(4) => Status::Failed,
        _ => Status::Unknown,
    };
    let tags = json.get("Tags").optional(Json::object)?.unwrap_or(&Json::Null);
    Some(Shown { name: json.get("Name").text()?, status, tags })
}

/// Reads an answer of `/v1/isleader`, whose status says it: 200, 404, or 500 while raft is not there yet.
///
/// # Errors
/// `InvalidData` for another status.
pub fn leads(status: u16) -> io::Result<bool> {
    match status {
        200 => Ok(true),
        404 | 500 => Ok(false),
        _ => Err(unreadable("another status than dkron's")),
    }
}

/// Reads one element of `/v1/members`, and whether it is a server; `None` for an agent without an address. A server in its start has
/// no `port` and no `rpc_addr` yet and is one all the same.
///
/// # Errors
/// `InvalidData` for anything but a member.
pub fn member(element: &[u8]) -> io::Result<Option<(Member, bool)>> {
    let json = Json::read(element).ok_or_else(not_dkrons)?;
    let Shown { name, status, tags } = shown(&json).ok_or_else(not_dkrons)?;
    let tag = |name, wanted| tags.get(name).text().as_deref() == Some(wanted);
    let serves = tag("role", "dkron") && tag("server", "true");
    let ip = json.get("Addr").text().and_then(|addr| addr.parse().ok());
    match ip {
        Some(ip) => Ok(Some((Member::new(name, ip, status), serves))),
        None if serves => Err(not_dkrons()),
        None => Ok(None),
    }
}

/// Reads one element of `/v1/busy`: whether it runs on `node`.
///
/// # Errors
/// `InvalidData` for anything but an execution.
pub fn runs_on(node: &str, element: &[u8]) -> io::Result<bool> {
    let execution = Json::read(element).and_then(|json| json.object().map(|json| json.get("node_name").text()));
    Ok(execution.ok_or_else(not_dkrons)?.as_deref() == Some(node))
}

fn not_dkrons() -> io::Error {
    unreadable("not the JSON that dkron writes")
}

fn unreadable(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::member as member_of;
    use super::*;

    const GOOD: &str =
        r#"{"Name":"a-1","Addr":"10.0.0.2","Port":8946,"Tags":{"role":"dkron","rpc_addr":"10.0.0.2:6868"},"Status":1}"#;

    #[test]
    fn only_a_living_member_with_an_address_leads() {
        let told = Leader { name: "a-1".into(), rpc_addr: "10.0.0.2:6868".into() };
        assert_eq!(leader(200, GOOD.as_bytes()).expect("an answer"), Some(told));

        let nobody = [
            (500, "null"),
            (500, ""),
            (500, GOOD),
            (200, "null"),
            (200, r#"{"Name":"a","Status":1}"#),
            (200, r#"{"Name":"a","Tags":null,"Status":1}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":""},"Status":1}"#),
            (200, r#"{"Name":"a","tags":{"rpc_addr":"x"},"Status":1}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"}}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":0}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":2}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":4}"#),
        ];
        for (status, body) in nobody {
            assert_eq!(leader(status, body.as_bytes()).expect(body), None, "{status} {body}");
        }
    }

    #[test]
    fn what_dkron_would_not_say_is_never_nobody_leads() {
        let table = [
            (404, GOOD),
            (404, "404 page not found"),
            (401, ""),
            (403, "null"),
            (204, ""),
            (201, GOOD),
            (200, ""),
            (200, "[]"),
            (200, "<html></html>"),
            (200, r#""I am a leader""#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":1"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":1} null"#),
            (200, r#"{"Tags":{"rpc_addr":"x"},"Status":1}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":1},"Status":1}"#),
            (200, r#"{"Name":"a","Tags":{"rpc_addr":"x"},"Status":"1"}"#),
        ];
        for (status, body) in table {
            assert!(leader(status, body.as_bytes()).is_err(), "{status} {body}");
        }
        let leads_by = |status| leads(status).ok();
        assert_eq!([200, 404, 500, 401, 302].map(leads_by), [Some(true), Some(false), Some(false), None, None]);
    }

    #[test]
    fn servers_are_told_from_agents_by_their_tags() {
        let member = |tags: &str, status| {
            let text = format!(r#"{{"Name":"a-1","Addr":"fd00::7","Port":8946,"Tags":{tags},"Status":{status}}}"#);
            member_of(text.as_bytes()).expect("a member").filter(|(_, serves)| *serves).map(|(member, _)| member)
        };
        let a = |status| Some(Member::new("a-1".into(), "fd00::7".parse().expect("an address"), status));
        let started = r#"{"role":"dkron","server":"true","port":"6868","rpc_addr":"[fd00::7]:6868","x":"y"}"#;
        let states = [
            (1, Status::Alive),
            (2, Status::Leaving),
            (3, Status::Left),
            (4, Status::Failed),
            (0, Status::Unknown),
            (5, Status::Unknown),
        ];
        for (number, status) in states {
            assert_eq!(member(started, number), a(status));
        }
        assert_eq!(member(r#"{"role":"dkron","server":"true","expect":"3"}"#, 1), a(Status::Alive), "in its start");
        for agent in
            ["null", "{}", r#"{"role":"dkron"}"#, r#"{"role":"dkron","server":"false"}"#, r#"{"server":"true"}"#]
        {
            assert_eq!(member(agent, 1), None, "{agent}");
        }
        for broken in ["", "{}", "1", r#"{"Name":"a","Tags":{"role":"dkron","server":"true"},"Addr":"x"}"#] {
            assert!(member_of(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_running_job_belongs_to_the_node_that_it_names() {
        let one = br#"{"id":"1-a-1","job_name":"a-2","success":false,"output":"","node_name":"a-1","attempt":1}"#;
        assert!(runs_on("a-1", one).expect("an execution"));
        assert!(!runs_on("a-2", one).expect("an execution"));
        assert!(!runs_on("", b"{}").expect("an execution"));
        assert!(runs_on("a-1", b"[").is_err());
    }
}
