//! Who waits for an election of others, and for how long: who was taken out, and whoever holds nothing and would vote for anybody.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// The second in which it starts, while `each` tells it every second what there is.
fn starts(server: &mut Life, seconds: u32, each: impl Fn(&mut Life, u32)) -> Option<u32> {
    (0..seconds).find(|second| {
        each(server, *second);
        server.wait(Duration::from_secs(1));
        server.launch().is_some()
    })
}

#[test]
fn an_empty_disk_gives_whoever_comes_up_once_more_the_time_anew() {
    // It goes down and comes up in these seconds, in turns; it is down at first.
    let waits = |turns: &[u32]| {
        let mut server = Life::new(2, 3, |_| {});
        starts(&mut server, 250, |server, second| {
            server.hear(serving(0, &[0], 0));
            let up = turns.iter().filter(|turn| **turn <= second).count() % 2 == 1;
            let phase = if up { Phase::Serving } else { Phase::Starting };
            server.hear(State { phase, up, ..leaderless(1, &[0, 1, 2]) });
            server.say_raft_if_asked(&[0]);
        })
        .expect("a start")
    };
    let around = |expected: u32| expected - 2..=expected + 2;
    let (once, twice, often) = (waits(&[30]), waits(&[30, 40, 50]), waits(&[30, 40, 50, 60, 65]));
    assert!(around(100).contains(&once), "{once}");
    assert!(around(120).contains(&twice), "{twice}");
    assert!(around(120).contains(&often), "who comes again and again is not waited for without end: {often}");
}

#[test]
fn whose_configuration_has_its_majority_and_elects_nobody_has_not_the_later_one() {
    let waits = |told: &[u8]| {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        starts(&mut server, 150, |server, _| {
            for other in [1, 2] {
                server.hear(State { raft: Some(raft(told)), ..leaderless(other, &[0, 1, 2]) });
            }
        })
        .expect("a start")
    };
    assert_eq!(waits(&[0, 1, 2]), 0, "it was not taken out");
    assert!((9..=12).contains(&waits(&[1, 2])), "{}", waits(&[1, 2]));
    assert!(waits(&[1, 2, 3, 4]) >= 118, "they lack others: {}", waits(&[1, 2, 3, 4]));
}

/// a-0 and a-1 serve with a configuration of these two, find each other, and elect nobody.
fn others_serve(server: &mut Life) {
    for other in [0, 1] {
        server.hear(State { members: members(&[0, 1]), ..leaderless(other, &[0, 1]) });
    }
}

#[test]
fn whom_the_leader_did_not_list_waits_for_an_election_whoever_serves() {
    let mut server = Life::with_state(2, &[0, 1, 2]);
    server.hear(leaderless(1, &[]));
    server.hear(serving(0, &[0, 1], 0));
    server.say_raft(&[0, 1]);
    let waits = starts(&mut server, 150, |server, _| others_serve(server));
    assert!(waits.is_some_and(|second| second >= 118), "that one had the later one: {waits:?}");
}

#[test]
fn who_was_taken_out_by_its_own_marker_waits_for_an_election_whoever_serves() {
    let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0, 1]))));
    let waits = starts(&mut server, 150, |server, _| others_serve(server));
    assert!(waits.is_some_and(|second| second >= 118), "{waits:?}");
}

#[test]
fn an_empty_disk_votes_for_nobody_while_clusters_of_two_foundings_run() {
    let waits = |second: &str, phase: Phase| {
        let holds = |ordinal: u8, founding: &str| State {
            owner: Some(founded(&[0, 1, 2, 3], founding).owner),
            ..leaderless(ordinal, &[0, 1, 2, 3])
        };
        let mut server = Life::new(2, 3, |_| {});
        starts(&mut server, 400, |server, _| {
            server.hear(holds(0, "one"));
            server.hear(State { phase, up: phase == Phase::Serving, ..holds(1, second) });
        })
    };
    assert!(waits("one", Phase::Serving).is_some_and(|second| second <= 12), "{:?}", waits("one", Phase::Serving));
    assert_eq!(waits("two", Phase::Serving), None);
    assert_eq!(waits("two", Phase::Starting), None);
    assert!(waits("two", Phase::Waiting).is_some(), "that one waits for a person");
}

#[test]
fn those_who_do_not_find_one_without_a_wrapper_cannot_elect_with_it() {
    let all = [0, 1, 2, 3];
    let waits = |holder: &[u8], plain: &[u8]| {
        let mut server = Life::new(2, 3, |_| {});
        starts(&mut server, 200, |server, _| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(State { members: members(holder), ..leaderless(0, &all) });
            let view = DkronView { leader: None, leads: false, members: members(plain) };
            let look = Look { ip: ip(1), by_name: true, wrapper: Told::Nobody, dkron: Told::Answer(view) };
            server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![look]) });
        })
        .expect("a start")
    };
    assert!((9..=12).contains(&waits(&[0, 1], &[0, 1])), "{}", waits(&[0, 1], &[0, 1]));
    assert!(waits(&[0], &[0, 1]) >= 148, "a-0 does not find it: {}", waits(&[0], &[0, 1]));
    assert!(waits(&[0, 1], &[1]) >= 148, "it does not find a-0: {}", waits(&[0, 1], &[1]));
}

#[test]
fn one_that_was_taken_out_may_refuse_those_who_count_on_its_vote() {
    let waits = |of_second: &[u8]| {
        let mut server = Life::new(0, 3, |_| {});
        let holds = |ordinal: u8, raft: &[u8]| State { members: members(&[1, 2]), ..leaderless(ordinal, raft) };
        starts(&mut server, 320, |server, _| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(holds(1, &[0, 1, 2]));
            server.hear(holds(2, of_second));
        })
        .expect("a start")
    };
    assert!((298..=302).contains(&waits(&[0, 1, 2])), "the two elect: {}", waits(&[0, 1, 2]));
    assert!((58..=62).contains(&waits(&[0, 1])), "its log may be longer than that of a-1: {}", waits(&[0, 1]));
}

#[test]
fn who_hangs_beside_one_that_serves_is_given_the_time_for_a_cure() {
    let waits = |first: Phase, raft: &[u8]| {
        let mut server = Life::new(2, 3, |_| {});
        starts(&mut server, 320, |server, _| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(State { phase: first, up: first == Phase::Serving, ..leaderless(0, raft) });
            server.hear(State { phase: Phase::Starting, up: false, ..leaderless(1, raft) });
        })
        .expect("a start")
    };
    let all = [0, 1, 2];
    assert!(
        (44..=47).contains(&waits(Phase::Starting, &all)),
        "both may wait for it: {}",
        waits(Phase::Starting, &all)
    );
    assert!((89..=92).contains(&waits(Phase::Serving, &all)), "{}", waits(Phase::Serving, &all));
    let of_five = [0, 1, 2, 3, 4];
    assert!((44..=47).contains(&waits(Phase::Serving, &of_five)), "they need it: {}", waits(Phase::Serving, &of_five));
}

#[test]
fn one_that_did_not_follow_the_leader_and_falls_silent_has_not_agreed() {
    let waits = |says_goodbye: bool| {
        let mut server = Life::new(2, 3, |_| {});
        starts(&mut server, 200, |server, second| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(serving(0, &[0], 0));
            server.say_raft_if_asked(&[0]);
            match second {
                0..20 => server.hear(leaderless(1, &[0, 1])),
                20 if says_goodbye => server.hear(State { phase: Phase::Leaving, up: false, ..leaderless(1, &[0, 1]) }),
                _ => server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![]) }),
            };
        })
        .expect("a start")
    };
    assert!((19..=26).contains(&waits(true)), "{}", waits(true));
    assert!((68..=72).contains(&waits(false)), "it may come back as it was: {}", waits(false));
}
