//! What is known of others at second hand, or not any more: by gossip, by an older word, by one that is not understood.

use std::net::IpAddr;
use std::time::Duration;

use super::super::*;
use super::cast::*;

#[test]
fn whom_nobody_else_sees_is_lost_to_those_who_stay() {
    let asks = |seen: &[u8]| {
        let mut server = Life::running(0, &[0, 1, 2], 1);
        let first = State { members: members(seen), ..serving(1, &[0, 1, 2], 1) };
        settle(&mut server, &[first, serving(2, &[0, 1, 2], 1)], &[0, 1, 2]).contains(&Action::AskBusy)
    };
    assert!(asks(&[0, 1, 2]));
    assert!(!asks(&[0, 1]), "a-1 and a-2 have no majority without the one between them");
}

#[test]
fn a_plain_server_that_is_seen_to_leave_does_not_stay() {
    let asks = |alive: &[u8], later: u64| {
        let mut server = Life::running(0, &[0, 1, 2], 1);
        server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
        let plain = |server: &mut Life| {
            let view = DkronView { leader: Some(leader(1)), leads: false, members: members(&[0, 1, 2]) };
            let look = Look { ip: ip(2), by_name: true, wrapper: Told::Silence, dkron: Told::Answer(view) };
            server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![look]) })
        };
        plain(&mut server);
        server.own(alive, Some(1));
        server.passes(later);
        server.hear(Input::Stop);
        let mut wanted = Vec::new();
        for _ in 0..30 {
            server.passes(50);
            wanted.extend(plain(&mut server));
            wanted.extend(server.hear(serving(1, &[0, 1, 2], 1)));
            wanted.extend(server.say_raft_if_asked(&[0, 1, 2]));
        }
        wanted.contains(&Action::AskBusy)
    };
    assert!(asks(&[0, 1, 2], 0));
    assert!(!asks(&[0, 1], 0), "its API answers for as long as it leaves");
    assert!(!asks(&[0, 1, 2], 1), "Kubernetes' word is from before TERM, which may have come to both");
}

#[test]
fn pods_that_another_set_took_over_are_still_ours() {
    let is_ours = |told: &str, pods: &[u8]| {
        let mut server = Life::running(0, &[0, 1], 1);
        server.hear(Input::Desired(desired(2, &[0]), server.now.at));
        server.hear(Input::Desired(Desired { set_uid: "new".into(), ..desired(2, pods) }, server.now.at));
        server.hear(State { set_uid: Some(told.into()), ..serving(1, &[0, 1], 1) });
        server.procedure.facts.peers[&name(1)].wrapper(server.now.at).is_some()
    };
    assert!(is_ours("new", &[0]) && is_ours("set", &[0]), "not all hear of it at once");
    assert!(!is_ours("another", &[0]));
    assert!(is_ours("another", &[0, 1]), "Kubernetes has it there");
}

#[test]
fn volumes_that_another_set_took_over_are_still_ours() {
    let is_ours = |disk: &str| {
        let mut server = Life::running(0, &[0, 1], 1);
        server.hear(Input::Desired(desired(2, &[0]), server.now.at));
        let owner = Owner { set_uid: Some(disk.into()), ..marker(&[0, 1]).owner };
        server.hear(State { set_uid: Some("new".into()), owner: Some(owner), disk: Disk::State, ..empty(1) });
        server.procedure.facts.peers[&name(1)].wrapper(server.now.at).is_some()
    };
    assert!(is_ours("set"), "nobody has told this server of the new set yet");
    assert!(!is_ours("another"));

    // The own volume is of the set that the other one still knows.
    let mut moved = Life::new(0, 2, |me| {
        let mut marker = marker(&[0, 1]);
        marker.owner.set_uid = Some("old".into());
        (me.disk, me.marker) = (Disk::State, Some(marker));
    });
    moved.hear(Input::Desired(desired(2, &[0]), moved.now.at));
    moved.hear(State { set_uid: Some("old".into()), ..serving(1, &[0, 1], 1) });
    assert!(moved.procedure.facts.peers[&name(1)].wrapper(moved.now.at).is_some());
}

#[test]
fn an_empty_disk_waits_for_whoever_gossip_shows_and_has_not_said_what_it_holds() {
    let shows = |seen: &[u8]| State { members: members(seen), ..serving(1, &[0, 1], 1) };
    let mut server = Life::new(0, 3, |_| {});
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks: Ok(vec![]) });
    server.hear(shows(&[1, 2]));
    assert_eq!(deeds(server.say_raft(&[0, 1])), []);
    assert_eq!(deeds(server.hear(shows(&[1]))), [Action::RemovePeer { at: at(1), id: name(0) }]);

    let mut unclear = Life::new(0, 3, |_| {});
    unclear.hear(Input::Desired(desired(2, &[0, 1]), unclear.now.at));
    unclear.hear(Input::Looked { pod: name(2), asked: unclear.now.at, looks: Ok(vec![]) });
    unclear.hear(shows(&[1, 2]));
    assert!(started(&unclear.say_raft(&[])).is_some(), "no configuration of a leader");
}

#[test]
fn who_is_missed_and_needed_by_raft_waits_longer_than_others_that_join() {
    let restarts = |servers: &[u8], leads: &dyn Fn(u32) -> Option<u8>| {
        let mut server = Life::running(0, servers, 1);
        (0..120).find(|second| {
            for other in &servers[1..] {
                server.hear(State { members: members(&servers[1..]), ..serving(*other, servers, 1) });
            }
            let mut wanted = server.own(servers, leads(*second));
            wanted.extend(server.say_raft_if_asked(servers));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        })
    };
    let after = |found: Option<u32>| found.expect("a restart");
    assert!((14..=18).contains(&after(restarts(&[0, 1, 2], &|_| None))));
    assert!(after(restarts(&[0, 1], &|_| Some(1))) >= 79, "raft has no majority without it");
    let met = after(restarts(&[0, 1, 2], &|second| (second >= 14).then_some(1)));
    assert!((28..=33).contains(&met), "its dkron has just met the leader: {met}");
}

#[test]
fn a_leader_whom_gossip_has_lost_does_not_restart_while_somebody_is_just_starting() {
    // a-1 does not see a-0, which leads it all the same; a-2 has been waiting for a leader.
    let all = [0, 1, 2];
    let restarts = |phase: &dyn Fn(u32) -> Phase| {
        let mut server = Life::running(0, &all, 0);
        let after = (0..120).find(|second| {
            let mut wanted = server.hear(State { members: members(&[1]), ..leaderless(1, &all) });
            wanted.extend(server.hear(State { phase: phase(*second), ..empty(2) }));
            wanted.extend(server.own(&[0, 1], Some(0)));
            wanted.extend(server.say_raft_if_asked(&all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        });
        after.expect("a restart")
    };
    let waits = restarts(&|_| Phase::Waiting);
    assert!((84..89).contains(&waits), "{waits}");
    let starts = restarts(&|second| if second < 82 { Phase::Waiting } else { Phase::Starting });
    assert!((89..94).contains(&starts), "a-2 joins both within seconds: {starts}");
}

#[test]
fn how_long_it_was_not_seen_does_not_count_against_one_who_has_just_come_back_elsewhere() {
    let all = [0, 1, 2];
    let mut server = Life::running(2, &all, 2);
    let mut restarts = |first: &State, leads: Option<u8>| {
        (0..40).find(|_| {
            let mut wanted = server.own(&all, leads);
            wanted.extend(server.hear(first.clone()));
            wanted.extend(server.say_raft_if_asked(&all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        })
    };
    let unaware = State { members: members(&[0]), ..leaderless(0, &all) };
    assert_eq!(restarts(&unaware, Some(2)), None, "raft has its majority by this server");
    // a-0 is back and sees a-2, which no longer leads and shows it where it was.
    let elsewhere = Member::new(name(0), ip(7), Status::Alive);
    let members = members(&[2]).into_iter().chain([elsewhere]).collect();
    let back = State { ip: Some(ip(7)), members, ..leaderless(0, &all) };
    let after = restarts(&back, None).expect("a restart");
    assert!((14..=20).contains(&after), "gossip has time to find it: {after}");
}

#[test]
fn who_has_just_found_a_majority_may_be_elected_before_it_restarts() {
    // a-0 does not see a-1, which finds others only after a while.
    let restarts = |all: &[u8], finds: &dyn Fn(u32) -> Vec<u8>| {
        let mut server = Life::running(1, all, 1);
        let after = (0..320).find(|second| {
            let mut wanted = server.hear(State { members: members(&[0]), ..leaderless(0, all) });
            for other in &all[2..] {
                wanted.extend(server.hear(State { members: members(&[1, *other]), ..leaderless(*other, all) }));
            }
            let found = finds(*second);
            let status = |o: &u8| if *o == 1 || found.contains(o) { Status::Alive } else { Status::Failed };
            let members = all[1..].iter().map(|o| Member::new(name(*o), ip(*o), status(o))).collect();
            let view = DkronView { leader: None, leads: false, members };
            wanted.extend(server.hear(Input::Own(Some(view))));
            wanted.extend(server.say_raft_if_asked(all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        });
        after.expect("a restart")
    };
    let three = |finds: &dyn Fn(u32) -> Vec<u8>| restarts(&[0, 1, 2], finds);
    let turn = three(&|_| vec![]);
    assert!((19..23).contains(&turn), "after a-2, which is the higher one: {turn}");
    assert_eq!(three(&|_| vec![2]), turn, "that has not helped so far");
    let found = three(&|second| if second >= 18 { vec![2] } else { vec![] });
    assert!(found > turn && found < 25, "{found}");

    // Of five two others are needed, and the later one counts.
    let five = |finds: &dyn Fn(u32) -> Vec<u8>| restarts(&[0, 1, 2, 3, 4], finds);
    let turn = five(&|_| vec![]);
    let one = five(&|second| if second + 3 >= turn { vec![3] } else { vec![] });
    assert_eq!(one, turn, "that is no majority");
    let two = five(&|second| if second + 3 >= turn { vec![2, 3] } else { vec![3] });
    assert!(two > turn + 1, "{two}, {turn}");
    let earlier = five(&|second| if second + 3 >= turn { vec![2, 3, 4] } else { vec![2, 3] });
    assert_eq!(earlier, turn, "a majority was there before");
    let flaps = five(&|second| if second / 3 % 2 == 0 { vec![2, 3] } else { vec![3, 4] });
    assert!((239..246).contains(&flaps), "not for ever: {flaps}");
}

#[test]
fn of_those_who_are_missed_whom_raft_does_without_restarts_first() {
    // a-0 follows a-4; a-2 and a-3 are gossip of their own, and a-4 finds each only where raft's configuration has it.
    let restarts = |own: u8, third: IpAddr| {
        let all = [0, 1, 2, 3, 4];
        let place = |ordinal: u8| if ordinal == 2 { third } else { ip(ordinal) };
        let pool = || [2, 3].map(|ordinal| Member::new(name(ordinal), place(ordinal), Status::Alive)).to_vec();
        let mut server = Life::running(own, &all, 4);
        server.procedure.facts.me.ip = Some(place(own));
        // What a-1 said is old.
        server.passes(5_000);
        let after = (0..120).find(|_| {
            for led in [0, 4] {
                server.hear(State { members: members(&[0, 4]), ..serving(led, &all, 4) });
            }
            let other = 5 - own;
            server.hear(State { ip: Some(place(other)), members: pool(), ..leaderless(other, &all) });
            let view = DkronView { leader: None, leads: false, members: pool() };
            let mut wanted = server.hear(Input::Own(Some(view)));
            wanted.extend(server.say_raft_if_asked(&all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        });
        after.expect("a restart")
    };
    let moved = IpAddr::from([10, 0, 1, 2]);
    assert!((14..=18).contains(&restarts(2, moved)), "{}", restarts(2, moved));
    assert!(restarts(3, moved) >= 84, "raft has no majority without it: {}", restarts(3, moved));
    let (second, third) = (restarts(3, ip(2)), restarts(2, ip(2)));
    assert!((79..84).contains(&second) && third >= 84, "of two of a kind the higher one: {second}, {third}");
}

#[test]
fn the_configuration_is_read_again_when_somebody_has_come() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    server.wait(Duration::from_secs(11));
    server.say_raft(&[0, 1, 2]);
    server.wait(Duration::from_secs(11));
    server.say_raft(&[0, 1, 2]);
    assert!(!server.wait(Duration::from_secs(4)).contains(&Action::ListRaft(at(1))));
    let wanted = server.own(&[0, 1, 2, 3], Some(1));
    assert!(wanted.contains(&Action::ListRaft(at(1))), "the leader takes it up within seconds: {wanted:?}");
}

#[test]
fn a_configuration_that_was_read_before_long_jobs_removes_nobody() {
    for seconds in [4, 20] {
        let mut server = Life::running(0, &[0, 1], 1);
        settle(&mut server, &[serving(1, &[0, 1], 1)], &[0, 1]);
        for _ in 0..seconds {
            server.hear(Input::Busy(Ok(1)));
            server.hear(serving(1, &[0, 1], 1));
            server.wait(Duration::from_secs(1));
        }
        server.hear(serving(1, &[0, 1], 1));
        let mut wanted = deeds(server.hear(Input::Busy(Ok(0))));
        wanted.extend(deeds(server.wait(Duration::from_millis(200))));
        assert_eq!(wanted, [Action::ListRaft(at(1))], "after {seconds} s");
        assert!(deeds(server.say_raft(&[0, 1])).contains(&Action::RemovePeer { at: at(1), id: name(0) }));
    }
}

#[test]
fn version_3_that_runs_goes_by_its_own_configuration() {
    let mut server = Life::new(0, 4, |me| {
        (me.disk, me.marker, me.generation) = (Disk::State, Some(marker(&[0, 1])), Generation::Three);
    });
    server.hear(Input::Desired(desired(2, &[0, 1]), server.now.at));
    for gone in [2, 3] {
        server.hear(Input::Looked { pod: name(gone), asked: server.now.at, looks: Ok(vec![]) });
    }
    let moved = State {
        ip: Some([10, 0, 1, 1].into()),
        up: true,
        leader: None,
        leads: false,
        voter_for: None,
        ..serving(1, &[0, 1, 2, 3], 1)
    };
    server.hear(moved.clone());
    assert!(!server.procedure.state(server.now).stranded, "two of four are gone for good");
    assert!(server.launch().is_some());
    server.hear(Input::Started);
    server.own(&[0, 1], None);
    server.say_raft(&[0, 1]);
    server.hear(moved);
    assert!(server.procedure.state(server.now).stranded, "raft of its own looks for two, and one has moved");
}

#[test]
fn who_is_not_understood_may_lead() {
    let ready = |protocol: u32| {
        let mut server = Life::new(1, 3, |_| {});
        server.hear(Input::Desired(Desired { ordered_ready: true, ..desired(3, &[0, 1]) }, server.now.at));
        server.hear(State { protocol, phase: Phase::Serving, disk: Disk::Unknown, ..empty(0) });
        server.procedure.health(server.now).ready.is_ok()
    };
    assert!(ready(PROTOCOL));
    assert!(!ready(PROTOCOL + 1));
}

#[test]
fn who_is_not_understood_may_serve_although_it_is_surplus() {
    let stops = |protocol: u32| {
        let mut server = Life::running(0, &[0, 1], 1);
        let other = State { protocol, phase: Phase::Leaving, ..serving(1, &[0, 1], 1) };
        server.hear(other.clone());
        server.hear(Input::Stop);
        server.passes(20);
        server.hear(Input::Desired(desired(1, &[0, 1]), server.now.at));
        let mut wanted = server.hear(other);
        wanted.extend(server.say_raft(&[0, 1]));
        wanted.extend(server.wait(Duration::from_secs(2)));
        deeds(wanted).contains(&Action::AskBusy)
    };
    assert!(stops(PROTOCOL), "it goes too: nobody remains");
    assert!(!stops(PROTOCOL + 1));
}

#[test]
fn a_set_that_is_being_deleted_makes_no_pods_that_wait_for_this_one() {
    let ready = |set_deleting: bool| {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        let wanted = Desired { ordered_ready: true, set_deleting, ..desired(3, &[0]) };
        server.hear(Input::Desired(wanted, server.now.at));
        server.procedure.health(server.now).ready.is_ok()
    };
    assert!(ready(false));
    assert!(!ready(true));
}
