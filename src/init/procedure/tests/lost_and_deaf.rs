//! A dkron that holds nothing beside those who do, and one that nobody who starts can find.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// What is told every second, and the second in which that is said.
fn says(server: &mut Life, seconds: u32, said: &str, each: impl Fn(&mut Life) -> Vec<Action>) -> Option<u32> {
    let is_said = |action: &Action| matches!(action, Action::Say(saying) if saying.to_string().contains(said));
    (0..seconds).find(|_| {
        let mut wanted = each(server);
        wanted.extend(server.wait(Duration::from_secs(1)));
        assert!(!wanted.contains(&Action::Term) || wanted.iter().any(is_said), "{wanted:?}");
        wanted.iter().any(is_said)
    })
}

const DEAF: &str = "have not seen this server";

/// a-0 runs with raft state, a-1 starts beside it, and a-2 is silent.
fn beside_one_that_starts() -> Life {
    let mut server = Life::with_state(0, &[0, 1]);
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    let silent = Look { ip: ip(2), by_name: true, wrapper: Told::Silence, dkron: Told::Silence };
    server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![silent]) });
    server.hear(State { phase: Phase::Starting, up: false, ..leaderless(1, &[0, 1]) });
    assert!(server.launch().is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    server
}

/// When it is restarted, and what its own dkron shows until then.
fn deaf(server: &mut Life, shown: &[Member], third: Option<&State>, phase: Phase) -> Option<u32> {
    says(server, 100, DEAF, |server| {
        server.hear(State { phase, up: false, ..leaderless(1, &[0, 1]) });
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        if let Some(third) = third.cloned() {
            server.hear(third);
        }
        let view = DkronView { leader: None, leads: false, members: shown.to_vec() };
        let mut wanted = server.hear(Input::Own(Some(view)));
        wanted.extend(server.say_raft_if_asked(&[0, 1]));
        wanted
    })
}

#[test]
fn whom_those_who_start_do_not_find_restarts_after_a_minute() {
    let mut server = beside_one_that_starts();
    let waits = deaf(&mut server, &members(&[0, 1]), None, Phase::Starting);
    assert!(waits.is_some_and(|second| (59..=63).contains(&second)), "{waits:?}");
    server.hear(Input::Ended(0));
    assert!(server.launch().is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    assert_eq!(deaf(&mut server, &members(&[0, 1]), None, Phase::Starting), None, "that has not helped");
    server.hear(leaderless(2, &[0, 1]));
    server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![]) });
    let again = deaf(&mut server, &members(&[0, 1]), None, Phase::Starting);
    assert!(again.is_some_and(|second| second >= 59), "another one has served meanwhile: {again:?}");

    let never = |shown: &[Member], third, phase| deaf(&mut beside_one_that_starts(), shown, third, phase);
    assert_eq!(never(&members(&[0]), None, Phase::Starting), None, "they have not met yet");
    assert_eq!(never(&members(&[0, 1]), None, Phase::Waiting), None, "it looks for nobody yet");
    let serves = leaderless(2, &[0, 1]);
    assert_eq!(never(&members(&[0, 1]), Some(&serves), Phase::Starting), None, "it may find a-2");
}

const LOST: &str = "holds nothing to vote with";

/// The own raft has nothing.
fn own_is_empty(server: &mut Life, seen: &[u8]) -> Vec<Action> {
    let mut wanted = server.own(seen, None);
    wanted.extend(server.say_raft_if_asked(&[]));
    wanted
}

#[test]
fn who_is_to_found_a_cluster_beside_one_that_holds_another_comes_after_that_one() {
    let waits = |later: &State| {
        let mut server = Life::founding(3);
        let waits = says(&mut server, 20, LOST, |server| {
            server.hear(empty(1));
            server.hear(empty(2));
            server.hear(later.clone());
            own_is_empty(server, &[0])
        });
        (waits, server)
    };
    let holds = leaderless(3, &[3]);
    let (restarts, mut server) = waits(&holds);
    assert!(restarts.is_some_and(|second| second <= 4), "{restarts:?}");
    server.hear(Input::Ended(0));
    assert_eq!(server.procedure.state(server.now).disk, Disk::Unknown, "it may have founded one until it ended");
    assert_eq!(waits(&State { raft: Some(vec![]), ..holds.clone() }).0, None, "it holds nothing");
    assert_eq!(waits(&State { disk: Disk::Unknown, ..holds }).0, None, "nobody has seen that it holds something");
}

#[test]
fn a_founder_that_holds_the_cluster_is_founding_it_with_this_one() {
    let mut server = Life::founding(3);
    let founds = State { members: members(&[0, 1, 2]), ..leaderless(1, &[0, 1, 2]) };
    let lost = says(&mut server, 20, LOST, |server| {
        server.hear(founds.clone());
        server.hear(empty(2));
        own_is_empty(server, &[0, 1])
    });
    assert_eq!(lost, None);
}

#[test]
fn who_was_started_as_one_that_may_hold_something_and_does_not_comes_after_those_who_do() {
    let waits = |others: Disk| {
        let mut server = Life::new(0, 3, |me| me.disk = Disk::Unknown);
        let there = |ordinal: u8| State { disk: others, ..leaderless(ordinal, &[0, 1, 2]) };
        server.hear(there(1));
        server.hear(there(2));
        server.wait(Duration::from_secs(1));
        assert!(server.launch().is_some(), "{}", server.waits_for());
        server.hear(Input::Started);
        says(&mut server, 20, LOST, |server| {
            server.hear(there(1));
            server.hear(there(2));
            own_is_empty(server, &[0, 1, 2])
        })
    };
    assert!(waits(Disk::State).is_some_and(|second| second <= 4), "{:?}", waits(Disk::State));
    assert_eq!(waits(Disk::Unknown), None, "they may hold nothing either");
}

#[test]
fn who_waits_because_it_was_taken_out_gives_way_to_one_that_holds_nothing() {
    let waits = |raft: &[u8], phase: Phase| {
        let mut server = Life::new(0, 3, |_| {});
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        server.hear(serving(1, &[1], 1));
        server.finds_no_name_of(2);
        for _ in 0..80 {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(serving(1, &[1], 1));
            server.say_raft_if_asked(&[1]);
            server.wait(Duration::from_secs(1));
        }
        assert!(server.launch().is_some(), "{}", server.waits_for());
        server.hear(Input::Started);
        says(&mut server, 60, LOST, |server| {
            server.hear(State { members: members(&[0, 1]), ..leaderless(1, &[1]) });
            server.hear(State { phase, up: false, ..leaderless(2, raft) });
            own_is_empty(server, &[0, 1])
        })
    };
    let long = waits(&[1], Phase::Waiting);
    assert!(
        long.is_some_and(|second| (29..=32).contains(&second)),
        "it waits for the leader itself, which may restart: {long:?}"
    );
    for (raft, phase) in [(&[1_u8] as &[u8], Phase::Starting), (&[1, 2], Phase::Waiting)] {
        assert!(waits(raft, phase).is_some_and(|second| second <= 4), "{raft:?} {phase:?}");
    }
}
