//! Servers on loopback that are asked after an agent.

use std::sync::mpsc;

use super::super::super::agent::Home;
use super::super::super::dkron::loopback::{Answers, Loopback, follower, free_port, ip};
use super::super::super::procedure::{Member, Status};
use super::*;

const SOON: Duration = Duration::from_secs(20);

fn ports() -> Ports {
    Ports { wrapper: free_port(), dkron: free_port() }
}

fn asker(hosts: &[u8], ports: Ports, node: &str) -> Asker {
    let hosts = hosts.iter().map(|host| ip(*host).to_string().into()).collect();
    Asker::of(Question { hosts, ports, node: node.into() })
}

/// What a wrapper says of an agent that it has never heard of, with this word for whether it knows a leader.
fn told(line: &str, led: &str) -> Option<(u16, String)> {
    let text = format!(r#"{{"namespace":"n","cluster":"a","led":{led},"member":null,"more":[1]}}"#);
    (line == "GET /v1/member/b-0").then_some((200, text))
}

fn home() -> Home {
    Home { namespace: "n".into(), cluster: "a".into() }
}

#[test]
fn the_wrapper_is_asked_and_dkron_only_where_none_tells() {
    let ports = ports();
    let dkron = Loopback::at(1, ports.dkron, follower);
    let mut asker = asker(&[1], ports, "b-0");
    let plain = asker.ask().expect("an answer of dkron");
    let agent = Member::new("b-0".into(), ip(9), Status::Alive);
    assert_eq!(plain, Sighting { server: ip(1), home: None, led: true, member: Some(agent) });
    let asked = dkron.asked().len();
    let old: Answers = |_| Some((404, "try one of /v1/state".into()));
    let before = Loopback::at(1, ports.wrapper, old);
    assert_eq!(asker.ask(), Ok(plain), "a wrapper that does not know the question");
    drop(before);
    let asked_again = dkron.asked().len();
    assert!(asked_again > asked);
    let busy = Loopback::at(1, ports.wrapper, |_| None);
    assert!(asker.ask().is_err(), "a wrapper that has no time");
    drop(busy);
    let _wrapper = Loopback::at(1, ports.wrapper, |line| told(line, "true"));
    assert_eq!(asker.ask(), Ok(Sighting { server: ip(1), home: Some(home()), led: true, member: None }));
    assert_eq!(dkron.asked().len(), asked_again);
}

#[test]
fn another_is_asked_where_one_is_away_or_has_no_leader() {
    let ports = ports();
    let leaderless = Loopback::at(2, ports.wrapper, |line| told(line, "false"));
    let led = Loopback::at(3, ports.wrapper, |line| told(line, "true"));
    let mut asker = asker(&[1, 2, 3], ports, "b-0");
    for _ in 0..6 {
        assert_eq!(asker.ask().map(|sighting| (sighting.server, sighting.led)), Ok((ip(3), true)));
    }
    assert!(!leaderless.asked().is_empty());
    drop(led);
    assert_eq!(asker.ask().map(|sighting| (sighting.server, sighting.led)), Ok((ip(2), false)));
    drop(leaderless);
    assert!(asker.ask().is_err());
}

#[test]
fn servers_take_turns_and_are_found_among_others() {
    let ports = ports();
    let servers = [1, 2, 3].map(|host| Loopback::at(host, ports.wrapper, |line| told(line, "true")));
    let mut one = asker(&[1, 2, 3], ports, "b-0");
    for _ in 0..9 {
        one.ask().expect("an answer");
    }
    assert_eq!(servers.each_ref().map(|server| server.asked().len()), [3, 3, 3]);
    // The name leads to agents too, which say nothing.
    let hosts: Vec<u8> = (3..60).collect();
    let mut one = asker(&hosts, ports, "b-0");
    assert!((0..57).any(|_| one.ask().is_ok()));
    assert!((0..57).all(|_| one.ask().is_ok()), "who answered once is asked early");
}

#[test]
fn a_name_that_no_path_can_hold_is_looked_for_in_dkrons_list() {
    let ports = ports();
    let wrapper = Loopback::at(1, ports.wrapper, |line| told(line, "true"));
    let _dkron = Loopback::at(1, ports.dkron, follower);
    assert_eq!(asker(&[1], ports, "b 0").ask().map(|sighting| sighting.member), Ok(None));
    assert!(wrapper.asked().is_empty());
    let mut nowhere = asker(&[], ports, "b-0");
    assert_eq!(nowhere.ask(), Err("no address".into()));
}

#[test]
fn the_thread_asks_over_and_over() {
    let ports = ports();
    let _wrapper = Loopback::at(1, ports.wrapper, |line| told(line, "true"));
    let (sender, heard) = mpsc::channel();
    let question = Question { hosts: vec!["127.0.0.1".into()], ports, node: "b-0".into() };
    let hour = Duration::from_secs(3600);
    let servers = Servers::start(question, hour, move |seen| drop(sender.send(seen))).expect("a thread");
    assert!(heard.recv_timeout(Duration::from_millis(50)).is_err(), "an agent that was just started is nowhere yet");
    servers.pace(Duration::from_millis(20));
    for _ in 0..3 {
        assert!(heard.recv_timeout(SOON).expect("an answer").is_ok());
    }
}
