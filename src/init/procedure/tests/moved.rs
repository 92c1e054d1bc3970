//! Servers that have moved, and what still tells where they were: a name server, gossip, a disk.

use std::net::IpAddr;
use std::time::Duration;

use super::super::*;
use super::cast::*;

fn says(wanted: &[Action], said: &str) -> bool {
    wanted.iter().any(|action| matches!(action, Action::Say(saying) if saying.to_string().contains(said)))
}

#[test]
fn where_a_name_led_last_misleads_while_the_name_server_is_silent() {
    let misleads = |now_at: u8, later: u64, told: bool| {
        let mut server = Life::with_state(0, &[0, 1]);
        let there = |at: u8| State { ip: Some(ip(at)), phase: Phase::Waiting, up: false, ..leaderless(1, &[0, 1]) };
        server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
        let launch = started(&server.hear(there(1))).expect("a start");
        assert_eq!(launch.join, [Name::from("a-1.a.n.svc.cluster.local.")]);
        server.hear(Input::Started);
        server.passes(later);
        // The name server is silent, and Kubernetes tells later.
        let look = Look { ip: ip(now_at), by_name: false, wrapper: Told::Answer(there(now_at)), dkron: Told::Silence };
        let looks = if told { vec![look] } else { vec![] };
        let mut wanted = server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(looks) });
        let mut moved = desired(2, &[0, 1]);
        moved.pods[1].ip = Some(ip(now_at));
        wanted.extend(server.hear(Input::Desired(moved, server.now.at)));
        wanted.extend(server.wait(Duration::from_millis(100)));
        says(&wanted, "may no longer lead to this cluster")
    };
    assert!(misleads(7, 2_000, true), "dkron asks the name server again and again");
    assert!(misleads(7, 2_000, false), "Kubernetes has it elsewhere");
    assert!(!misleads(1, 2_000, true), "it is where it was");
    assert!(!misleads(7, 36_000, true), "no name server gives that any more");

    // Nobody has told where a-1 is.
    let mut unknown = Life::with_state(0, &[0, 1]);
    unknown.hear(State { phase: Phase::Waiting, up: false, ..leaderless(1, &[0, 1]) });
    unknown.wait(Duration::from_secs(1));
    assert!(unknown.launch().is_some(), "{}", unknown.waits_for());
    unknown.hear(Input::Started);
    assert_eq!(deeds(unknown.finds_no_name_of(1)), []);
}

#[test]
fn who_stands_where_the_own_marker_has_it_is_of_the_own_set() {
    let standing = |shown: Vec<Member>, known: &[(u8, u8)]| {
        let mut before = marker(&[0, 1, 2, 3]);
        for (ordinal, address) in known {
            before.members[usize::from(*ordinal)].address = rpc(*address).into();
        }
        let mut server = Life::new(0, 4, |me| (me.disk, me.marker) = (Disk::State, Some(before)));
        server.hear(Input::Desired(desired(4, &[0, 1, 2, 3]), server.now.at));
        let view = DkronView { leader: Some(leader(2)), leads: false, members: shown };
        let look = Look { ip: ip(2), by_name: false, wrapper: Told::Silence, dkron: Told::Answer(view) };
        server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![look]) });
        server.procedure.facts.peers[&name(2)].plain(server.now.at).is_some()
    };
    let alive = |ordinal, at| Member::new(name(ordinal), ip(at), Status::Alive);
    let shown = || vec![alive(2, 2), alive(1, 8), alive(3, 9)];
    assert!(standing(shown(), &[(1, 8), (3, 9)]), "they have moved since");
    assert!(!standing(shown(), &[]), "they never were there");
    assert!(!standing(shown(), &[(1, 8)]), "one of them never was there");
}

#[test]
fn a_sole_server_does_not_go_on_with_a_larger_configuration_of_one_that_does_not_name_its_founding() {
    let owner = |founding: Option<&str>| Owner { founding: founding.map(Name::from), ..marker(&[0]).owner };
    let recovers = |own: &[u8], its: Option<&str>| {
        let before = Marker { owner: owner(Some("old")), ..marker(own) };
        let mut server = Life::new(0, 2, |me| {
            (me.disk, me.marker, me.generation) = (Disk::State, Some(before), Generation::Three);
            me.ip = Some([10, 0, 1, 0].into());
        });
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        let there = |ordinal: u8| State {
            ip: Some([10, 0, 1, ordinal].into()),
            stranded: true,
            phase: Phase::Waiting,
            up: false,
            owner: Some(owner(its)),
            ..leaderless(ordinal, &[0, 1, 2])
        };
        server.hear(there(1));
        server.hear(there(2));
        let Prepare::Recover(servers) = server.launch().expect("a start").disk else { panic!("{its:?}") };
        servers.iter().map(|server| server.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(recovers(&[0], Some("old")), ["a-0", "a-1", "a-2"], "it was larger since");
    assert_eq!(recovers(&[0], None), ["a-0"], "it may have been founded anew");
    assert_eq!(recovers(&[0], Some("new")), ["a-0"]);
    assert_eq!(recovers(&[0, 1], None), ["a-0", "a-1", "a-2"], "who has another one has its configuration");
}

#[test]
fn a_majority_of_dkron_3_that_has_moved_gets_its_addresses_though_another_disk_is_empty() {
    let all = [0, 1, 2];
    let moved = |ordinal: u8| Some(IpAddr::from([10, 0, 1, ordinal]));
    let three = |me: &mut Me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(marker(&all)), Generation::Three);
    };
    let waits = |ordinal| State { phase: Phase::Waiting, up: false, ..leaderless(ordinal, &all) };
    // The one with nothing kept its address.
    let starts = |own_moved: bool, other: Option<State>| {
        let mut server = Life::new(0, 3, |me| {
            three(me);
            me.ip = if own_moved { moved(0) } else { me.ip };
        });
        server.hear(Input::Desired(desired(3, &all), server.now.at));
        server.hear(empty(1));
        if let Some(other) = other {
            server.hear(other);
        }
        server.launch().map(|launch| launch.disk)
    };
    let stranded = || State { ip: moved(2), stranded: true, ..waits(2) };
    for own_moved in [true, false] {
        let Some(Prepare::Recover(servers)) = starts(own_moved, Some(stranded())) else {
            panic!("they are the majority")
        };
        let [own, other, nothing] = &servers[..] else { panic!("all three stay in it: {servers:?}") };
        let own_at = if own_moved { "10.0.1.0:6868".to_string() } else { rpc(0) };
        assert_eq!([&*own.address, &*other.address, &*nothing.address], [&own_at, "10.0.1.2:6868", &rpc(1)]);
    }
    assert_eq!(starts(true, None), None, "one of three may not have what was committed");
    assert_eq!(starts(true, Some(State { ip: moved(2), ..empty(2) })), Some(Prepare::Keep));
    assert_eq!(starts(false, Some(waits(2))), Some(Prepare::Keep), "neither has moved");
}

#[test]
fn dkron_3_that_runs_without_a_leader_gets_new_addresses_beside_an_empty_disk() {
    let all = [0, 1, 2];
    let restarts = |phase: Phase| {
        let mut server = Life::running(0, &all, 1);
        server.procedure.facts.me.generation = Generation::Three;
        let ip = Some(IpAddr::from([10, 0, 1, 2]));
        (0..40).find(|_| {
            let mut wanted = server.hear(State { phase, ..empty(1) });
            wanted.extend(server.hear(State { ip, stranded: true, ..leaderless(2, &all) }));
            wanted.extend(server.own(&[0], None));
            wanted.extend(server.say_raft_if_asked(&all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        })
    };
    assert!(restarts(Phase::Waiting).is_some_and(|after| (9..=13).contains(&after)), "{:?}", restarts(Phase::Waiting));
    assert_eq!(restarts(Phase::Starting), None, "it may vote");
}

#[test]
fn an_empty_disk_does_not_vote_while_a_majority_of_dkron_3_gets_new_addresses() {
    let all = [0, 1, 2, 3, 4];
    let starts = |stranded: bool, holders: u8| {
        let mut server = Life::new(4, 5, |_| {});
        (0..700).find(|_| {
            let mut wanted = Vec::new();
            for ordinal in 0..4 {
                let serves = State { stranded, ..leaderless(ordinal, &all) };
                wanted.extend(server.hear(if ordinal < holders { serves } else { empty(ordinal) }));
            }
            wanted.extend(server.wait(Duration::from_secs(1)));
            started(&wanted).is_some()
        })
    };
    assert_eq!(starts(true, 3), None);
    assert!(starts(false, 3).is_some_and(|after| after > 290), "{:?}", starts(false, 3));
    assert!(starts(true, 2).is_some(), "the others cannot");
}
