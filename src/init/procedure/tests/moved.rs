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
            me.ip = Some(moved(0));
        });
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        let there = |ordinal| State { owner: Some(owner(its)), ..stranded(ordinal, &[0, 1, 2]) };
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

/// One with these servers on its disk.
fn of_version_3(ordinal: u8, servers: &[u8], size: u8, at: Option<IpAddr>) -> Life {
    let mut server = Life::new(ordinal, size, |me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(marker(servers)), Generation::Three);
        me.ip = at.or(me.ip);
    });
    let all: Vec<u8> = (0..size).collect();
    server.hear(Input::Desired(desired(size.into(), &all), server.now.at));
    server
}

#[test]
fn a_majority_of_dkron_3_that_has_moved_gets_its_addresses_though_another_disk_is_empty() {
    let all = [0, 1, 2];
    let starts = |own: Option<IpAddr>, others: [State; 2]| {
        let mut server = of_version_3(0, &all, 3, own);
        for other in others {
            server.hear(other);
        }
        server.launch().map(|launch| launch.disk)
    };
    let me = || Some(moved(0));
    let elsewhere = State { ip: Some(moved(1)), ..empty(1) };
    // It was started as one that may hold something.
    let was_stranded = State { stranded: true, ..empty(1) };
    for (own, nothing) in [(me(), empty(1)), (None, empty(1)), (me(), elsewhere), (me(), was_stranded)] {
        let nothing_at = nothing.ip.expect("an address");
        let disk = starts(own, [nothing, stranded(2, &all)]);
        let Some(Prepare::Recover(servers)) = disk else { panic!("they are the majority: {disk:?}") };
        let addresses = [own.unwrap_or(ip(0)), moved(2), nothing_at];
        let expected: Vec<String> = addresses.iter().map(|ip| format!("{ip}:6868")).collect();
        assert_eq!(servers.iter().map(|server| server.address.to_string()).collect::<Vec<_>>(), expected);
    }
    let nothing = || State { ip: Some(moved(2)), ..empty(2) };
    assert_eq!(
        starts(Some(moved(0)), [empty(1), nothing()]),
        Some(Prepare::Keep),
        "one may not have what was committed"
    );
    let stays = State { phase: Phase::Waiting, up: false, ..leaderless(2, &all) };
    assert_eq!(starts(None, [empty(1), stays]), Some(Prepare::Keep), "neither has moved");
    let unread = State { disk: Disk::Unknown, raft: None, ..stranded(2, &all) };
    assert_eq!(starts(Some(moved(0)), [empty(1), unread]), Some(Prepare::Keep), "nobody knows what it has");
    let runs = State { up: true, phase: Phase::Serving, ..empty(1) };
    assert_eq!(starts(Some(moved(0)), [runs, stranded(2, &all)]), Some(Prepare::Keep), "that one may vote");
}

#[test]
fn beside_an_empty_disk_dkron_3_does_not_go_by_an_older_configuration_that_is_larger() {
    let all = [0, 1, 2, 3, 4];
    let starts = |ordinal: u8, own: &[u8], of_first: &[u8]| {
        let mut server = of_version_3(ordinal, own, 5, Some(moved(ordinal)));
        server.hear(empty(0));
        for other in (1..5).filter(|other| *other != ordinal) {
            server.hear(stranded(other, if other == 1 { of_first } else { &all }));
        }
        server.launch().map(|launch| launch.disk)
    };
    assert!(matches!(starts(2, &all, &all), Some(Prepare::Recover(servers)) if servers.len() == 5));
    assert_eq!(starts(2, &all, &[0, 1, 2]), Some(Prepare::Keep), "a-1 may have the last one");
    assert_eq!(starts(1, &[0, 1, 2], &[]), Some(Prepare::Keep), "it has it itself");
}

#[test]
fn dkron_3_that_runs_without_a_leader_gets_new_addresses_beside_an_empty_disk() {
    let all = [0, 1, 2];
    let restarts = |phase: Phase| {
        let mut server = Life::running(0, &all, 1);
        server.procedure.facts.me.generation = Generation::Three;
        (0..40).find(|_| {
            let mut wanted = server.hear(State { phase, ..empty(1) });
            let runs = State { up: true, phase: Phase::Serving, ..stranded(2, &all) };
            wanted.extend(server.hear(runs));
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
    let starts = |state: &dyn Fn(u8) -> State, holders: u8| {
        let mut server = Life::new(4, 5, |_| {});
        (0..700).find(|_| {
            let mut wanted = Vec::new();
            for ordinal in 0..4 {
                wanted.extend(server.hear(if ordinal < holders { state(ordinal) } else { empty(ordinal) }));
            }
            wanted.extend(server.wait(Duration::from_secs(1)));
            started(&wanted).is_some()
        })
    };
    let serves = |ordinal: u8| leaderless(ordinal, &all);
    let strands = |ordinal: u8| State { stranded: true, ..serves(ordinal) };
    let hangs = |ordinal: u8| State { up: false, phase: Phase::Starting, ..strands(ordinal) };
    assert_eq!(starts(&strands, 3), None);
    assert_eq!(starts(&hangs, 3), None, "dkron that looks for others needs nobody's vote either");
    assert!(starts(&serves, 3).is_some_and(|after| after > 290), "{:?}", starts(&serves, 3));
    assert!(starts(&strands, 2).is_some(), "the others cannot");
    let one_stays = |ordinal: u8| if ordinal == 0 { serves(0) } else { strands(ordinal) };
    assert!(starts(&one_stays, 4).is_some(), "they do not write together");
    let contradict = |ordinal: u8| {
        if ordinal == 0 { State { raft: Some(raft(&[0, 1, 4])), ..strands(0) } } else { strands(ordinal) }
    };
    assert!(starts(&contradict, 4).is_some(), "nor here");
}

#[test]
fn an_empty_disk_that_was_started_to_vote_gives_way_to_dkron_3_that_gets_new_addresses() {
    let all = [0, 1, 2];
    let ends = |late: State| {
        let mut server = Life::new(0, 3, |_| {});
        let waits = |server: &mut Life| {
            server.hear(stranded(1, &all));
            server.wait(Duration::from_secs(1))
        };
        assert!((0..200).any(|_| started(&waits(&mut server)).is_some()), "a-2 does not come");
        server.hear(Input::Started);
        (0..60).find(|_| {
            let mut wanted = server.hear(State { up: true, phase: Phase::Serving, ..stranded(1, &all) });
            wanted.extend(server.hear(late.clone()));
            wanted.extend(server.own(&[0, 1], None));
            wanted.extend(server.say_raft_if_asked(&[]));
            wanted.extend(server.wait(Duration::from_millis(500)));
            wanted.contains(&Action::Term)
        })
    };
    assert!(ends(stranded(2, &all)).is_some(), "a-2 has come");
    assert_eq!(ends(State { ip: Some(moved(2)), ..empty(2) }), None, "its vote is needed");
}
