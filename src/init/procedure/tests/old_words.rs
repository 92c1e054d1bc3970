//! What was said before that happened which it is about: Kubernetes' word, and the last one of a server.

use std::time::Duration;

use super::super::*;
use super::cast::*;

#[test]
fn whoever_waits_may_be_wanted_again_by_now() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    server.hear(Input::Desired(desired(1, &[0, 1]), server.now.at));
    server.passes(20);
    let goes = State { phase: Phase::Holding, ..serving(1, &[0, 1, 2], 1) };
    let waits = State { phase: Phase::Waiting, up: false, ..leaderless(2, &[0, 1, 2]) };
    let mut wanted = settle(&mut server, &[goes.clone(), waits.clone()], &[0, 1, 2]);
    server.hear(goes);
    server.hear(waits);
    wanted.extend(deeds(server.wait(Duration::from_secs(2))));
    assert!(!wanted.contains(&Action::AskBusy), "it is none of those who go: {wanted:?}");
}

#[test]
fn that_nobody_is_wanted_is_old_where_somebody_has_come_back() {
    let ends = |comes: bool| {
        let mut server = Life::running(0, &[0, 1], 1);
        server.hear(State { phase: Phase::Leaving, ..serving(1, &[0, 1], 1) });
        server.hear(Input::Desired(desired(0, &[0, 1]), server.now.at));
        server.passes(500);
        let last = if comes { Phase::Serving } else { Phase::Leaving };
        let other = State { phase: last, ..serving(1, &[0, 1], 1) };
        settle(&mut server, std::slice::from_ref(&other), &[0, 1]);
        server.wait(Duration::from_secs(1));
        for _ in 0..2 {
            server.passes(20);
            server.hear(other.clone());
        }
        server.hear(Input::Busy(Ok(0)))
    };
    assert!(ends(false).contains(&Action::Term));
    assert!(ends(true).contains(&Action::RemovePeer { at: at(1), id: name(0) }), "{:?}", ends(true));
}

#[test]
fn whom_gossip_shows_is_there_whatever_dns_and_kubernetes_know() {
    let mut server = Life::running(0, &[0], 0);
    server.own(&[0, 1], Some(0));
    server.hear(State { phase: Phase::Leaving, ..serving(1, &[0], 0) });
    server.hear(Input::Stop);
    server.say_raft(&[0]);
    let mut wanted = Vec::new();
    for _ in 0..60 {
        wanted.extend(server.own(&[0, 2], Some(0)));
        wanted.extend(server.finds_no_name_of(1));
        wanted.extend(server.finds_no_name_of(2));
        wanted.extend(server.say_raft_if_asked(&[0]));
        wanted.extend(server.wait(Duration::from_secs(1)));
    }
    assert!(!wanted.contains(&Action::AskBusy), "a-2 is about to be a voter: {wanted:?}");
}

#[test]
fn whoever_was_met_since_it_said_that_it_goes_has_been_back() {
    let goes = |met_after: Option<u64>| {
        let mut server = Life::running(0, &[0, 1, 2], 2);
        server.hear(State { phase: Phase::Leaving, ..serving(1, &[0, 1, 2], 2) });
        if let Some(met) = met_after {
            server.passes(met);
            server.own(&[0, 1, 2], Some(2));
        }
        server.passes(20_000);
        server.own(&[0, 2], Some(2));
        server.procedure.facts.goes(server.now.at, &server.procedure.facts.peers[&name(1)])
    };
    assert!(goes(None));
    assert!(goes(Some(5_000)), "gossip takes its time");
    assert!(!goes(Some(15_000)), "it was lost since");
}

#[test]
fn a_dkron_that_shows_others_than_kubernetes_has_is_another_sets() {
    let standing = |shown: Vec<Member>| {
        let mut server = Life::new(0, 4, |_| {});
        server.hear(Input::Desired(desired(4, &[0, 1, 2, 3]), server.now.at));
        let view = DkronView { leader: Some(leader(2)), leads: false, members: shown };
        let look = Look { ip: ip(2), by_name: false, wrapper: Told::Silence, dkron: Told::Answer(view) };
        server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![look]) });
        server.procedure.facts.peers[&name(2)].plain(server.now.at).is_some()
    };
    assert!(standing(members(&[2])) && standing(members(&[0, 1, 2])));
    let alive = |ordinal, at| Member::new(name(ordinal), ip(at), Status::Alive);
    assert!(standing(vec![alive(2, 2), alive(1, 1), alive(3, 9)]), "a-3 has just moved");
    assert!(standing(vec![alive(2, 2), alive(1, 8), alive(0, 9)]), "and so may this server and another one");
    assert!(!standing(vec![alive(2, 2), alive(1, 8), alive(3, 9)]));
    assert!(!standing(vec![alive(1, 2), alive(0, 0)]), "it bears another name");
}

#[test]
fn raft_that_follows_somebody_gives_hope_whatever_gossip_shows() {
    let all = [0, 1, 2];
    let ends = |leader: Option<u8>| {
        let mut server = Life::running(0, &all, 1);
        server.passes(5_000);
        let mut wanted = server.hear(Input::Stop);
        for _ in 0..150 {
            wanted.extend(server.own(&[0], None));
            if let Some((asked, _)) = server.procedure.reading {
                let told = Configuration { servers: raft(&all), leader: leader.map(name) };
                wanted.extend(server.hear(Input::Raft(asked, Ok(told))));
            }
            wanted.extend(server.wait(Duration::from_secs(1)));
        }
        wanted.contains(&Action::Leave)
    };
    assert!(ends(None));
    assert!(ends(Some(0)), "itself");
    assert!(!ends(Some(1)));
}

#[test]
fn whoever_cannot_be_elected_gives_those_time_whose_pods_kubernetes_has() {
    let starts = |pods: &[u8]| {
        let mut server = Life::with_state(1, &[0, 1]);
        (0..100).find(|_| {
            server.hear(Input::Desired(desired(2, pods), server.now.at));
            let silent = Look { ip: ip(0), by_name: true, wrapper: Told::Silence, dkron: Told::Silence };
            let looks = if pods.contains(&0) { Ok(vec![silent]) } else { Err("no such name".into()) };
            server.hear(Input::Looked { pod: name(0), asked: server.now.at, looks });
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    assert!(starts(&[1]).is_some_and(|second| second <= 11), "{:?}", starts(&[1]));
    let beside = |third: Disk| {
        let mut server = Life::with_state(1, &[0, 1, 2]);
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        let silent = Look { ip: ip(0), by_name: true, wrapper: Told::Silence, dkron: Told::Silence };
        server.hear(Input::Looked { pod: name(0), asked: server.now.at, looks: Ok(vec![silent]) });
        server.hear(State { disk: third, up: true, phase: Phase::Serving, ..empty(2) });
        server.launch().is_some()
    };
    assert!(beside(Disk::State));
    assert!(!beside(Disk::Empty), "whose vote would go to anybody");
    let kept = starts(&[0, 1]);
    assert!(kept.is_some_and(|second| (68..=72).contains(&second)), "it may hold another cluster by now: {kept:?}");
}

#[test]
fn a_dkron_without_a_wrapper_keeps_the_name_of_the_dead_as_long_as_any_other() {
    let waits = |alive_first: bool| {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        let looks = |status: Status| {
            let shown = Member::new(name(0), ip(9), status);
            let view = DkronView { leader: None, leads: false, members: vec![shown, members(&[1])[0].clone()] };
            vec![Look { ip: ip(1), by_name: true, wrapper: Told::Nobody, dkron: Told::Answer(view) }]
        };
        let mut second = |status: Status| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(looks(status)) });
            server.hear(leaderless(2, &[0, 1, 2]));
            server.wait(Duration::from_secs(1));
            server.launch().is_some()
        };
        if alive_first {
            assert!(!second(Status::Alive));
        }
        (0..60).find(|_| second(Status::Failed))
    };
    assert!(waits(true).is_some_and(|second| (31..=36).contains(&second)), "{:?}", waits(true));
    assert_eq!(waits(false), Some(0), "nobody knows since when");
}

#[test]
fn since_when_a_name_is_dead_is_known_from_whoever_has_said_so() {
    // a-1, whose wrapper falls silent, shows a-0 as dead; a-2 says something of it, too.
    let waits = |told: Option<u64>, other: Option<(Status, u64)>| {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        let dead = |status, seen_for| Member { seen_for, ..Member::new(name(0), ip(9), status) };
        if told.is_some() {
            let shown = vec![dead(Status::Failed, told), members(&[1])[0].clone()];
            server.hear(State { members: shown, ..leaderless(1, &[0, 1, 2]) });
        }
        let view = DkronView {
            leader: None,
            leads: false,
            members: [vec![dead(Status::Failed, None)], members(&[1, 2])].concat(),
        };
        let look = Look { ip: ip(1), by_name: true, wrapper: Told::Nobody, dkron: Told::Answer(view) };
        (0..60).find(|second| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            let shown = other.map(|(status, seen_for)| dead(status, Some(seen_for + second * 1000)));
            let members = [shown.into_iter().collect(), members(&[1, 2])].concat();
            server.hear(State { members, ..leaderless(2, &[0, 1, 2]) });
            server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![look.clone()]) });
            server.wait(Duration::from_secs(1));
            server.launch().is_some()
        })
    };
    assert_eq!(waits(None, None), Some(0), "nobody knows");
    let second = waits(Some(20_000), None);
    assert!(second.is_some_and(|second| (12..=16).contains(&second)), "it said so itself: {second:?}");
    let second = waits(None, Some((Status::Failed, 20_000)));
    assert!(second.is_some_and(|second| (12..=16).contains(&second)), "the other one does: {second:?}");
    assert_eq!(waits(None, Some((Status::Failed, 40_000))), Some(0));
}
