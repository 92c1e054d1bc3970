//! How a server is started.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn joins(launch: &Launch) -> Vec<&str> {
    launch.join.iter().map(|name| &**name).collect()
}

fn host(ordinal: u8) -> String {
    format!("a-{ordinal}.a.n.svc.cluster.local.")
}

/// Hears that nobody is at the two names behind the first servers.
fn nobody_beyond(server: &mut Life, size: u8) {
    for ordinal in size..size + 2 {
        server.finds_no_name_of(ordinal);
    }
}

#[test]
fn the_lowest_founds_the_cluster_when_all_have_said_that_they_are_empty() {
    let mut server = Life::new(0, 3, |_| {});
    nobody_beyond(&mut server, 3);
    assert_eq!(server.launch(), None);
    server.hear(empty(1));
    assert!(server.waits_for().starts_with("waiting for all first servers"), "{}", server.waits_for());
    let launch = started(&server.hear(empty(2))).expect("a start");
    assert_eq!(launch.expect, Some(3));
    assert_eq!(joins(&launch), [&*host(1), &*host(2), "10.0.0.1"], "the first joins itself too");
}

#[test]
fn the_others_follow_one_after_another() {
    let mut server = Life::new(1, 3, |_| {});
    nobody_beyond(&mut server, 3);
    server.hear(empty(2));
    server.hear(State { size: None, ..empty(0) });
    assert_eq!(server.launch(), None, "the lowest has not said with how many");
    server.hear(empty(0));
    assert_eq!(server.waits_for(), "waiting for a-0, which starts first");
    let launch = started(&server.hear(founds(0))).expect("a start");
    assert_eq!(launch.expect, Some(3));
    assert_eq!(joins(&launch), [host(0), host(2)]);
}

#[test]
fn an_older_word_of_one_that_starts_first_is_not_enough() {
    let mut server = Life::new(2, 3, |_| {});
    nobody_beyond(&mut server, 3);
    server.hear(State { phase: Phase::Starting, expecting: true, ..empty(0) });
    server.hear(founds(1));
    assert_eq!(server.waits_for(), "waiting for a-0, which starts first", "it may have founded the cluster by now");
    assert!(started(&server.hear(founds(0))).is_some());
}

#[test]
fn a_server_alone_starts_with_itself() {
    let mut server = Life::new(0, 1, |_| {});
    assert_eq!(server.launch(), None, "somebody may have been added");
    let gone =
        |ordinal| Input::Looked { pod: name(ordinal), asked: Moment(1_000_000), looks: Err("no such name".into()) };
    server.hear(gone(1));
    assert_eq!(started(&server.hear(gone(2))), None, "Kubernetes has not said what it wants");
    let launch = started(&server.wait(Duration::from_secs(10))).expect("a start");
    assert_eq!((launch.expect, launch.join.len()), (Some(1), 0));
    let mut server = Life::new(0, 1, |_| {});
    server.hear(gone(2));
    assert_eq!(started(&server.hear(serving(1, &[0, 1], 1))), None, "it was added, and leads a cluster");
}

#[test]
fn nobody_founds_a_cluster_while_anybody_could_hold_one() {
    // (what is heard of a-2, beside an empty a-1)
    let table: Vec<(&str, Input)> = vec![
        ("no address", Input::Looked { pod: name(2), asked: Moment(1_000_000), looks: Err("none".into()) }),
        ("silence", look(2, Told::Silence, Told::Silence)),
        ("another version", look(2, Told::Answer(State { protocol: PROTOCOL + 1, ..empty(2) }), Told::Silence)),
        ("nonsense", look(2, Told::Unreadable, Told::Silence)),
        ("another cluster", look(2, Told::Answer(State { namespace: "other".into(), ..empty(2) }), Told::Silence)),
        ("another pod", look(2, Told::Answer(State { pod: name(1), ..empty(2) }), Told::Silence)),
        ("a plain dkron that nobody vouches for", look(2, Told::Nobody, Told::Answer(DkronView::default()))),
        ("going", look(2, Told::Answer(State { phase: Phase::Leaving, ..empty(2) }), Told::Silence)),
        ("two sizes", look(2, Told::Answer(State { size: Some(5), ..empty(2) }), Told::Silence)),
        ("a raft configuration", look(2, Told::Answer(State { raft: Some(raft(&[0, 2])), ..empty(2) }), Told::Silence)),
    ];
    for (what, heard) in table {
        let mut server = Life::new(0, 3, |_| {});
        nobody_beyond(&mut server, 3);
        server.hear(empty(1));
        server.hear(heard);
        // As long as one likes: what was seen a short while ago is told again and again.
        for _ in 0..200 {
            let wanted = server.wait(Duration::from_secs(1));
            server.hear(empty(1));
            if let Some(launch) = started(&wanted) {
                assert_eq!(launch.expect, None, "{what}");
            }
        }
    }
}

fn look(ordinal: u8, wrapper: Told<State>, dkron: Told<DkronView>) -> Input {
    let look = Look { ip: ip(ordinal), by_name: true, wrapper, dkron };
    Input::Looked { pod: name(ordinal), asked: Moment(1_000_000), looks: Ok(vec![look]) }
}

#[test]
fn an_old_answer_is_no_answer() {
    let mut server = Life::new(0, 3, |_| {});
    nobody_beyond(&mut server, 3);
    server.hear(empty(1));
    server.wait(Duration::from_secs(6));
    nobody_beyond(&mut server, 3);
    assert_eq!(started(&server.hear(empty(2))), None, "a-1 may be anything by now");
}

#[test]
fn raft_state_anywhere_is_never_bootstrapped_over() {
    let mut own = Life::with_state(0, &[0, 1, 2]);
    own.hear(State { disk: Disk::State, ..empty(1) });
    assert_eq!(
        started(&own.wait(Duration::from_millis(900))),
        None,
        "a-2 has not been looked at, and may know a leader"
    );
    own.wait(Duration::from_millis(200));
    let launch = own.launch().expect("the voters elect");
    assert_eq!((launch.expect, joins(&launch)), (None, vec![&*host(1)]), "whoever is surely a peer");

    for disk in [Disk::State, Disk::Unknown] {
        let mut server = Life::new(0, 3, |_| {});
        nobody_beyond(&mut server, 3);
        server.hear(State { disk, ..empty(1) });
        assert!(server.waits_for().contains("this disk is empty"), "{}", server.waits_for());
        let mut launch = None;
        let mut waited = 0;
        while launch.is_none() {
            server.hear(State { disk, up: true, phase: Phase::Serving, ..empty(1) });
            launch = started(&server.hear(empty(2))).or(started(&server.wait(Duration::from_secs(1))));
            waited += 1;
            assert!(waited < 20, "all answer");
        }
        assert!(waited >= 10, "those with state elect first");
        assert_eq!(launch.expect("a start").expect, None, "{disk:?}");
    }
}

#[test]
fn an_empty_server_waits_for_missing_voters_longer_than_these_for_others_and_then_says_so() {
    let mut server = Life::new(0, 3, |_| {});
    nobody_beyond(&mut server, 3);
    let mut waited = 0;
    let actions = loop {
        server.hear(State { disk: Disk::State, ..empty(1) });
        let actions = server.wait(Duration::from_secs(1));
        waited += 1;
        if started(&actions).is_some() {
            break actions;
        }
        assert!(waited < 200, "it never starts");
    };
    assert!((148..=152).contains(&waited), "{waited}");
    assert_eq!(started(&actions).expect("a start").expect, None);
    let said =
        actions.iter().any(|action| matches!(action, Action::Say(saying) if saying.to_string().contains("DKHA-303")));
    assert!(said, "{actions:?}");
}

#[test]
fn a_leader_is_joined_without_bootstrap_when_the_address_is_the_same() {
    let mut server = Life::with_state(0, &[0, 1, 2]);
    assert_eq!(started(&server.hear(serving(2, &[0, 1, 2], 1))), None, "not before everybody was looked at");
    let launch = started(&server.hear(serving(1, &[0, 1, 2], 1))).expect("a start");
    assert_eq!(launch.expect, None);
    assert!(!joins(&launch).contains(&&*host(0)), "an island");
}

#[test]
fn a_stale_entry_is_removed_by_a_leader_that_is_surely_ours() {
    // The disk is empty, and the leader's configuration lists this server.
    let mut server = Life::new(0, 3, |_| {});
    let at = at(1);
    assert_eq!(deeds(server.hear(serving(1, &[0, 1, 2], 1))), [], "not before everybody was looked at");
    assert_eq!(deeds(server.hear(serving(2, &[0, 1, 2], 1))), [Action::ListRaft(at)]);
    let removal = Action::RemovePeer { at, id: name(0) };
    assert_eq!(deeds(server.say_raft(&[0, 1, 2])), [removal]);
    assert_eq!(deeds(server.hear(Input::Removed(name(0), Ok(())))), [Action::ListRaft(at)], "it looks again");
    assert!(started(&server.say_raft(&[1, 2])).is_some());

    // Somebody else's pod has the address that the leader is said to have.
    let mut server = Life::new(0, 3, |_| {});
    let stale = Leader { rpc_addr: "10.0.0.99:6868".into(), ..leader(2) };
    let wanted = server.hear(State { leader: Some(stale), ..serving(1, &[0, 1, 2], 2) });
    assert!(deeds(wanted).iter().all(|action| matches!(action, Action::Start(_))), "nothing is asked of it");
}

#[test]
fn old_raft_that_moved_comes_back_empty() {
    let mut server = Life::new(0, 3, |me| {
        let mut marker = marker(&[0, 1, 2]);
        marker.members[0].address = "10.9.9.9:6868".into();
        (me.generation, me.disk, me.marker) = (Generation::Three, Disk::State, Some(marker));
    });
    for other in [2, 1] {
        server.hear(State { members: members(&[1, 2]), ..serving(other, &[0, 1, 2], 1) });
    }
    let mut listed = raft(&[0, 1, 2]);
    listed[0].address = "10.9.9.9:6868".into();
    let at = at(1);
    assert_eq!(deeds(server.hear(Input::Raft(at, Ok(listed.into())))), [Action::RemovePeer { at, id: name(0) }]);
    server.hear(Input::Removed(name(0), Ok(())));
    assert_eq!(started(&server.say_raft(&[1, 2])).expect("a start").disk, Prepare::MoveAside);
}

#[test]
fn the_name_has_to_be_free_first() {
    let mut server = Life::with_state(0, &[0, 1, 2]);
    server.hear(serving(2, &[0, 1, 2], 1));
    let mut leading = serving(1, &[0, 1, 2], 1);
    leading.members[0].ip = ip(77);
    assert_eq!(started(&server.hear(leading.clone())), None);
    assert!(server.waits_for().contains("alive at 10.0.0.78"), "{}", server.waits_for());
    leading.members[0].status = Status::Failed;
    assert!(started(&server.hear(leading)).is_some());
}

#[test]
fn old_raft_gets_all_new_addresses_or_none() {
    let moved = |ordinal: u8| {
        let mut servers = raft(&[0, 1, 2]);
        for (number, server) in servers.iter_mut().enumerate() {
            server.address = format!("10.9.9.{number}:6868").into();
        }
        Life::new(ordinal, 3, |me| {
            me.generation = Generation::Three;
            me.disk = Disk::State;
            me.marker = Some(Marker { members: servers, ..marker(&[0]) });
        })
    };
    let stranded =
        |ordinal: u8| State { disk: Disk::State, formed: true, stranded: true, size: None, ..empty(ordinal) };
    let mut server = moved(0);
    assert!(server.procedure.state(server.now).stranded);
    // Without Kubernetes' word it waits for servers that it does not know.
    server.wait(Duration::from_secs(12));
    server.hear(stranded(1));
    server.wait(Duration::from_secs(12));
    server.hear(stranded(1));
    assert!(server.waits_for().contains("waiting for a-2"), "{}", server.waits_for());
    let launch = started(&server.hear(stranded(2))).expect("a start");
    assert_eq!(launch.disk, Prepare::Recover(raft(&[0, 1, 2])));
    assert!(server.procedure.state(server.now).stranded, "the others must see the same");

    let mut server = moved(0);
    server.wait(Duration::from_secs(12));
    server.hear(stranded(1));
    let launch = started(&server.hear(State { stranded: false, ..stranded(2) })).expect("a start");
    assert_eq!(launch.disk, Prepare::Keep, "one kept its address, so that raft can reach it");
}

#[test]
fn a_disk_of_another_cluster_is_reported_and_never_joined() {
    let mut server = Life::new(0, 3, |me| {
        let mut marker = marker(&[0, 1, 2]);
        marker.owner.cluster = "b".into();
        (me.disk, me.marker) = (Disk::State, Some(marker));
    });
    for _ in 0..30 {
        server.hear(serving(1, &[0, 1, 2], 1));
        assert_eq!(started(&server.wait(Duration::from_secs(1))), None);
    }
    assert!(server.waits_for().starts_with("DKHA-301"), "{}", server.waits_for());
}

#[test]
fn a_set_that_was_made_again_with_its_volumes_is_the_same_cluster() {
    let mut server = Life::new(0, 3, |me| {
        let mut marker = marker(&[0, 1, 2]);
        marker.owner.set_uid = Some("former".into());
        (me.disk, me.marker) = (Disk::State, Some(marker));
    });
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    let owner = |uid: &str| Some(Owner { set_uid: Some(uid.into()), ..marker(&[0]).owner });
    server.hear(State { disk: Disk::State, owner: owner("third"), set_uid: Some("set".into()), ..empty(1) });
    assert!(server.waits_for().starts_with("DKHA-301"), "{}", server.waits_for());
    server.hear(State { disk: Disk::State, owner: owner("former"), set_uid: Some("set".into()), ..empty(1) });
    let silent = Look { ip: ip(2), by_name: true, wrapper: Told::Silence, dkron: Told::Silence };
    let looked = server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![silent]) });
    assert!(started(&looked).is_some(), "{}", server.waits_for());
}

#[test]
fn a_plain_set_that_has_stalled_counts_as_empty_once_it_was_read() {
    let mut server = Life::new(2, 3, |me| me.users_size = Some(2));
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    nobody_beyond(&mut server, 3);
    let mut asked = server.hear(look(0, Told::Nobody, Told::Answer(DkronView::default())));
    asked.extend(server.hear(look(1, Told::Nobody, Told::Answer(DkronView::default()))));
    for ordinal in [0, 1] {
        let at = at(ordinal);
        assert!(asked.contains(&Action::ListRaft(at)), "{asked:?}");
        asked = server.hear(Input::Raft(at, Ok(vec![].into())));
        if started(&asked).is_none() {
            asked = server.wait(Duration::from_millis(600));
        }
    }
    assert_eq!(started(&asked).expect("a start").expect, Some(2), "the user's own number");
}

#[test]
fn who_was_taken_out_waits_for_those_who_elect() {
    // Its marker says so: it was written when it left.
    let mut removed = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0, 1]))));
    let returning = |ordinal: u8, servers: &[u8]| State {
        disk: Disk::State,
        formed: true,
        size: None,
        raft: Some(raft(servers)),
        ..empty(ordinal)
    };
    removed.hear(returning(0, &[0, 1]));
    assert_eq!(started(&removed.hear(returning(1, &[0, 1]))), None);
    // Or another one's: that has a later configuration.
    let mut old = Life::with_state(2, &[0, 1, 2]);
    old.hear(returning(0, &[0, 1]));
    assert_eq!(started(&old.hear(returning(1, &[0, 1]))), None);
    assert_eq!(started(&old.hear(serving(0, &[0, 1], 0))), None, "the other comes first");
    assert!(started(&old.hear(serving(1, &[0, 1], 0))).is_some(), "somebody leads, and all follow");
}

#[test]
fn no_more_empty_servers_vote_than_are_needed() {
    let up = |ordinal: u8| State { leader: None, leads: false, voter_for: None, ..serving(ordinal, &[0, 1, 2], 0) };
    let votes = |holders: &[u8], own: u8, servers: u8| {
        let mut server = Life::new(own, servers, |_| {});
        let mut wanted = Vec::new();
        for _ in 0..20 {
            for ordinal in (0..servers).filter(|ordinal| *ordinal != own) {
                let holds = holders.contains(&ordinal);
                let raft = Some(raft(&(0..servers).collect::<Vec<_>>()));
                let state = if holds { State { raft, ..up(ordinal) } } else { empty(ordinal) };
                wanted.extend(server.hear(state));
            }
            wanted.extend(server.wait(Duration::from_secs(1)));
        }
        started(&wanted).is_some()
    };
    assert!(!votes(&[0, 1], 2, 3), "those two are a majority, and elect the more complete of them");
    assert!(votes(&[0], 1, 3), "needed");
    assert!(!votes(&[0], 2, 3), "not needed beside the other empty one");
    assert!(votes(&[0, 1], 2, 5), "the third of five");
    assert!(!votes(&[0, 1], 3, 5));
}

#[test]
fn nothing_is_founded_beside_one_that_has_met_as_many_as_it_expects() {
    // Which version it is a first start does not know; version 3 does not ask the others.
    let expects = |met: &[u8]| {
        let mut server = Life::new(2, 3, |_| {});
        nobody_beyond(&mut server, 3);
        server.hear(State { members: members(met), ..founds(0) });
        server.hear(founds(1));
        server.launch().expect("a start").expect
    };
    assert_eq!(expects(&[0, 1]), Some(3));
    assert_eq!(expects(&[0, 1, 2]), Some(3), "its name from before: a stall is mended so");
    assert_eq!(expects(&[0, 1, 3]), None, "it may have founded the cluster with these");
}
