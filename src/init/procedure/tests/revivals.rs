//! Started once more while it stops: to leave, or to see what it has founded.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 3] = [0, 1, 2];

fn host(ordinal: u8) -> Name {
    format!("a-{ordinal}.a.n.svc.cluster.local.").into()
}

/// It was told to stop, all have been heard, and its jobs are asked for.
fn stopping() -> Life {
    let mut server = Life::running(0, &ALL, 1);
    let wanted = settle(&mut server, &[serving(1, &ALL, 1), serving(2, &ALL, 1)], &ALL);
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
    server
}

/// Somebody else's wrapper answers where the name of `a-ordinal` leads.
fn is_misled(server: &mut Life, ordinal: u8) -> Vec<Action> {
    let stranger = State { namespace: "another".into(), ip: Some(ip(9)), ..empty(ordinal) };
    let look = Look { ip: ip(9), by_name: true, wrapper: Told::Answer(stranger), dkron: Told::Silence };
    server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks: Ok(vec![look]) })
}

#[test]
fn who_is_started_once_more_does_not_join_one_that_is_about_to_end() {
    let joins = |phases: [Phase; 2]| {
        let mut server = stopping();
        server.passes(20);
        for (ordinal, phase) in [1, 2].into_iter().zip(phases) {
            server.hear(State { phase, ..serving(ordinal, &ALL, 1) });
        }
        started(&server.hear(Input::Ended(1))).expect("once more").join
    };
    assert_eq!(joins([Phase::Serving; 2]), [host(1), host(2)]);
    assert_eq!(joins([Phase::Serving, Phase::Leaving]), [host(1)], "its address may soon be somebody else's");
    assert_eq!(joins([Phase::Serving, Phase::Holding]), [host(1), host(2)], "it serves on");
    assert_eq!(joins([Phase::Leaving; 2]), [host(1), host(2)], "there is nobody else");
}

#[test]
fn who_is_misled_while_it_is_started_to_leave_is_killed_and_started_again() {
    let mut server = stopping();
    assert!(started(&server.hear(Input::Ended(1))).is_some());
    server.hear(Input::Started);
    assert_eq!(deeds(is_misled(&mut server, 1)), [Action::Kill], "before it meets them");
    let wanted = server.hear(Input::Ended(137));
    assert_eq!(started(&wanted).expect("once more").join, [host(2)], "{wanted:?}");
    server.hear(Input::Started);
    assert_eq!(deeds(is_misled(&mut server, 2)), [Action::Kill]);
    let wanted = deeds(server.hear(Input::Ended(137)));
    assert_eq!(wanted.last(), Some(&Action::Exit(1)), "twice is enough, and the first code counts");
}

#[test]
fn who_was_held_for_others_and_is_misled_while_it_comes_back_is_held_on() {
    let mut server = Life::running(0, &ALL, 1);
    server.passes(5_000);
    let second = serving(2, &ALL, 1);
    let first = State { phase: Phase::Starting, up: false, ..leaderless(1, &ALL) };
    let hears = |server: &mut Life| {
        server.passes(20);
        server.hear(second.clone());
        server.hear(first.clone());
    };
    server.hear(first.clone());
    settle(&mut server, &[first.clone(), second.clone()], &ALL);
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
    assert!(started(&server.hear(Input::Ended(137))).is_some());
    server.hear(Input::Started);
    assert!(is_misled(&mut server, 1).contains(&Action::Kill));
    hears(&mut server);
    assert!(started(&server.hear(Input::Ended(137))).is_some());
    server.hear(Input::Started);
    hears(&mut server);
    let wanted = server.own(&ALL, Some(2));
    assert!(!wanted.contains(&Action::AskBusy), "{wanted:?}");
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding, "a-1 is still away");
}

/// Nothing runs on this one of two, and the leader a-1 is asked to take it out.
fn is_taken_out(server: &mut Life) {
    let mut wanted = Vec::new();
    for _ in 0..30 {
        wanted.extend(server.hear(serving(1, &[0, 1], 1)));
        wanted.extend(server.own(&[0, 1], Some(1)));
        wanted.extend(server.say_raft_if_asked(&[0, 1]));
        let more = server.wait(Duration::from_millis(100));
        if more.contains(&Action::AskBusy) {
            wanted.extend(server.hear(Input::Busy(Ok(0))));
        }
        wanted.extend(more);
    }
    assert!(wanted.contains(&Action::RemovePeer { at: at(1), id: name(0) }), "{wanted:?}");
}

#[test]
fn who_has_left_and_was_taken_up_again_is_not_waited_for_when_it_does_not_end() {
    let mut server = Life::leaving();
    server.hear(Input::Left(Ok(())));
    assert_eq!(deeds(server.say_raft(&[0, 1])), [Action::Term]);
    assert_eq!(deeds(server.wait(Duration::from_millis(900))), []);
    assert_eq!(deeds(server.wait(Duration::from_millis(150))), [Action::Kill], "the others wait for its vote");
}

#[test]
fn who_was_looked_at_for_what_it_has_founded_may_still_come_back_to_leave() {
    let mut server = Life::founding(2);
    server.own(&[0], None);
    server.say_raft(&[]);
    server.hear(Input::Stop);
    server.say_raft(&[]);
    server.hear(State { size: Some(2), ..empty(1) });
    let mut wanted = deeds(server.wait(Duration::from_millis(1500)));
    wanted.extend(deeds(server.say_raft_if_asked(&[])));
    assert_eq!(wanted.last(), Some(&Action::Leave), "{wanted:?}");
    server.hear(Input::Left(Ok(())));
    assert!(started(&server.hear(Input::Ended(0))).is_some(), "only to look");
    server.hear(Input::Started);
    // Its vote has made a-1 the leader, which counts on it.
    is_taken_out(&mut server);
    server.hear(serving(1, &[0, 1], 1));
    assert!(server.hear(Input::Removed(name(0), Ok(()))).contains(&Action::Leave));
    assert_eq!(deeds(server.hear(Input::Left(Ok(())))), [Action::ListRaft(at(1))], "is it taken up again?");
    assert_eq!(deeds(server.say_raft(&[0, 1])), [Action::Term]);
    assert!(started(&server.hear(Input::Ended(0))).is_some(), "a-1 has no majority without it");
}

#[test]
fn what_was_founded_is_looked_for_once() {
    let mut server = Life::founding(3);
    server.own(&[0], None);
    server.say_raft(&[]);
    server.hear(Input::Stop);
    assert!(started(&server.hear(Input::Ended(1))).is_some(), "it may have founded the cluster");
    let wanted = server.hear(Input::Ended(2));
    assert_eq!(deeds(wanted).last(), Some(&Action::Exit(1)), "it would end again");
}

#[test]
fn who_held_for_others_and_was_taken_up_again_later_comes_back_only_to_leave() {
    let mut server = Life::running(0, &[0, 1], 1);
    server.passes(20);
    server.hear(Input::Stop);
    assert!(started(&server.hear(Input::Ended(137))).is_some(), "it has not heard yet who else goes");
    let comes_back = |server: &mut Life| {
        server.hear(Input::Started);
        server.passes(600);
        server.hear(serving(1, &[0, 1], 1));
        let wanted = server.own(&[0, 1], Some(1));
        wanted.contains(&Action::AskBusy)
    };
    assert!(!comes_back(&mut server), "it goes on to hold");
    is_taken_out(&mut server);
    server.hear(Input::Removed(name(0), Ok(())));
    server.hear(Input::Left(Ok(())));
    assert_eq!(deeds(server.say_raft(&[0, 1])), [Action::Term]);
    assert!(started(&server.hear(Input::Ended(0))).is_some());
    assert!(comes_back(&mut server), "all have been heard");
}
