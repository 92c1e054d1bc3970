//! Questions to servers on loopback.

use std::time::Duration;

use super::super::super::procedure::{Leader, Outcome, Status};
use super::super::loopback::{Loopback, follower, free_port, ip, member, server_tags};
use super::super::own::OwnDkron;
use super::*;

const SOON: Duration = Duration::from_secs(20);

fn view_of(answers: fn(&str) -> Option<(u16, String)>) -> Told<DkronView> {
    view(Loopback::at(1, 0, answers).address, Instant::now() + SOON, &mut drop)
}

#[test]
fn a_look_tells_leader_and_servers() {
    let leader = Leader { name: "a-1".into(), rpc_addr: "127.0.0.3:6868".into() };
    let members =
        vec![Member::new("a-0".into(), ip(2), Status::Failed), Member::new("a-1".into(), ip(3), Status::Alive)];
    assert_eq!(view_of(follower), Told::Answer(DkronView { leader: Some(leader), leads: false, members }));
}

#[test]
fn nobody_leads_where_dkron_says_so() {
    let leaderless = |line: &str| match line {
        "GET /v1/leader" => Some((500, "null".into())),
        "GET /v1/members" => Some((200, "[]".into())),
        _ => follower(line),
    };
    assert_eq!(view_of(leaderless), Told::Answer(DkronView::default()));
}

#[test]
fn half_a_look_is_none() {
    let no_members = |line: &str| if line.contains("members") { None } else { follower(line) };
    assert_eq!(view_of(no_members), Told::Silence, "an empty list would say that no name is taken");
    let half = |line: &str| if line.contains("members") { Some((200, "[".into())) } else { follower(line) };
    assert_eq!(view_of(half), Told::Unreadable);
    let stranger = |_: &str| Some((200, "<html></html>".into()));
    assert_eq!(view_of(stranger), Told::Unreadable);
    let refuses = |_: &str| Some((401, "null".into()));
    assert_eq!(view_of(refuses), Told::Unreadable);
    assert_eq!(view((ip(1), free_port()).into(), Instant::now() + SOON, &mut drop), Told::Nobody);
}

#[test]
fn agents_by_the_thousand_are_no_servers_and_too_many_servers_refused() {
    let many = |line: &str| {
        let agent = member("agent", "10.0.0.1", "", 1);
        let crowd = [member("a-0", "10.0.0.2", &server_tags("10.0.0.2"), 1), vec![agent; 20_000].join(",")].join(",");
        if line.contains("members") { Some((200, format!("[{crowd}]"))) } else { follower(line) }
    };
    match view_of(many) {
        Told::Answer(view) => assert_eq!(view.members.len(), 1),
        other => panic!("{other:?}"),
    }
    let servers = |line: &str| {
        let crowd = vec![member("a-0", "10.0.0.2", &server_tags("10.0.0.2"), 1); MOST_SERVERS + 1].join(",");
        if line.contains("members") { Some((200, format!("[{crowd}]"))) } else { follower(line) }
    };
    assert_eq!(view_of(servers), Told::Unreadable);
}

#[test]
fn the_own_dkron_is_asked_where_it_listens() {
    let port = free_port();
    let own = OwnDkron::new(port, Some(ip(18)));
    assert_eq!(own.view(SOON, &mut drop), None);
    let server = Loopback::at(18, port, follower);
    assert!(own.view(SOON, &mut drop).is_some_and(|view| view.leader.is_some()));
    assert_eq!(own.busy("a-0", SOON), Ok(2));
    assert_eq!(own.busy("a-9", SOON), Ok(0));
    assert_eq!(own.leave(SOON), Ok(()));
    assert_eq!(server.asked().last().map(String::as_str), Some("POST /v1/leave"));
    drop(server);
    let _elsewhere = Loopback::at(1, port, |line| match line {
        "POST /v1/leave" => Some((500, "{}".into())),
        "GET /v1/busy" => Some((500, "[]".into())),
        line => follower(line),
    });
    assert!(own.view(SOON, &mut drop).is_some(), "it was started anew with another address");
    let failed: Outcome<()> = own.leave(SOON);
    assert_eq!(failed, Err("dkron answers 500".into()));
    assert_eq!(own.busy("a-0", SOON), Err("dkron answers 500".into()));
}
