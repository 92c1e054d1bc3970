//! Who comes is announced: of those whom the leader does not list, one that holds something and one that holds nothing do not start beside
//! each other.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn comes(server: &Life) -> bool {
    server.procedure.state(server.now).comes
}

/// It waits, and has raft state.
fn kept(ordinal: u8, comes: bool) -> State {
    State { comes, up: false, phase: Phase::Waiting, ..leaderless(ordinal, &[0, 1, 2]) }
}

/// The leader, whose gossip shows itself alone.
fn leading(servers: &[u8]) -> State {
    State { members: members(&[0]), ..serving(0, servers, 0) }
}

/// `a-own` has heard that a-0 leads a cluster of itself alone, and what the third one does.
fn beside(mut server: Life, other: State) -> (Life, Vec<Action>) {
    server.hear(other);
    server.hear(leading(&[0]));
    let wanted = server.say_raft(&[0]);
    (server, wanted)
}

#[test]
fn whom_the_leader_does_not_list_says_that_it_comes_and_asks_all_once_more() {
    let (mut server, wanted) = beside(Life::new(2, 3, |_| {}), empty(1));
    assert!(wanted.contains(&Action::Look), "{wanted:?}");
    assert_eq!(started(&wanted), None, "a-1 may be about to start too");
    assert!(comes(&server));
    server.passes(20);
    assert_eq!(started(&server.hear(leading(&[0]))), None, "a-1 has not been heard since");
    assert!(started(&server.hear(empty(1))).is_some(), "{}", server.waits_for());
    assert!(!comes(&server), "it has come");
}

#[test]
fn who_does_not_answer_in_time_is_waited_for_no_longer() {
    let (mut server, _) = beside(Life::new(2, 3, |_| {}), empty(1));
    assert_eq!(started(&server.wait(Duration::from_millis(900))), None);
    assert!(started(&server.wait(Duration::from_millis(150))).is_some(), "{}", server.waits_for());
}

#[test]
fn who_is_awaited_and_was_not_found_may_come_too() {
    let mut server = Life::new(2, 3, |_| {});
    server.hear(Input::Desired(desired(3, &[0, 2]), server.now.at));
    server.finds_no_name_of(1);
    server.hear(leading(&[0]));
    assert_eq!(started(&server.say_raft(&[0])), None);
    assert!(comes(&server));
    server.passes(20);
    assert_eq!(started(&server.hear(leading(&[0]))), None, "it may be found now");
    assert!(started(&server.finds_no_name_of(1)).is_some(), "{}", server.waits_for());
}

#[test]
fn where_all_others_are_there_and_listed_it_starts_at_once() {
    let mut server = Life::new(2, 3, |_| {});
    server.hear(serving(1, &[0, 1], 0));
    server.hear(serving(0, &[0, 1], 0));
    let wanted = server.say_raft(&[0, 1]);
    assert!(started(&wanted).is_some(), "{}", server.waits_for());
    assert!(!wanted.contains(&Action::Look), "{wanted:?}");
}

#[test]
fn an_empty_disk_lets_one_with_raft_state_pass() {
    let (mut server, _) = beside(Life::new(2, 3, |_| {}), empty(1));
    assert!(comes(&server));
    server.passes(20);
    assert_eq!(started(&server.hear(kept(1, true))), None);
    assert!(!comes(&server), "it takes it back");
    // The other one has gone since.
    server.hear(State { phase: Phase::Leaving, ..kept(1, false) });
    server.hear(leading(&[0]));
    assert_eq!(started(&server.wait(Duration::from_millis(900))), None);
    assert!(!comes(&server), "it may have been the one before that was just let pass");
    let wanted = server.wait(Duration::from_millis(150));
    assert!(comes(&server) && started(&wanted).is_none(), "{}", server.waits_for());
    server.passes(20);
    server.hear(leading(&[0]));
    assert!(started(&server.hear(State { phase: Phase::Leaving, ..kept(1, false) })).is_some());
}

#[test]
fn one_with_raft_state_waits_for_an_empty_one_that_comes() {
    let of_two = || Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))));
    let (server, wanted) = beside(of_two(), State { comes: true, ..empty(1) });
    assert!(!comes(&server) && started(&wanted).is_none(), "it would get that vote");

    let (mut server, _) = beside(of_two(), empty(1));
    assert!(comes(&server), "that one only waits");
    server.passes(20);
    server.hear(leading(&[0]));
    assert_eq!(started(&server.hear(State { comes: true, ..empty(1) })), None);
    assert!(!comes(&server), "both have announced themselves");
    // The empty one takes it back.
    server.hear(empty(1));
    assert!(comes(&server), "at once: {}", server.waits_for());
    server.passes(20);
    server.hear(leading(&[0]));
    assert!(started(&server.hear(empty(1))).is_some(), "{}", server.waits_for());
}

#[test]
fn one_with_raft_state_waits_for_whoever_gossip_shows_and_has_not_said_what_it_holds() {
    let comes_beside = |seen: &[u8]| {
        let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))));
        server.hear(Input::Desired(desired(3, &[0, 2]), server.now.at));
        server.finds_no_name_of(1);
        server.hear(State { members: members(seen), ..leading(&[0]) });
        server.say_raft(&[0]);
        comes(&server)
    };
    assert!(comes_beside(&[0]));
    assert!(!comes_beside(&[0, 1]), "it may be an empty one");
}

#[test]
fn a_configuration_without_the_leader_itself_tells_nothing() {
    for mut server in
        [Life::new(2, 3, |_| {}), Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))))]
    {
        server.hear(State { comes: true, ..empty(1) });
        server.hear(leading(&[]));
        assert!(started(&server.say_raft(&[])).is_some(), "{}", server.waits_for());
    }
}

#[test]
fn whoever_comes_is_not_waited_for_without_end() {
    let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))));
    let starts = (0..100).find(|_| {
        server.hear(State { comes: true, ..empty(1) });
        server.hear(leading(&[0]));
        server.say_raft_if_asked(&[0]);
        assert!(!comes(&server));
        server.wait(Duration::from_secs(1));
        server.launch().is_some()
    });
    assert!(starts.is_some_and(|second| (68..=71).contains(&second)), "{starts:?}");
}

#[test]
fn version_3_that_is_to_be_moved_aside_lets_one_with_raft_state_pass() {
    let of_three = marker(&[0, 1, 2]);
    let old = Life::new(1, 3, |me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(of_three), Generation::Three);
    });
    let (mut server, _) = beside(old, kept(2, false));
    assert!(comes(&server), "{}", server.waits_for());
    server.passes(20);
    server.hear(leading(&[0]));
    assert_eq!(started(&server.hear(kept(2, true))), None, "it is to be an empty disk");
    assert!(!comes(&server));
    server.hear(kept(2, false));
    assert!(comes(&server), "{}", server.waits_for());
}

#[test]
fn who_may_hold_nothing_is_no_more_started_beside_one_that_was_taken_out_than_who_holds_nothing() {
    let starts = |disk: Disk, other: State| {
        let (mut server, _) = beside(Life::new(2, 3, |me| me.disk = disk), other);
        (0..80).find(|_| {
            server.hear(State { members: members(&[0, 1]), ..leading(&[0]) });
            server.say_raft_if_asked(&[0]);
            server.wait(Duration::from_secs(1));
            server.launch().is_some()
        })
    };
    let soon = |second: Option<u32>| second.is_some_and(|second| second <= 2);
    let runs = || State { up: true, phase: Phase::Serving, ..kept(1, false) };
    let blank = || State { disk: Disk::Unknown, raft: None, ..runs() };
    let empty_one = || State { up: true, phase: Phase::Serving, ..empty(1) };
    assert!(soon(starts(Disk::Unknown, blank())), "neither stands for election");
    assert!(soon(starts(Disk::Empty, empty_one())));
    assert!(!soon(starts(Disk::Unknown, runs())));
}
