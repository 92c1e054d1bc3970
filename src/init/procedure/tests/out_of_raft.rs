//! One that the leader has not taken up yet: its own raft has what was before.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 3] = [0, 1, 2];

/// It was taken out when it stopped, and was started while a-0 leads, which lists `listed`. Its dkron serves and knows nobody who leads.
fn back(listed: &[u8]) -> Life {
    let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0, 1]))));
    server.hear(serving(1, listed, 0));
    server.hear(serving(0, listed, 0));
    assert_eq!(started(&server.say_raft(listed)).expect("a start").disk, Prepare::Keep);
    server.hear(Input::Started);
    server.own(&ALL, None);
    server
}

/// The own raft is asked for, and told with the one that it follows.
fn own_raft(server: &mut Life, follows: Option<u8>) -> Vec<Action> {
    assert_eq!(server.procedure.reading.map(|(asked, _)| asked), Some(at(2)));
    let told = Configuration { servers: raft(&ALL), leader: follows.map(name) };
    server.hear(Input::Raft(at(2), Ok(told)))
}

fn is_marked(wanted: &[Action]) -> bool {
    wanted.contains(&Action::Mark(marker(&ALL)))
}

#[test]
fn what_was_before_does_not_overwrite_the_marker_of_one_that_is_not_taken_up() {
    let mut server = back(&[0, 1]);
    let mut wanted = own_raft(&mut server, None);
    wanted.extend(server.wait(Duration::from_secs(2)));
    assert!(!is_marked(&wanted), "{wanted:?}");
    let mut wanted = server.own(&ALL, Some(0));
    wanted.extend(server.say_raft(&ALL));
    assert!(is_marked(&wanted), "it is taken up");

    let mut listed = back(&ALL);
    assert!(is_marked(&own_raft(&mut listed, None)), "the leader had it when it was started");
}

#[test]
fn raft_that_follows_somebody_has_taken_it_up_whatever_gossip_shows() {
    assert!(!is_marked(&own_raft(&mut back(&[0, 1]), None)));
    assert!(is_marked(&own_raft(&mut back(&[0, 1]), Some(0))));
}

#[test]
fn raft_that_has_this_server_after_all_has_it_of_a_leader() {
    let mut server = back(&[0, 1]);
    let mut tells = |servers: &[u8]| {
        server.wait(Duration::from_secs(4));
        assert_eq!(server.procedure.reading.map(|(asked, _)| asked), Some(at(2)));
        server.hear(Input::Raft(at(2), Ok(raft(servers).into())))
    };
    assert!(!is_marked(&tells(&ALL)), "that may be from before");
    assert!(!is_marked(&tells(&ALL)), "and again");
    tells(&[0, 1]);
    assert!(is_marked(&tells(&ALL)), "it had heard that it was taken out");
}

#[test]
fn one_that_holds_nothing_has_nothing_from_before() {
    let of_three = |me: &mut Me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(marker(&ALL)), Generation::Three);
    };
    let nothing = |_: &mut Me| {};
    for mut server in [Life::new(2, 3, nothing), Life::new(2, 3, of_three)] {
        server.hear(serving(1, &[0, 1], 0));
        server.hear(serving(0, &[0, 1], 0));
        let launch = started(&server.say_raft(&[0, 1])).expect("a start");
        server.hear(Input::Started);
        server.own(&ALL, None);
        assert!(is_marked(&own_raft(&mut server, None)), "a leader has given it that: {launch:?}");
    }
}

/// The others say so for so many seconds, and its own dkron knows no leader; the second in which it is restarted to come after them.
fn left_out(server: &mut Life, seconds: u32, led: bool) -> Option<u32> {
    (0..seconds).find(|_| {
        let mut wanted = Vec::new();
        for other in [0, 1] {
            let state = if led { serving(other, &[0, 1], 0) } else { leaderless(other, &[0, 1]) };
            wanted.extend(server.hear(State { members: members(&ALL), ..state }));
        }
        wanted.extend(server.own(&ALL, None));
        if server.procedure.reading.is_some() {
            wanted.extend(own_raft(server, None));
        }
        wanted.extend(server.wait(Duration::from_secs(1)));
        wanted.contains(&Action::Say(Saying::LeftOut))
    })
}

#[test]
fn who_is_not_taken_up_comes_after_the_others_when_the_leader_is_lost() {
    let waits = left_out(&mut back(&[0, 1]), 60, false);
    assert!(waits.is_some_and(|second| (14..=18).contains(&second)), "{waits:?}");
    assert_eq!(left_out(&mut back(&ALL), 60, false), None, "it counts");
    let mut taken_up = back(&[0, 1]);
    own_raft(&mut taken_up, Some(0));
    assert_eq!(left_out(&mut taken_up, 60, false), None, "by raft's own word");
}

#[test]
fn those_who_have_just_lost_their_leader_are_given_the_time_to_elect() {
    let mut server = back(&[0, 1]);
    assert_eq!(left_out(&mut server, 30, true), None, "they are led");
    let waits = left_out(&mut server, 30, false);
    assert!(waits.is_some_and(|second| (4..=8).contains(&second)), "{waits:?}");
}

#[test]
fn the_own_dkron_is_asked_last_before_it_is_restarted() {
    let asked = || {
        let mut server = back(&[0, 1]);
        own_raft(&mut server, None);
        let seen = |ordinal| State { members: members(&ALL), ..leaderless(ordinal, &[0, 1]) };
        let asks = |server: &mut Life| {
            server.own(&ALL, None);
            server.hear(seen(0));
            server.hear(seen(1));
            server.wait(Duration::from_millis(100)).contains(&Action::Look)
        };
        assert!((0..400).any(|_| asks(&mut server)), "it never asks");
        server.passes(3);
        assert_eq!(deeds(server.own(&ALL, None)), [], "the others have not answered");
        server.passes(200);
        server.hear(seen(0));
        let wanted = server.hear(seen(1));
        assert!(!wanted.contains(&Action::Term), "its own dkron may know a leader since: {wanted:?}");
        assert_eq!(server.procedure.pace().own, Duration::from_millis(100), "it is looked at soon");
        server
    };
    assert!(asked().own(&ALL, None).contains(&Action::Term));
    let mut led = asked();
    led.own(&ALL, Some(0));
    assert!(!led.wait(Duration::from_secs(2)).contains(&Action::Term));
}
