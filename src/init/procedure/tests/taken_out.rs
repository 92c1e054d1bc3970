//! Servers without which the others went on: taken out of raft, moved, or of another founding; and those who may not go yet.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// One that holds the state of a cluster of three, at its address from before.
fn of_three(ordinal: u8, generation: Generation) -> Life {
    let marker = marker(&[0, 1, 2]);
    Life::new(ordinal, 3, |me| (me.disk, me.marker, me.generation) = (Disk::State, Some(marker), generation))
}

#[test]
fn version_3_does_not_start_a_kept_disk_before_it_is_known_what_the_leader_has() {
    let back = |listed: &[u8]| {
        let mut server = of_three(2, Generation::Three);
        server.hear(serving(1, listed, 0));
        let wanted = server.hear(serving(0, listed, 0));
        assert_eq!(deeds(wanted), [Action::ListRaft(at(0))], "although its address is the same");
        server.say_raft(listed);
        server.launch().expect("a start").disk
    };
    assert_eq!(back(&[0, 1]), Prepare::MoveAside, "it was taken out meanwhile");
    assert_eq!(back(&[0, 1, 2]), Prepare::Keep);

    let mut server = of_three(2, Generation::Three);
    let named = State { leader: Some(leader(1)), ..leaderless(0, &[0, 1]) };
    assert_eq!(started(&server.hear(named.clone())), None, "nobody has said that the leader is there");
    let mut later = of_three(2, Generation::Four);
    let starts = (1..20).find(|_| {
        later.hear(named.clone());
        later.wait(Duration::from_secs(1));
        later.launch().is_some()
    });
    assert_eq!(starts, Some(10), "until then that one may run without a leader, and vote");
}

#[test]
fn an_empty_disk_waits_for_whoever_runs_on_although_the_leader_has_taken_it_out() {
    let mut server = Life::new(0, 3, |_| {});
    server.hear(serving(1, &[0, 1], 1));
    server.hear(State { leader: Some(leader(1)), ..serving(2, &[0, 1, 2], 1) });
    assert_eq!(deeds(server.say_raft(&[0, 1])), [], "its vote would go to that one");
    let wanted = server.hear(State { phase: Phase::Leaving, up: false, ..leaderless(2, &[0, 1]) });
    assert_eq!(deeds(wanted), [Action::RemovePeer { at: at(1), id: name(0) }]);
}

#[test]
fn whom_a_leader_did_not_have_comes_after_the_others_when_that_one_is_lost() {
    let starts = |listed: &[u8]| {
        let mut server = of_three(2, Generation::Four);
        // Those of the last configuration who do not follow it come first.
        server.hear(leaderless(1, &[]));
        assert_eq!(deeds(server.hear(serving(0, listed, 0))), [Action::ListRaft(at(0))]);
        assert_eq!(deeds(server.say_raft(listed)), []);
        server.hear(leaderless(1, &[]));
        started(&server.hear(State { up: false, phase: Phase::Leaving, ..leaderless(0, &[]) })).is_some()
    };
    assert!(!starts(&[0]));
    assert!(starts(&[0, 2]), "it counts, and may be needed");
}

#[test]
fn that_a_server_of_another_founding_is_away_for_a_moment_decides_nothing() {
    let there = |ordinal: u8, founding: &str| State {
        owner: Some(founded(&[ordinal], founding).owner),
        up: false,
        phase: Phase::Waiting,
        ..leaderless(ordinal, &[0, 1, 2])
    };
    let mut server = Life::new(1, 3, |me| (me.disk, me.marker) = (Disk::State, Some(founded(&[0, 1, 2], "old"))));
    server.hear(State { owner: Some(founded(&[0], "new").owner), ..serving(0, &[0], 0) });
    for _ in 0..20 {
        server.hear(Input::Looked { pod: name(0), asked: server.now.at, looks: Ok(vec![]) });
        assert_eq!(started(&server.hear(there(2, "old"))), None, "{}", server.waits_for());
        server.wait(Duration::from_secs(1));
    }
    assert!(server.waits_for().contains("beside a-0"), "{}", server.waits_for());
    server.hear(there(2, "old"));
    assert!(started(&server.hear(there(0, "old"))).is_some(), "somebody has given it the right disk");
}

#[test]
fn version_3_gets_new_addresses_although_one_is_gone_for_good() {
    let mut server = of_three(0, Generation::Three);
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![]) });
    let launch = started(&server.hear(stranded(1, &[0, 1, 2]))).expect("a start");
    let Prepare::Recover(servers) = launch.disk else { panic!("{:?}", launch.disk) };
    assert_eq!(servers.len(), 3, "a majority of all has to be there: {servers:?}");
    assert_eq!(&*servers[1].address, "10.0.1.1:6868");

    let mut wanted = of_three(0, Generation::Three);
    wanted.hear(Input::Desired(desired(3, &[0, 1]), wanted.now.at));
    wanted.hear(Input::Looked { pod: name(2), asked: wanted.now.at, looks: Ok(vec![]) });
    let disk = started(&wanted.hear(stranded(1, &[0, 1, 2]))).map(|launch| launch.disk);
    assert_ne!(disk, Some(Prepare::Recover(servers)), "that one comes back, and may be where it was");

    let mut few = of_three(0, Generation::Three);
    few.hear(Input::Desired(desired(1, &[0]), few.now.at));
    for ordinal in [1, 2] {
        few.hear(Input::Looked { pod: name(ordinal), asked: few.now.at, looks: Ok(vec![]) });
    }
    few.wait(Duration::from_secs(12));
    assert!(few.launch().is_some(), "two of three are gone: {}", few.waits_for());
}

#[test]
fn version_3_that_is_started_again_goes_by_what_its_raft_was_read_to_have() {
    let mut server = Life::new(0, 3, |me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(marker(&[0, 2])), Generation::Three);
    });
    server.hear(Input::Desired(desired(3, &[0, 1]), server.now.at));
    // a-2 lacks the last change, and the disk of a-1 is new: together they seem to be enough for what a-2 has.
    let others =
        || [State { up: true, phase: Phase::Serving, ..stranded(2, &[0, 1, 2]) }, State { up: true, ..empty(1) }];
    for other in others() {
        server.hear(other);
    }
    assert_eq!(server.launch().expect("a start").disk, Prepare::Keep, "not all have moved, as far as is known");
    server.hear(Input::Started);
    let mut wanted = Vec::new();
    for _ in 0..14 {
        wanted.extend(server.own(&[0, 1, 2], None));
        wanted.extend(server.say_raft_if_asked(&[0, 2]));
        for other in others() {
            wanted.extend(server.hear(other));
        }
        if wanted.contains(&Action::Term) {
            break;
        }
        wanted.extend(server.wait(Duration::from_secs(1)));
    }
    assert!(wanted.contains(&Action::Term), "{wanted:?}");
    assert!(wanted.contains(&Action::Look), "somebody may lead since the last look: {wanted:?}");
    wanted = server.hear(Input::Ended(0));
    for other in others() {
        wanted.extend(server.hear(other));
    }
    let Some(Prepare::Recover(servers)) = started(&wanted).map(|launch| launch.disk) else {
        panic!("restarted for nothing, and again for ever: {wanted:?}")
    };
    assert_eq!(servers.iter().map(|server| &*server.address).collect::<Vec<_>>(), ["10.0.0.1:6868", "10.0.1.2:6868"]);
}

#[test]
fn version_3_follows_one_that_has_its_new_addresses_already() {
    let recovers = |where_it_looks: &str| {
        let mut server = of_three(0, Generation::Three);
        server.procedure.facts.me.ip = Some([10, 0, 1, 0].into());
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        let serves = |ordinal: u8| State { up: true, phase: Phase::Serving, ..stranded(ordinal, &[0, 1, 2]) };
        // It was restarted since, and its log may lack what the others have: they do not vote for it.
        let mut last = State { stranded: false, raft: Some(raft(&[0, 1, 2])), ..serves(2) };
        for (server, address) in last.raft.iter_mut().flatten().zip([where_it_looks, "10.0.1.1:6868", "10.0.1.2:6868"])
        {
            server.address = address.into();
        }
        let others = [serves(1), last];
        let mut wanted = Vec::new();
        for other in &others {
            wanted.extend(server.hear(other.clone()));
        }
        assert_eq!(started(&wanted).expect("a start").disk, Prepare::Keep, "nobody has read what the own raft has");
        server.hear(Input::Started);
        for _ in 0..20 {
            wanted.extend(server.own(&[], None));
            wanted.extend(server.say_raft_if_asked(&[0, 1, 2]));
            for other in &others {
                wanted.extend(server.hear(other.clone()));
            }
            if wanted.contains(&Action::Term) {
                break;
            }
            wanted.extend(server.wait(Duration::from_secs(1)));
        }
        wanted = server.hear(Input::Ended(0));
        for other in &others {
            wanted.extend(server.hear(other.clone()));
        }
        match started(&wanted).map(|launch| launch.disk) {
            Some(Prepare::Recover(servers)) => servers.iter().map(|server| server.address.to_string()).collect(),
            _ => Vec::new(),
        }
    };
    assert_eq!(recovers("10.0.1.0:6868"), ["10.0.1.0:6868", "10.0.1.1:6868", "10.0.1.2:6868"]);
    assert!(recovers(&rpc(0)).is_empty(), "that one has only kept its address, and others may reach it");
}

#[test]
fn version_3_believes_no_configuration_of_one_that_does_not_stand_in_it() {
    let recovers = |second: &[u8], third: &[u8]| {
        let before = marker(&[0, 1]);
        let mut server = Life::new(0, 4, |me| {
            (me.disk, me.marker, me.generation) = (Disk::State, Some(before), Generation::Three);
            me.ip = Some([10, 0, 1, 0].into());
        });
        server.hear(Input::Desired(desired(4, &[0, 1, 2, 3]), server.now.at));
        for (ordinal, told) in [(2, second), (3, third)] {
            server.hear(State { up: false, phase: Phase::Waiting, ..leaderless(ordinal, told) });
        }
        let launch =
            started(&server.hear(State { raft: Some(raft(&[0, 1])), ..stranded(1, &[0, 1, 2]) })).expect("a start");
        matches!(launch.disk, Prepare::Recover(_))
    };
    assert!(recovers(&[0, 1, 3], &[0, 1, 2]), "they were taken out, and the others went on");
    assert!(!recovers(&[0, 1, 2], &[0, 1]), "one came after them, and can be reached");
}

#[test]
fn a_removal_that_nobody_can_carry_out_in_time_is_left_and_the_seat_kept() {
    let mut server = Life::running(0, &[0, 1], 1);
    server.hear(Input::Desired(Desired { grace_seconds: Some(40), ..desired(2, &[0, 1]) }, server.now.at));
    server.hear(Input::Stop);
    for _ in 0..2 {
        server.passes(20);
        server.hear(serving(1, &[0, 1], 1));
        server.say_raft_if_asked(&[0, 1]);
    }
    let mut wanted = Vec::new();
    for _ in 0..15 {
        // A job runs, and the other one hears nobody by now.
        server.hear(Input::Busy(Ok(1)));
        server.hear(leaderless(1, &[0, 1]));
        wanted.extend(deeds(server.wait(Duration::from_secs(1))));
    }
    wanted.retain(|deed| !matches!(deed, Action::AskBusy | Action::ListRaft(_)));
    assert_eq!(wanted[0], Action::Term, "neither a removal nor a leave: {wanted:?}");
}

#[test]
fn a_leader_of_version_3_that_the_other_one_cannot_find_is_not_handed_over() {
    let asks = |address: &str| {
        let mut servers = raft(&[0, 1]);
        servers[0].address = address.into();
        let mut server = Life::running(0, &[0, 1], 0);
        server.procedure.facts.me.generation = Generation::Three;
        server.hear(Input::Stop);
        let mut wanted = Vec::new();
        for _ in 0..40 {
            server.passes(20);
            server.own(&[0, 1], Some(0));
            wanted.extend(server.hear(serving(1, &[0, 1], 0)));
            if let Some((asked, _)) = server.procedure.reading {
                wanted.extend(server.hear(Input::Raft(asked, Ok(servers.clone().into()))));
            }
            wanted.extend(server.wait(Duration::from_millis(50)));
            if wanted.contains(&Action::AskBusy) {
                wanted.extend(server.hear(Input::Busy(Ok(0))));
            }
        }
        deeds(wanted)
    };
    let wanted = asks("10.9.9.9:6868");
    assert!(!wanted.iter().any(|deed| matches!(deed, Action::HandOver(_))), "{wanted:?}");
    assert!(wanted.contains(&Action::Term) && !wanted.contains(&Action::Leave), "raft keeps its seat: {wanted:?}");
    assert!(asks(&rpc(0)).contains(&Action::HandOver(at(1))));
}

#[test]
fn the_only_voter_waits_for_whoever_is_about_to_become_one() {
    let holds = |hear: &dyn Fn(&mut Life)| {
        let mut server = Life::running(0, &[0], 0);
        server.own(&[0, 1], Some(0));
        hear(&mut server);
        server.hear(Input::Stop);
        server.say_raft(&[0]);
        hear(&mut server);
        let wanted = deeds(server.wait(Duration::from_secs(2)));
        (server.procedure.state(server.now).phase == Phase::Holding, wanted)
    };
    let seen = holds(&|_| {});
    assert!(seen.0, "its dkron sees it, whatever DNS knows: {seen:?}");
    let surplus = holds(&|server| {
        server.hear(Input::Desired(desired(1, &[0]), server.now.at));
        server.own(&[0, 1], Some(0));
        server.hear(State { leader: Some(leader(0)), disk: Disk::Empty, ..leaderless(1, &[]) });
    });
    assert!(surplus.0, "who serves may be wanted by now: {surplus:?}");
    let news = holds(&|server| {
        server.hear(Input::Desired(desired(1, &[0]), server.now.at));
        server.own(&[0, 1], Some(0));
        server.finds_no_name_of(1);
    });
    assert!(news.0, "Kubernetes' word does not know of whom gossip shows: {news:?}");
    let gone = holds(&|server| {
        server.own(&[0], Some(0));
    });
    assert!(!gone.0 && gone.1 == [Action::Term], "{gone:?}");
}

#[test]
fn what_a_server_holds_that_dkron_sees_beside_the_first_ones_is_awaited() {
    let concludes = |beside: Option<State>| {
        let mut server = Life::new(0, 1, |me| me.disk = Disk::Unknown);
        for ordinal in [1, 2] {
            server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks: Ok(vec![]) });
        }
        server.hear(Input::Desired(desired(1, &[0]), server.now.at));
        server.wait(Duration::from_secs(11));
        server.hear(Input::Started);
        let mut wanted = Vec::new();
        for _ in 0..8 {
            server.own(if beside.is_some() { &[0, 1] } else { &[0] }, None);
            server.say_raft_if_asked(&[]);
            wanted.extend(beside.clone().map(|state| server.hear(state)).unwrap_or_default());
            wanted.extend(server.wait(Duration::from_secs(1)));
        }
        wanted.contains(&Action::Say(Saying::AllEmpty))
    };
    assert!(concludes(None));
    assert!(!concludes(Some(leaderless(1, &[0, 1]))), "it holds the cluster");
    let nothing = State { disk: Disk::Unknown, ..leaderless(1, &[]) };
    assert!(concludes(Some(nothing)), "it has nothing either");
}

#[test]
fn nobody_is_looked_for_where_somebody_else_has_answered_whoever_vouches_for_the_address() {
    let mut server = Life::with_state(0, &[0, 1]);
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    let known = State { up: false, phase: Phase::Waiting, ..leaderless(1, &[0, 1]) };
    // DNS is silent: Kubernetes alone tells the address.
    let look = |state: State| Look { ip: ip(1), by_name: false, wrapper: Told::Answer(state), dkron: Told::Silence };
    let looked = |server: &mut Life, state: State| {
        server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![look(state)]) })
    };
    let launch = started(&looked(&mut server, known.clone())).expect("a start");
    assert_eq!(launch.join, [Name::from(ip(1).to_string())]);
    server.hear(Input::Started);
    let wanted = looked(&mut server, State { namespace: "another".into(), ..known });
    assert!(wanted.contains(&Action::Term), "before dkron meets them: {wanted:?}");
}
