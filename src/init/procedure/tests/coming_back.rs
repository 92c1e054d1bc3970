//! Starts where there is raft state: who comes after whom, and what is never joined.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn restarts(actions: &[Action], why: &str) -> bool {
    let said = actions.iter().any(|action| matches!(action, Action::Say(saying) if saying.to_string().contains(why)));
    said && actions.contains(&Action::Term)
}

/// One that holds the state of a cluster of three, from another address, and hears that `leads` leads; the third too. And the configuration
/// that this one has.
fn moved(ordinal: u8, leads: u8) -> (Life, Vec<Server>) {
    let before = |mut servers: Vec<Server>| {
        servers[usize::from(ordinal)].address = "10.9.9.9:6868".into();
        servers
    };
    let marker = Marker { members: before(raft(&[0, 1, 2])), ..marker(&[0]) };
    let mut server = Life::new(ordinal, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker)));
    for other in (0..3).filter(|other| *other != ordinal) {
        server.hear(serving(other, &[0, 1, 2], leads));
    }
    (server, before(raft(&[0, 1, 2])))
}

#[test]
fn the_time_for_reading_begins_with_the_first_question() {
    let mut server = Life::new(0, 3, |_| {});
    // A long wait for agreement, with a leader all the time.
    for _ in 0..20 {
        server.hear(State { leader: Some(leader(1)), ..leaderless(2, &[0, 1, 2]) });
        server.hear(leaderless(1, &[0, 1, 2]));
        assert_eq!(deeds(server.wait(Duration::from_secs(1))), [], "not all follow");
    }
    let wanted = server.hear(serving(1, &[0, 1, 2], 1));
    assert_eq!(deeds(wanted), [Action::ListRaft(at(1))], "it is read all the same");
}

#[test]
fn dkron_is_not_started_while_its_own_removal_is_under_way() {
    let mut server = Life::new(0, 3, |_| {});
    server.hear(serving(1, &[0, 1, 2], 1));
    server.hear(serving(2, &[0, 1, 2], 1));
    let at = at(1);
    assert_eq!(deeds(server.say_raft(&[0, 1, 2])), [Action::RemovePeer { at, id: name(0) }]);
    for _ in 0..11 {
        server.hear(serving(1, &[0, 1, 2], 1));
        server.hear(serving(2, &[0, 1, 2], 1));
        assert_eq!(started(&server.wait(Duration::from_secs(1))), None, "the leader may still carry it out");
        server.hear(Input::Raft(at, Err("no answer".into())));
    }
    server.hear(serving(1, &[1, 2], 1));
    server.hear(serving(2, &[1, 2], 1));
    assert!(started(&server.hear(Input::Removed(name(0), Ok(())))).is_some());
}

#[test]
fn a_removal_is_noted_before_the_start() {
    let (mut server, listed) = moved(0, 1);
    let at = at(1);
    assert_eq!(deeds(server.hear(Input::Raft(at, Ok(listed.into())))), [Action::RemovePeer { at, id: name(0) }]);
    let wanted = server.hear(Input::Removed(name(0), Ok(())));
    assert!(wanted.contains(&Action::Mark(marker(&[1, 2]))), "{wanted:?}");
}

#[test]
fn who_was_taken_out_and_not_taken_up_comes_after_the_others_when_the_leader_goes() {
    let (mut server, listed) = moved(2, 0);
    let at = at(0);
    server.hear(Input::Raft(at, Ok(listed.into())));
    server.hear(Input::Removed(name(2), Ok(())));
    server.say_raft(&[0, 1]);
    assert!(server.launch().is_some());
    server.hear(Input::Started);
    let mut wanted = Vec::new();
    for _ in 0..20 {
        // Its own raft still has what was true before.
        wanted.extend(server.own(&[0, 1, 2], None));
        wanted.extend(server.hear(State { members: members(&[0, 1, 2]), ..leaderless(0, &[0, 1]) }));
        wanted.extend(server.hear(State { members: members(&[0, 1, 2]), ..leaderless(1, &[0, 1]) }));
        wanted.extend(server.wait(Duration::from_secs(1)));
    }
    assert!(restarts(&wanted, "come after them"), "{wanted:?}");
    server.hear(Input::Ended(0));
    server.hear(leaderless(0, &[0, 1]));
    assert_eq!(started(&server.hear(leaderless(1, &[0, 1]))), None, "they elect first");
    server.hear(serving(0, &[0, 1], 0));
    server.hear(serving(1, &[0, 1], 0));
    assert!(started(&server.hear(Input::Raft(at, Ok(raft(&[0, 1]).into())))).is_some(), "{}", server.waits_for());
}

#[test]
fn who_was_alone_never_joins_another_unread() {
    let alone = || Life::new(0, 3, |me| (me.disk, me.marker) = (Disk::State, Some(marker(&[0]))));
    let mut server = alone();
    let at = at(1);
    let wanted = server.hear(serving(1, &[1, 2], 1));
    assert_eq!(deeds(wanted), [Action::ListRaft(at)], "although its address is the same");
    for _ in 0..20 {
        server.hear(Input::Raft(at, Err("no answer".into())));
        server.hear(serving(1, &[1, 2], 1));
        assert_eq!(started(&server.wait(Duration::from_secs(1))), None);
    }
    server.hear(serving(1, &[1, 2], 1));
    server.say_raft(&[1, 2]);
    assert!(server.waits_for().starts_with("DKHA-301"), "{}", server.waits_for());

    let mut listed = alone();
    listed.hear(serving(1, &[0, 1], 1));
    assert!(started(&listed.say_raft(&[0, 1])).is_some(), "the others have joined it, and went on");
}

#[test]
fn raft_state_without_a_marker_comes_after_those_whose_configuration_lacks_it() {
    let life = || Life::new(0, 3, |me| me.disk = Disk::Unknown);
    let mut server = life();
    server.hear(leaderless(1, &[1, 2]));
    assert_eq!(started(&server.hear(leaderless(2, &[1, 2]))), None);
    let mut server = life();
    server.hear(leaderless(1, &[0, 1, 2]));
    assert!(started(&server.hear(leaderless(2, &[0, 1, 2]))).is_some());
}

#[test]
fn a_disk_that_may_hold_nothing_waits_until_those_with_state_say_what_they_have() {
    let starts = |disk: Disk, told: Option<Vec<Server>>| {
        let members = Some(marker(&[0, 1, 2])).filter(|_| disk == Disk::State);
        let mut server = Life::new(0, 3, |me| (me.disk, me.marker) = (disk, members));
        let starting =
            |ordinal: u8, raft| State { up: false, phase: Phase::Starting, raft, ..leaderless(ordinal, &[]) };
        server.hear(starting(2, Some(raft(&[0, 1, 2]))));
        started(&server.hear(starting(1, told))).is_some()
    };
    assert!(!starts(Disk::Unknown, None), "a-1 may be in a later configuration without it");
    assert!(!starts(Disk::Unknown, Some(raft(&[1, 2]))));
    assert!(starts(Disk::Unknown, Some(raft(&[0, 1, 2]))));
    assert!(starts(Disk::State, None));
}

#[test]
fn fewer_than_a_majority_do_not_start_as_a_pool_of_their_own() {
    let all = [0, 1, 2, 3, 4];
    let waiting = |ordinal: u8| State { up: false, phase: Phase::Waiting, ..leaderless(ordinal, &all) };
    let mut server = Life::with_state(2, &all);
    for ordinal in [0, 1, 3] {
        let looks = Ok(vec![]);
        server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks });
    }
    assert_eq!(started(&server.hear(waiting(4))), None, "two of five");
    let launch = started(&server.hear(waiting(3))).expect("three of five");
    assert_eq!(launch.join.len(), 2);

    // After ten seconds two start all the same: somebody may come later.
    let mut few = Life::with_state(2, &all);
    let waited = (1..=20).find(|_| {
        few.hear(waiting(4));
        started(&few.wait(Duration::from_secs(1))).is_some()
    });
    assert!((9..=11).contains(&waited.expect("a start")), "{waited:?}");
}

#[test]
fn of_those_that_others_hang_for_one_is_enough() {
    let hangs = |ordinal: u8| State { up: false, phase: Phase::Starting, ..leaderless(ordinal, &[0, 1, 2]) };
    let starts = |own: u8| {
        let mut server = Life::new(own, 5, |_| {});
        (1..=90).find(|_| {
            for ordinal in (0..5).filter(|ordinal| *ordinal != own) {
                server.hear(if ordinal < 3 { hangs(ordinal) } else { empty(ordinal) });
            }
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    let (first, second) = (starts(3).expect("a start"), starts(4).expect("a start"));
    assert!((44..=48).contains(&first), "{first}");
    assert!(second >= first + 14, "{second}");
}

#[test]
fn who_served_until_a_moment_ago_hangs_for_nobody() {
    let mut server = Life::new(4, 5, |_| {});
    let mut serve_for = |seconds: u32| {
        (1..=seconds).find(|_| {
            for ordinal in 0..4 {
                server.hear(leaderless(ordinal, &[0, 1, 2, 3, 4]));
            }
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    assert_eq!(serve_for(100), None, "they have a majority without it");
    // One of them is started again, and then all of them elect.
    server.hear(State { up: false, phase: Phase::Starting, ..leaderless(0, &[0, 1, 2, 3, 4]) });
    assert_eq!(started(&server.wait(Duration::from_secs(1))), None);
}

#[test]
fn who_is_about_to_go_comes_back_and_elects_with_its_own_log() {
    let starts = |phase: Phase| {
        let mut server = Life::new(2, 3, |_| {});
        (1..=100).find(|_| {
            server.hear(leaderless(0, &[0, 1, 2, 3]));
            server.hear(State { phase, ..leaderless(1, &[0, 1, 2, 3]) });
            started(&server.wait(Duration::from_secs(1))).is_some()
        })
    };
    assert_eq!(starts(Phase::Holding), None, "its vote would go to whoever asks first");
    assert!(starts(Phase::Serving).is_some());
}

#[test]
fn an_empty_disk_gives_whoever_comes_back_with_raft_state_the_time_to_be_taken_up() {
    let mut server = Life::new(2, 3, |_| {});
    let starts = (1..=200).find(|second| {
        server.hear(State { raft: Some(raft(&[0])), ..serving(0, &[0], 0) });
        let back = leaderless(1, &[0, 1, 2]);
        let waits = State { phase: Phase::Waiting, up: false, ..back.clone() };
        server.hear(if *second < 60 { waits } else { back });
        server.say_raft_if_asked(&[0]);
        server.wait(Duration::from_secs(1));
        server.launch().is_some()
    });
    assert!((129..=133).contains(&starts.expect("a start")), "{starts:?}: its vote could elect the other one");
}

#[test]
fn who_is_somewhere_else_than_its_name_says_may_run_without_a_leader() {
    // Those that were taken out, or lost their disks, are a majority of what this disk knows.
    let empty = Life::new as fn(u8, u8, fn(&mut Me)) -> Life;
    let nothing: fn(&mut Me) = |_| {};
    for mut server in [empty(2, 3, nothing), Life::with_state(2, &[0, 1, 2])] {
        let lost = |server: &mut Life| {
            server.finds_no_name_of(1);
            server.hear(State { raft: Some(raft(&[0])), members: members(&[0]), ..serving(0, &[0], 0) });
            server.say_raft_if_asked(&[0]);
            server.launch()
        };
        let mut waited = 0;
        while lost(&mut server).is_none() {
            server.wait(Duration::from_secs(1));
            waited += 1;
            assert!(waited < 20, "{}", server.waits_for());
        }
        assert!((9..=11).contains(&waited), "{waited}");
    }
    let mut told = Life::with_state(2, &[0, 1, 2]);
    told.hear(Input::Desired(desired(3, &[0, 1, 2]), told.now.at));
    told.finds_no_name_of(1);
    assert_eq!(started(&told.hear(serving(0, &[0], 0))), None, "Kubernetes says where it is");
    let look = Look { ip: ip(1), by_name: false, wrapper: Told::Silence, dkron: Told::Silence };
    let looks = Ok(vec![look]);
    assert!(started(&told.hear(Input::Looked { pod: name(1), asked: told.now.at, looks })).is_some(), "it is down");
}

#[test]
fn all_that_are_wanted_answer_before_a_smaller_number_founds_the_cluster() {
    let mut server = Life::new(0, 1, |_| {});
    server.hear(Input::Desired(desired(3, &[0]), server.now.at));
    for _ in 0..15 {
        server.hear(Input::Desired(desired(3, &[0]), server.now.at));
        for ordinal in [1, 2] {
            let looks = Ok(vec![]);
            server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks });
        }
        assert_eq!(started(&server.wait(Duration::from_secs(1))), None, "they may hold the cluster");
    }
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    server.hear(State { size: Some(1), ..empty(1) });
    let launch = started(&server.hear(State { size: Some(1), ..empty(2) })).expect("a start");
    assert_eq!(launch.expect, Some(1));
}

#[test]
fn silence_of_kubernetes_does_not_unsay_that_more_are_wanted() {
    let starts = |replicas: u32| {
        let mut server = Life::new(0, 1, |_| {});
        server.hear(Input::Desired(desired(replicas, &[0]), server.now.at));
        server.wait(Duration::from_secs(40));
        for ordinal in [1, 2] {
            server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks: Ok(vec![]) });
        }
        server.launch().is_some()
    };
    assert!(starts(1));
    assert!(!starts(3), "they may hold the cluster");
}

#[test]
fn an_old_word_does_not_hold_up_those_whom_the_lowest_tells_a_smaller_number() {
    let mut server = Life::new(1, 3, |_| {});
    server.hear(Input::Desired(desired(3, &[0, 1]), server.now.at));
    server.wait(Duration::from_secs(40));
    for ordinal in 2..5 {
        server.finds_no_name_of(ordinal);
    }
    server.hear(State { size: Some(2), ..founds(0) });
    assert_eq!(server.launch().expect("a start").expect, Some(2), "it has a younger word");
}

#[test]
fn who_comes_back_before_those_that_found_the_cluster_joins_them() {
    let mut server = Life::new(1, 3, |_| {});
    let founds = |ordinal: u8| State { raft: Some(vec![]), ..founds(ordinal) };
    for beyond in [3, 4] {
        server.hear(Input::Looked { pod: name(beyond), asked: server.now.at, looks: Ok(vec![]) });
    }
    server.hear(founds(0));
    let launch = started(&server.hear(founds(2))).expect("a start");
    assert_eq!(launch.expect, None, "the one behind it may found the cluster at any moment");
}

#[test]
fn a_set_that_was_made_without_replicas_is_founded_with_as_many_as_kubernetes_wants() {
    let mut server = Life::new(0, 1, |me| me.size = None);
    for _ in 0..15 {
        assert_eq!(
            started(&server.wait(Duration::from_secs(1))),
            None,
            "alone, and nobody has told how many there are"
        );
    }
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    for beyond in [2, 3] {
        server.hear(Input::Looked { pod: name(beyond), asked: server.now.at, looks: Ok(vec![]) });
    }
    let launch = started(&server.hear(State { size: None, ..empty(1) })).expect("a start");
    assert_eq!(launch.expect, Some(2));
    assert!(launch.join.iter().any(|name| name.starts_with("a-1.")), "{:?}", launch.join);
}

/// The marker of a cluster of these that was founded so.
#[test]
fn of_a_set_without_a_size_only_those_that_are_wanted_found_the_cluster() {
    let mut surplus = Life::new(1, 1, |me| {
        me.size = None;
        me.peers = vec![PeerName { pod: name(1), host: "a-1.a.n.svc.cluster.local.".into() }];
    });
    surplus.hear(Input::Desired(desired(1, &[0, 1]), surplus.now.at));
    surplus.hear(State { size: None, ..empty(0) });
    for beyond in [2, 3] {
        surplus.hear(Input::Looked { pod: name(beyond), asked: surplus.now.at, looks: Ok(vec![]) });
    }
    assert_eq!(started(&surplus.wait(Duration::from_secs(3))), None);
}
