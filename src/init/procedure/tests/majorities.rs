//! Who is enough for a majority: those who find each other, and vote for each other.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 5] = [0, 1, 2, 3, 4];

/// Those who stay when a-0 goes, each with what its gossip shows.
fn who_stay(leads: u8, seen: [&[u8]; 4]) -> [State; 4] {
    [1, 2, 3, 4]
        .map(|ordinal: u8| State { members: members(seen[usize::from(ordinal) - 1]), ..serving(ordinal, &ALL, leads) })
}

#[test]
fn those_who_stay_have_to_find_a_majority_of_each_other() {
    let goes =
        |seen: [&[u8]; 4]| settle(&mut Life::running(0, &ALL, 1), &who_stay(1, seen), &ALL).contains(&Action::AskBusy);
    assert!(goes([&ALL; 4]));
    assert!(goes([&[1, 2, 3], &[1, 2], &[1, 3], &[3, 4]]), "a-1 finds enough");
    assert!(!goes([&[1, 2], &[1, 2], &[3, 4], &[3, 4]]), "two pools, and two votes in each");
}

#[test]
fn the_leadership_goes_to_one_that_finds_enough_of_the_others() {
    let mut server = Life::running(0, &ALL, 0);
    settle(&mut server, &who_stay(0, [&ALL, &ALL, &[3, 4], &[3, 4]]), &ALL);
    let mut asked = Vec::new();
    while asked.is_empty() {
        asked = deeds(server.wait(Duration::from_millis(50)));
    }
    assert_eq!(asked, [Action::HandOver(at(2))], "a-4 has been a voter for longer, and would lose the leadership");
}

#[test]
fn of_two_that_go_each_counts_without_the_other_for_what_raft_needs() {
    let all = [0, 1, 2, 3];
    let mut server = Life::running(1, &all, 2);
    let goes = State { phase: Phase::Going, ..serving(0, &all, 2) };
    let wanted = settle(&mut server, &[goes, serving(2, &all, 2), serving(3, &all, 2)], &all);
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "two are enough of the three that there will be: {wanted:?}");
    let wanted = deeds(server.hear(Input::Busy(Ok(0))));
    assert_eq!(wanted, [Action::RemovePeer { at: at(2), id: name(1) }], "and none of four");
}

#[test]
fn nobody_votes_for_a_server_that_its_own_configuration_does_not_have() {
    // a-1 has lost its disk. a-3 has the last log; a-0 was away when that one was taken up, and a-2 was taken out since.
    let starts = |first: &[u8]| {
        let mut server = Life::new(1, 4, |_| {});
        (0..400).find(|_| {
            server.hear(leaderless(0, first));
            server.hear(leaderless(3, &[0, 1, 3]));
            server.hear(State { up: false, phase: Phase::Waiting, ..leaderless(2, &[0, 1, 3]) });
            server.finds_no_name_of(4);
            server.finds_no_name_of(5);
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    assert!(starts(&[0, 1, 3]).is_some_and(|second| second > 200), "they can elect: {:?}", starts(&[0, 1, 3]));
    assert!(starts(&[0, 1, 2]).is_some_and(|second| second <= 152), "they cannot: {:?}", starts(&[0, 1, 2]));
}

#[test]
fn an_empty_disk_that_followed_a_leader_comes_after_the_others_when_that_one_is_lost() {
    let mut server = Life::new(0, 3, |_| {});
    for other in [1, 2] {
        server.hear(serving(other, &[1, 2], 1));
    }
    server.say_raft(&[1, 2]);
    assert!(server.launch().is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    let mut second = |led: bool| {
        let mut wanted = server.own(&[0, 1, 2], None);
        for other in [1, 2] {
            let state = if led { serving(other, &[1, 2], 1) } else { leaderless(other, &[1, 2]) };
            wanted.extend(server.hear(State { members: members(&[0, 1, 2]), ..state }));
        }
        wanted.extend(server.say_raft_if_asked(&[]));
        wanted.extend(server.wait(Duration::from_secs(1)));
        wanted.contains(&Action::Term)
    };
    assert_eq!((0..20).find(|_| second(true)), None, "it is taken up in time");
    assert!((0..6).any(|_| second(false)), "a-2 may have what a-0 lacks");
    server.hear(Input::Ended(0));
    server.hear(leaderless(1, &[1, 2]));
    assert!(server.waits_for().contains("this disk is empty"), "{}", server.waits_for());
}

#[test]
fn what_was_moved_aside_is_held_no_longer() {
    let mut server = Life::with_state(2, &[0, 1, 2]);
    server.procedure.facts.me.generation = Generation::Three;
    for other in [0, 1] {
        server.hear(serving(other, &[0, 1], 0));
    }
    let wanted = server.say_raft(&[0, 1]);
    assert_eq!(started(&wanted).expect("a start").disk, Prepare::MoveAside);
    let told = wanted.iter().find_map(|action| if let Action::Mark(marker) = action { Some(marker) } else { None });
    assert_eq!(told.map(|marker| (&*marker.members, &*marker.elsewhere)), Some((&[][..], &[name(0)][..])));
    assert_eq!(server.procedure.state(server.now).disk, Disk::Empty);
}

#[test]
fn a_dkron_that_dies_while_it_is_held_for_others_is_held_on() {
    let all = [0, 1, 2];
    let mut server = Life::running(0, &all, 1);
    server.passes(5_000);
    let first = serving(1, &all, 1);
    settle(&mut server, std::slice::from_ref(&first), &all);
    server.hear(first.clone());
    server.wait(Duration::from_secs(1));
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
    assert!(started(&server.hear(Input::Ended(137))).is_some());
    server.hear(Input::Started);
    let mut wanted = server.own(&all, Some(1));
    for _ in 0..20 {
        wanted.extend(server.hear(first.clone()));
        wanted.extend(server.own(&all, Some(1)));
        wanted.extend(server.say_raft_if_asked(&all));
        wanted.extend(server.wait(Duration::from_secs(1)));
    }
    assert!(!wanted.contains(&Action::AskBusy), "a-2 is still away: {wanted:?}");
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
}

#[test]
fn who_was_taken_out_does_not_wait_for_those_who_have_lost_their_disks() {
    let starts = |disk: Disk| {
        let mut server = Life::new(0, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[1]))));
        let seconds = (0..200).find(|_| {
            started(&server.hear(State { disk, ..empty(1) })).is_some() || {
                started(&server.wait(Duration::from_secs(1))).is_some()
            }
        });
        seconds.expect("a start")
    };
    assert!(starts(Disk::Empty) <= 11, "{}", starts(Disk::Empty));
    assert!(starts(Disk::State) >= 119, "{}", starts(Disk::State));
}

#[test]
fn who_has_what_was_before_does_not_meet_an_empty_disk_that_is_not_taken_up_yet() {
    let starts = |servers: &[u8], disk: Disk| {
        let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))));
        server.hear(State { disk, up: true, phase: Phase::Serving, members: members(&[0, 1]), ..empty(1) });
        server.hear(State { members: members(&[0, 1]), ..serving(0, servers, 0) });
        server.say_raft_if_asked(servers);
        server.launch().is_some()
    };
    assert!(!starts(&[0], Disk::Empty), "it would get that vote");
    assert!(starts(&[0, 1], Disk::Empty), "it is taken up");
}
