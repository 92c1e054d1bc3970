//! Who goes too, and who does not, when this server was told to stop.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 3] = [0, 1, 2];

#[test]
fn who_was_told_with_this_one_and_is_not_understood_may_lead_by_now() {
    let asks = |dkron: &Told<DkronView>| {
        let mut server = Life::running(0, &ALL, 1);
        server.hear(Input::Desired(desired(3, &ALL), server.now.at));
        server.hear(Input::Stop);
        server.say_raft(&ALL);
        let mut deleted = desired(3, &ALL);
        deleted.pods.iter_mut().for_each(|pod| pod.deleting = true);
        server.hear(Input::Desired(deleted, server.now.at));
        // Both are back, with wrappers of another version.
        server.passes(20);
        let mut wanted = server.hear(Input::Desired(desired(3, &ALL), server.now.at));
        for ordinal in [1, 2] {
            let look = Look { ip: ip(ordinal), by_name: true, wrapper: Told::Unreadable, dkron: dkron.clone() };
            let looks = Ok(vec![look]);
            wanted.extend(server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks }));
        }
        wanted.extend(server.wait(Duration::from_millis(1200)));
        wanted.contains(&Action::AskBusy)
    };
    assert!(asks(&Told::Nobody), "they do not serve");
    let serves = DkronView { leader: Some(leader(1)), leads: false, members: members(&[1, 2]) };
    assert!(!asks(&Told::Answer(serves)));
}

#[test]
fn whose_pod_kubernetes_had_again_since_it_stopped_does_not_go() {
    let ends = |stops_last: bool| {
        let mut server = Life::running(0, &[0, 1], 1);
        let stops = State { phase: Phase::Leaving, up: false, ..leaderless(1, &[0, 1]) };
        if !stops_last {
            server.hear(stops.clone());
            server.passes(3_000);
        }
        server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
        if stops_last {
            server.passes(3_000);
            server.hear(stops);
        }
        // Nobody has told anything since, and gossip has lost it.
        server.passes(40_000);
        server.own(&[0], None);
        let mut wanted = server.hear(Input::Stop);
        for _ in 0..45 {
            wanted.extend(server.own(&[0], None));
            wanted.extend(server.say_raft_if_asked(&[0, 1]));
            wanted.extend(server.finds_no_name_of(1));
            wanted.extend(server.wait(Duration::from_secs(1)));
        }
        wanted.contains(&Action::AskBusy)
    };
    assert!(ends(true), "that was known before it stopped");
    assert!(!ends(false), "it was made again, and lost since");
}

#[test]
fn whom_kubernetes_has_by_its_latest_word_is_looked_at_before_nobody_remains() {
    let stopping = || {
        let mut server = Life::running(0, &[0], 0);
        server.passes(20);
        let mut wanted = server.hear(Input::Stop);
        wanted.extend(server.hear(Input::Desired(desired(1, &[0, 1]), server.now.at)));
        wanted.extend(server.say_raft_if_asked(&[0]));
        assert!(!wanted.contains(&Action::AskBusy), "{wanted:?}");
        server
    };
    let ends = |server: &mut Life, millis: u64| {
        let mut wanted = server.own(&[0], Some(0));
        wanted.extend(server.wait(Duration::from_millis(millis)));
        wanted.contains(&Action::AskBusy)
    };
    let mut silent = stopping();
    assert!(!ends(&mut silent, 1_900), "it may have joined this server");
    assert!(ends(&mut silent, 150), "that is not waited for without end");

    let mut nothing = stopping();
    let look = Look { ip: ip(1), by_name: true, wrapper: Told::Nobody, dkron: Told::Nobody };
    let looks = Ok(vec![look]);
    nothing.passes(20);
    let wanted = nothing.hear(Input::Looked { pod: name(1), asked: nothing.now.at, looks });
    assert!(wanted.contains(&Action::AskBusy), "it was looked at: {wanted:?}");

    let mut serves = stopping();
    serves.passes(20);
    serves.hear(State { leader: Some(leader(0)), disk: Disk::Empty, ..leaderless(1, &[]) });
    assert!(!ends(&mut serves, 1_000));
}

/// a-2 was told to stop, and a-1 goes at the same moment.
fn stopping_with_the_second() -> Life {
    let mut server = Life::running(2, &ALL, 0);
    server.hear(Input::Stop);
    server.hear(State { phase: Phase::Leaving, up: false, ..leaderless(1, &ALL) });
    server
}

#[test]
fn who_answers_in_another_language_is_not_the_one_that_said_that_it_goes() {
    let ends = |answers: bool| {
        let mut server = stopping_with_the_second();
        let mut wanted = server.say_raft_if_asked(&ALL);
        // No word of Kubernetes; gossip has lost a-1, whose pod was made again with another wrapper.
        for second in 0..80 {
            server.passes(500);
            wanted.extend(server.own(&[0, 2], Some(0)));
            let other = State { protocol: PROTOCOL + 1, ..empty(1) };
            let wrapper = if answers { Told::Answer(other) } else { Told::Nobody };
            let look = Look { ip: ip(1), by_name: true, wrapper, dkron: Told::Nobody };
            let looks = Ok(vec![look]);
            wanted.extend(server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks }));
            let goes = State { phase: Phase::Holding, ..serving(0, &ALL, 0) };
            wanted.extend(server.hear(if second < 5 { serving(0, &ALL, 0) } else { goes }));
            wanted.extend(server.say_raft_if_asked(&ALL));
        }
        wanted.contains(&Action::AskBusy)
    };
    assert!(ends(false), "all go, which takes 35 s without a word of Kubernetes");
    assert!(!ends(true), "it comes, and would be without both");
}

#[test]
fn who_went_alone_may_be_about_to_come_back_when_the_others_go_later() {
    let ends = |later: u32| {
        let mut server = stopping_with_the_second();
        (0..80).find(|half| {
            server.passes(500);
            let phase = if *half < later { Phase::Serving } else { Phase::Holding };
            let mut wanted = server.finds_no_name_of(1);
            wanted.extend(server.hear(State { phase, ..serving(0, &ALL, 0) }));
            wanted.extend(server.own(&[0, 2], Some(0)));
            wanted.extend(server.say_raft_if_asked(&ALL));
            wanted.contains(&Action::AskBusy)
        })
    };
    assert!(ends(1).is_some_and(|half| half <= 6), "together: {:?}", ends(1));
    assert!(ends(20).is_some_and(|half| half >= 66), "{:?}", ends(20));
}

#[test]
fn who_is_in_gossip_again_since_it_said_that_it_goes_does_not_go() {
    let ends = |rejoins: bool| {
        let mut server = Life::running(0, &ALL, 0);
        server.hear(State { phase: Phase::Leaving, up: false, ..leaderless(2, &ALL) });
        let shows = |status| {
            let mut members = members(&[0, 1]);
            members.push(Member::new(name(2), ip(2), status));
            Input::Own(Some(DkronView { leader: Some(leader(0)), leads: true, members }))
        };
        server.hear(shows(Status::Left));
        server.passes(3_000);
        let shown = shows(if rejoins { Status::Alive } else { Status::Left });
        let mut wanted = server.hear(Input::Stop);
        // Kubernetes has yet to tell of its new pod.
        wanted.extend(server.hear(Input::Desired(desired(3, &[0, 1]), server.now.at)));
        for _ in 0..4 {
            server.passes(500);
            wanted.extend(server.hear(State { phase: Phase::Holding, ..serving(1, &[0, 1], 0) }));
            wanted.extend(server.finds_no_name_of(2));
            wanted.extend(server.hear(shown.clone()));
            wanted.extend(server.say_raft_if_asked(&[0, 1]));
        }
        wanted.contains(&Action::AskBusy)
    };
    assert!(ends(false), "all go");
    assert!(!ends(true), "it is about to be a voter");
}

#[test]
fn of_two_voters_none_goes_while_somebody_has_just_come_back_and_is_about_to_be_one() {
    let goes = |seconds: u64| {
        let mut server = Life::running(1, &ALL, 0);
        server.hear(State { phase: Phase::Leaving, up: false, ..leaderless(2, &[0, 1]) });
        server.wait(Duration::from_secs(1));
        let starting = State { phase: Phase::Starting, ..empty(2) };
        for _ in 0..=seconds {
            server.hear(starting.clone());
            server.say_raft_if_asked(&[0, 1]);
            server.wait(Duration::from_secs(1));
        }
        settle(&mut server, &[serving(0, &[0, 1], 0), starting], &[0, 1]).contains(&Action::AskBusy)
    };
    assert!(!goes(1), "the one that stays could not take it up where it has taken this one up again");
    assert!(goes(12), "something keeps it from that");
}
