//! What the founding of a cluster is called, and disks of two of them.

use std::time::Duration;

use super::super::*;
use super::cast::*;

#[test]
fn a_leader_calls_the_founding_and_the_others_take_it_over() {
    let said = Life::founding_on_disk;
    let mut leading = Life::new(0, 3, |_| {});
    for ordinal in 1..5 {
        leading.hear(empty(ordinal));
    }
    assert!(leading.launch().is_some());
    leading.hear(Input::Started);
    leading.own(&[0, 1, 2], Some(0));
    leading.say_raft(&[0, 1, 2]);
    assert_eq!(said(&leading).as_deref(), Some("f0"));
    let owner = Some(founded(&[0], "f9").owner);
    leading.hear(State { owner: owner.clone(), ..serving(1, &[0, 1, 2], 0) });
    leading.wait(Duration::from_secs(11));
    assert_eq!(said(&leading).as_deref(), Some("f0"), "once and for all");

    assert_eq!(said(&Life::running(0, &[0, 1, 2], 0)), None, "it was led before");
    let mut following = Life::running(1, &[0, 1, 2], 0);
    assert_eq!(said(&following), None, "that is the leader's");
    following.hear(State { owner, ..serving(0, &[0, 1, 2], 0) });
    following.wait(Duration::from_secs(1));
    assert_eq!(said(&following).as_deref(), Some("f9"));
}

#[test]
fn whoever_leads_first_calls_the_cluster_as_the_lowest_founder_does() {
    let called = |lowest: State| {
        let mut server = Life::new(1, 3, |_| {});
        for other in [lowest, empty(2), empty(3), empty(4)] {
            server.hear(other);
        }
        assert_eq!(server.launch().expect("a start").expect, Some(3));
        server.hear(Input::Started);
        let told = |server: &Life| server.procedure.state(server.now).founding;
        let said = told(&server);
        server.own(&[0, 1, 2], Some(1));
        assert_eq!(told(&server), said, "raft has yet to tell");
        server.say_raft(&[0, 1, 2]);
        assert_eq!(told(&server), None, "it is founded");
        let founding = server.founding_on_disk();
        assert_eq!(said, founding);
        founding
    };
    let lowest = founds(0);
    assert_eq!(called(lowest.clone()).as_deref(), Some("f0"));
    assert_eq!(called(State { founding: None, ..lowest }).as_deref(), Some("f1"), "an older wrapper does not say");
}

#[test]
fn founders_know_the_name_before_a_leader_has_said_it() {
    let said = Life::founding_on_disk;
    let founder = |ordinal| {
        let mut server = Life::new(ordinal, 3, |_| {});
        let others = [founds(0), empty(1), empty(2), empty(3), empty(4)];
        for other in others.into_iter().filter(|other| *other.pod != *name(ordinal)) {
            server.hear(other);
        }
        assert_eq!(server.launch().expect("a start").expect, Some(3));
        server.hear(Input::Started);
        server
    };
    let follows_after = |millis, leader: State| {
        let mut server = founder(1);
        server.hear(leader);
        server.passes(millis);
        server.own(&[0, 1, 2], Some(0));
        server.say_raft(&[0, 1, 2]);
        said(&server)
    };
    let follows = |leader| follows_after(50, leader);
    assert_eq!(follows(empty(0)).as_deref(), Some("f0"), "the leader held nothing a moment ago");
    let told_otherwise = State { founding: Some("f7".into()), ..empty(0) };
    assert_eq!(follows(told_otherwise), None, "it calls it otherwise");
    assert_eq!(follows_after(9_000, empty(0)), None, "it may have begun anew since");
    assert_eq!(follows(serving(0, &[0, 1, 2], 0)), None, "a leader from before has another name, perhaps");

    let mut alone = Life::new(0, 1, |_| {});
    alone.hear(Input::Desired(desired(1, &[0]), alone.now.at));
    assert_eq!(alone.launch().map(|launch| launch.expect), Some(Some(1)), "{}", alone.waits_for());
    alone.hear(Input::Started);
    alone.own(&[0], None);
    alone.say_raft(&[0]);
    assert_eq!(said(&alone).as_deref(), Some("f0"), "nobody has led yet");
    let mut waits = founder(0);
    waits.own(&[0, 1, 2], None);
    waits.say_raft(&[0, 1, 2]);
    assert_eq!(said(&waits), None, "somebody else may lead another");
    waits.wait(Duration::from_secs(4));
    waits.say_raft(&[0]);
    assert_eq!(said(&waits), None, "the others have been taken out since");
}

#[test]
fn who_was_alone_does_not_start_before_it_has_looked_for_another_founding() {
    let marker = founded(&[1], "old");
    let mut server = Life::new(1, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
    let lost = |server: &mut Life| {
        server.finds_no_name_of(0);
        server.wait(Duration::from_secs(1));
        server.launch().is_some()
    };
    assert_eq!((1..20).find(|_| lost(&mut server)), Some(10), "nobody tells where the other one is");
}

#[test]
fn the_disk_of_another_founding_is_never_joined() {
    let life = |members: &[u8]| {
        let marker = founded(members, "old");
        Life::new(1, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker)))
    };
    let leading = |servers: &[u8], founding: &str| State {
        owner: Some(founded(servers, founding).owner),
        ..serving(0, servers, 0)
    };
    for listed in [&[0][..], &[0, 1]] {
        let mut server = life(&[0, 1, 2]);
        assert_eq!(deeds(server.hear(leading(listed, "new"))), [], "raft lists names, not disks");
        assert!(server.waits_for().contains("founded before or since"), "{}", server.waits_for());
    }
    let mut same = life(&[0, 1, 2]);
    same.hear(serving(2, &[0, 2], 0));
    assert!(started(&same.hear(leading(&[0, 2], "old"))).is_some(), "it left and comes back");
    let mut alone = life(&[1]);
    assert!(started(&alone.hear(leading(&[0, 1], "old"))).is_some(), "alone once, and of the same cluster");
}

#[test]
fn disks_of_two_foundings_are_not_started_beside_each_other() {
    let there = |ordinal: u8, servers: &[u8]| State {
        leader: None,
        leads: false,
        up: false,
        phase: Phase::Waiting,
        owner: Some(founded(servers, "new").owner),
        ..serving(ordinal, servers, ordinal)
    };
    let life = |members: &[u8]| {
        let marker = founded(members, "old");
        let mut server = Life::new(1, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        server.hear(Input::Desired(desired(3, &[0, 1]), server.now.at));
        server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![]) });
        server
    };
    let mut server = life(&[0, 1, 2]);
    assert_eq!(started(&server.hear(there(0, &[0]))), None);
    assert!(server.waits_for().contains("beside a-0"), "{}", server.waits_for());

    let mut alone = life(&[1]);
    assert_eq!(started(&alone.hear(there(0, &[0, 2]))).expect("a start").join, Vec::<Name>::new(), "alone");
    let mut alone = life(&[1]);
    assert_eq!(started(&alone.hear(State { up: true, phase: Phase::Serving, ..there(0, &[0, 2]) })), None);

    // A disk from before that waits for a person does not hold up those whom it knows and who do not know it.
    let mut whole = life(&[0, 1]);
    assert_eq!(started(&whole.hear(there(2, &[0, 1, 2]))), None);
    let own = State { owner: Some(founded(&[0, 1], "old").owner), ..there(0, &[0, 1]) };
    assert!(started(&whole.hear(own)).is_some());
}

#[test]
fn whoever_follows_takes_over_what_the_leader_calls_the_founding() {
    let mut server = Life::running(1, &[0, 1, 2], 0);
    for founding in ["f8", "f9"] {
        server.hear(State { owner: Some(founded(&[0], founding).owner), ..serving(0, &[0, 1, 2], 0) });
        server.wait(Duration::from_secs(1));
        assert_eq!(server.founding_on_disk().as_deref(), Some(founding), "so that all have one name in the end");
    }
}

#[test]
fn who_is_alone_does_not_start_while_one_of_another_founding_is_only_away() {
    let starts = |led: bool| {
        let marker = founded(&[1], "old");
        let mut server = Life::new(1, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        let leading = State { owner: Some(founded(&[0], "new").owner), ..serving(0, &[0], 0) };
        let unled = State { leader: None, leads: false, voter_for: None, ..leading.clone() };
        assert_eq!(started(&server.hear(if led { leading } else { unled })), None);
        (0..200).find(|_| {
            server.hear(Input::Desired(desired(2, &[1]), server.now.at));
            server.finds_no_name_of(0);
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    let second = starts(false);
    assert!(second.is_some_and(|second| (118..=122).contains(&second)), "{second:?}");
    assert_eq!(starts(true), None, "that cluster is the one that there is");
}

#[test]
fn of_two_that_were_alone_the_lower_one_holds_the_later_cluster() {
    let starts = |own: u8, other: State| {
        let marker = founded(&[own], "old");
        let mut server = Life::new(own, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        server.hear(Input::Desired(desired(3, &[own]), server.now.at));
        let there = server.procedure.facts.ordinal(&other.pod);
        server.hear(other);
        for ordinal in (0..3).filter(|ordinal| Some(u32::from(*ordinal)) != there) {
            server.finds_no_name_of(ordinal);
        }
        server.launch().is_some()
    };
    let alone = |ordinal: u8| State {
        up: false,
        phase: Phase::Waiting,
        owner: Some(founded(&[ordinal], "new").owner),
        ..leaderless(ordinal, &[ordinal])
    };
    assert!(starts(0, alone(1)));
    assert!(!starts(1, alone(0)));
    assert!(starts(1, State { apart: true, ..alone(0) }), "it has seen another one led, this one or a third");
    assert!(!starts(1, alone(2)) && !starts(2, alone(1)), "that tells nothing of these");
}

#[test]
fn who_was_alone_stays_down_when_the_leader_of_another_founding_restarts() {
    let marker = founded(&[0], "old");
    let mut server = Life::new(0, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    let leads = State { owner: Some(founded(&[1], "new").owner), ..serving(1, &[1], 1) };
    assert!(!server.procedure.state(server.now).apart);
    assert_eq!(started(&server.hear(leads.clone())), None);
    assert!(server.procedure.state(server.now).apart);
    let restarts = State { up: false, phase: Phase::Waiting, leader: None, leads: false, voter_for: None, ..leads };
    assert_eq!(started(&server.hear(restarts)), None);
    assert!(server.procedure.state(server.now).apart);
}

#[test]
fn who_was_alone_stays_down_when_the_leader_of_an_unnamed_cluster_dies() {
    let starts = |own: &str| {
        let marker = founded(&[0], "old");
        let mut server = Life::new(0, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        let mut told = State { members: members(&[1]), ..serving(1, &[1], 1) };
        told.owner = Some(founded(&[1], own).owner).filter(|_| !own.is_empty());
        (0..200).find(|second| {
            server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
            if *second < 130 {
                server.hear(told.clone());
            } else {
                server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![]) });
            }
            server.say_raft_if_asked(&[1]);
            server.wait(Duration::from_secs(1));
            server.launch().is_some()
        })
    };
    assert_eq!(starts(""), None, "it may be back at any moment");
    assert!(starts("old").is_some(), "that one was its own");
}

#[test]
fn who_was_alone_does_not_go_on_with_an_unnamed_cluster_that_has_never_met_it() {
    let leads = |met: bool| {
        let mut told = serving(1, &[0, 1], 1);
        told.owner = None;
        if !met {
            told.members.retain(|member| *member.name != *"a-0");
        }
        let marker = founded(&[0], "old");
        let mut server = Life::new(0, 2, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
        let mut begun = false;
        for _ in 0..80 {
            server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
            begun |= started(&server.hear(told.clone())).is_some();
            begun |= started(&server.say_raft_if_asked(&[0, 1])).is_some();
            begun |= started(&server.wait(Duration::from_secs(1))).is_some();
        }
        server.hear(told);
        server.say_raft_if_asked(&[0, 1]);
        (begun, server.waits_for())
    };
    assert!(leads(true).0, "its dkron was there before");
    let (begun, waits) = leads(false);
    assert!(!begun && waits.contains("leads another"), "{waits}");
}

#[test]
fn a_name_is_taken_only_from_those_who_have_this_server_too() {
    let said = |others: &[u8]| {
        let mut server = Life::new(1, 2, |me| me.disk = Disk::Unknown);
        server.hear(State { owner: Some(founded(&[0], "new").owner), ..serving(0, others, 0) });
        server.say_raft(others);
        assert!(server.launch().is_some(), "{}", server.waits_for());
        server.hear(Input::Started);
        server.own(&[0, 1], None);
        server.say_raft(&[0, 1]);
        server.founding_on_disk()
    };
    assert_eq!(said(&[0]), None, "the own disk lists who is of another cluster by now");
    assert_eq!(said(&[0, 1]).as_deref(), Some("new"));
}

#[test]
fn whoever_follows_a_leader_tells_of_its_founding() {
    let joins = |founding: &str| {
        let marker = founded(&[0, 1], "old");
        let mut server = Life::new(1, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
        server.hear(Input::Desired(desired(3, &[1]), server.now.at));
        server.finds_no_name_of(2);
        started(&server.hear(State { owner: Some(founded(&[0], founding).owner), ..serving(0, &[0, 2], 2) })).is_some()
    };
    assert!(joins("old"));
    assert!(!joins("new"), "the leader has not said it itself");
}
