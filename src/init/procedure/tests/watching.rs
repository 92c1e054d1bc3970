//! What is done about a dkron that does not mend itself.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// A server that was started to found a cluster of three; nothing has happened since.
fn founding(ordinal: u8) -> Life {
    let mut server = Life::new(ordinal, 3, |_| {});
    for beyond in [3, 4] {
        server.finds_no_name_of(beyond);
    }
    let up = |other| State { up: other < ordinal, phase: Phase::Serving, ..empty(other) };
    let mut launch = None;
    for other in (0..3).filter(|other| *other != ordinal) {
        launch = launch.or(started(&server.hear(up(other))));
    }
    assert_eq!(launch.expect("it starts").expect, Some(3));
    server.hear(Input::Started);
    server
}

fn stalled(ordinal: u8) -> State {
    State { raft: Some(vec![]), ..founds(ordinal) }
}

/// Everybody repeats itself for that time.
fn repeat(server: &mut Life, seconds: u32, each: impl Fn(&mut Life) -> Vec<Action>) -> Vec<Action> {
    let mut wanted = Vec::new();
    for _ in 0..seconds {
        wanted.extend(each(server));
        wanted.extend(server.wait(Duration::from_secs(1)));
    }
    wanted
}

fn stall(server: &mut Life, others: [u8; 2]) -> Vec<Action> {
    let mut wanted = server.own(&[0, 1, 2], None);
    wanted.extend(server.say_raft_if_asked(&[]));
    for other in others {
        wanted.extend(server.hear(stalled(other)));
    }
    wanted
}

#[test]
fn the_highest_restarts_its_dkron_when_a_bootstrap_has_stalled() {
    let mut highest = founding(2);
    let wanted = repeat(&mut highest, 4, |server| stall(server, [0, 1]));
    assert!(!wanted.contains(&Action::Term), "an election may be under way");
    let wanted = repeat(&mut highest, 4, |server| stall(server, [0, 1]));
    assert!(wanted.contains(&Action::Term));
    let again = highest.hear(Input::Ended(0));
    let again = started(&again).or_else(|| highest.launch()).expect("a start");
    assert_eq!(again.expect, Some(3));

    let mut other = founding(0);
    let wanted = repeat(&mut other, 12, |server| stall(server, [1, 2]));
    assert!(!wanted.contains(&Action::Term), "one restart is enough");
}

#[test]
fn a_cluster_that_was_founded_since_the_last_look_has_not_stalled() {
    let ends = |configuration: &[u8]| {
        let mut highest = founding(2);
        let asks = |server: &mut Life| {
            stall(server, [0, 1]);
            server.wait(Duration::from_millis(500)).contains(&Action::Look)
        };
        assert!((0..20).any(|_| asks(&mut highest)), "it never asks");
        highest.passes(20);
        let mut wanted = highest.own(&[0, 1, 2], None);
        wanted.extend(highest.hear(stalled(0)));
        wanted.extend(highest.hear(stalled(1)));
        assert_eq!(deeds(wanted), [], "what raft has is not known yet");
        wanted = highest.say_raft(configuration);
        wanted.extend(highest.wait(Duration::from_secs(2)));
        wanted.contains(&Action::Term)
    };
    assert!(ends(&[]));
    assert!(!ends(&[0, 1, 2]));
}

#[test]
fn a_leader_is_told_marked_and_makes_a_voter() {
    let mut server = founding(0);
    server.own(&[0, 1, 2], Some(1));
    assert_eq!(server.procedure.state(server.now).voter_for, None);
    let wanted = server.say_raft(&[0, 1, 2]);
    assert!(wanted.contains(&Action::Mark(marker(&[0, 1, 2]))), "{wanted:?}");
    let state = server.procedure.state(server.now);
    assert_eq!((state.voter_for, state.disk, state.formed, state.size), (Some(0), Disk::State, true, None));
    assert!(server.procedure.health(server.now).ready.is_ok());
}

#[test]
fn a_server_that_is_not_in_the_configuration_is_not_ready() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    assert!(server.procedure.health(server.now).ready.is_ok());
    server.wait(Duration::from_secs(11));
    server.say_raft(&[1, 2]);
    let ready = server.procedure.health(server.now).ready;
    assert!(ready.as_ref().is_err_and(|why| why.contains("not in its raft configuration")), "{ready:?}");
}

#[test]
fn ready_without_a_leader_only_where_none_was_ever_known_or_pods_come_one_by_one() {
    let mut fresh = founding(0);
    fresh.own(&[0, 1, 2], None);
    assert!(fresh.procedure.health(fresh.now).ready.is_ok());
    fresh.hear(State { formed: true, ..stalled(1) });
    assert!(fresh.procedure.health(fresh.now).ready.is_err());

    let mut ordered = Life::with_state(0, &[0, 1, 2]);
    assert!(ordered.procedure.health(ordered.now).ready.is_err(), "unreachable peers alone are no reason");
    let wanted = Desired { ordered_ready: true, ..desired(3, &[0]) };
    ordered.hear(Input::Desired(wanted.clone(), ordered.now.at));
    assert!(ordered.procedure.health(ordered.now).ready.is_ok());
    let all = Desired { pods: desired(3, &[0, 1, 2]).pods, ..wanted };
    ordered.hear(Input::Desired(all, ordered.now.at));
    assert!(ordered.procedure.health(ordered.now).ready.is_err(), "all exist");
}

#[test]
fn dkron_is_started_again_in_place_and_given_up_after_five_deaths_in_a_minute() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let mut pauses = Vec::new();
    for death in 1..=5 {
        server.hear(serving(1, &[0, 1, 2], 1));
        let mut wanted = server.hear(Input::Ended(1));
        assert!(wanted.contains(&Action::EndPlugins));
        let mut pause = Duration::ZERO;
        while started(&wanted).is_none() && !wanted.contains(&Action::Exit(1)) {
            pause += Duration::from_millis(100);
            server.hear(serving(1, &[0, 1, 2], 1));
            wanted.extend(server.wait(Duration::from_millis(100)));
            assert!(pause < Duration::from_secs(20), "death {death}: neither started nor given up");
        }
        assert_eq!(wanted.contains(&Action::Exit(1)), death == 5);
        pauses.push(pause);
        server.hear(Input::Started);
    }
    assert_eq!(pauses[0], Duration::ZERO);
    assert!(pauses.windows(2).take(3).all(|two| two[0] < two[1]), "{pauses:?}");
}

#[test]
fn a_zombie_is_restarted_after_fifteen_seconds_and_then_once_in_75() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let missing = |other| State { members: members(&[1, 2]), ..serving(other, &[0, 1, 2], 1) };
    let mut terms = Vec::new();
    for second in 0..170 {
        let mut wanted = server.hear(missing(1));
        wanted.extend(server.hear(missing(2)));
        wanted.extend(server.own(&[0, 1, 2], None));
        wanted.extend(server.wait(Duration::from_secs(1)));
        if wanted.contains(&Action::Term) {
            terms.push(second);
            server.hear(Input::Ended(143));
            server.hear(missing(1));
            server.wait(Duration::from_secs(1));
            server.launch().expect("a new start");
            server.hear(Input::Started);
        }
    }
    assert!((14..=20).contains(&terms[0]), "{terms:?}");
    assert!(terms[1] - terms[0] >= 74 && terms[1] - terms[0] <= 80, "{terms:?}");
}

#[test]
fn the_leader_removes_what_is_not_wanted_and_gone() {
    let surplus = |pods: &[u8], age, alive: &[u8]| {
        let mut server = Life::running(0, &[0, 1, 2, 3], 0);
        server.hear(Input::Desired(desired(3, pods), Moment(server.now.at.0 - age)));
        server.own(alive, Some(0));
        let mut wanted = deeds(server.wait(Duration::from_secs(6)));
        assert!(!wanted.iter().any(|deed| matches!(deed, Action::RemovePeer { .. })), "by a newer word alone");
        server.hear(Input::Desired(desired(3, pods), Moment(server.now.at.0 - age)));
        wanted.extend(deeds(server.wait(Duration::from_secs(4))));
        wanted
    };
    let removal = Action::RemovePeer { at: at(0), id: name(3) };
    assert!(surplus(&[0, 1, 2], 0, &[0, 1, 2]).contains(&removal));
    assert!(!surplus(&[0, 1, 2, 3], 0, &[0, 1, 2]).contains(&removal), "its pod is still there");
    assert!(!surplus(&[0, 1, 2], 31_000, &[0, 1, 2]).contains(&removal), "that was written too long ago");
    assert!(!surplus(&[0, 1, 2], 0, &[0, 1, 2, 3]).contains(&removal), "dkron would take it up again");
}

#[test]
fn nothing_is_removed_that_has_another_name() {
    let mut server = Life::running(0, &[0, 1, 2], 0);
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    let mut servers = raft(&[0, 1, 2]);
    servers.push(Server { id: "b-7".into(), address: "10.0.0.9:6868".into(), voter: true });
    server.wait(Duration::from_secs(11));
    server.own(&[0, 1, 2], Some(0));
    let at = server.procedure.reading.expect("it was asked").0;
    let wanted = server.hear(Input::Raft(at, Ok(servers.into())));
    let more = server.wait(Duration::from_secs(5));
    assert!(!wanted.iter().chain(&more).any(|action| matches!(action, Action::RemovePeer { .. })));
}

#[test]
fn two_that_show_each_other_where_they_were_do_not_wait_for_ever() {
    let all = [0, 1, 2];
    let mut server = Life::running(2, &all, 0);
    // Both have lost their names, and serf of neither learns anything more.
    let shown = Member::new(name(2), ip(9), Status::Alive);
    let other = State { ip: Some(ip(7)), members: vec![shown], ..leaderless(1, &all) };
    let restarts = (0..200).find(|_| {
        server.finds_no_name_of(0);
        let mut wanted = server.hear(other.clone());
        wanted.extend(server.own(&[1, 2], None));
        wanted.extend(server.say_raft_if_asked(&all));
        wanted.extend(server.wait(Duration::from_secs(1)));
        wanted.contains(&Action::Term)
    });
    assert!(restarts.is_some_and(|second| (99..=104).contains(&second)), "no name is taken so long: {restarts:?}");
}

#[test]
fn whoever_has_just_come_may_make_one_pool_of_two() {
    // a-4 and a-6 are gossip of their own, beside those that a-0 leads; a-5 has been away.
    let all = [0, 1, 2, 3, 4, 5, 6];
    let restarts = |comes: u32| {
        let mut server = Life::running(6, &all, 0);
        (0..60).find(|second| {
            for led in 0..4 {
                server.hear(State { members: members(&[0, 1, 2, 3]), ..serving(led, &all, 0) });
            }
            server.hear(State { members: members(&[4, 6]), ..leaderless(4, &all) });
            if *second >= comes {
                server.hear(State { members: members(&[5]), ..serving(5, &all, 0) });
            }
            let mut wanted = server.own(&[4, 6], None);
            wanted.extend(server.say_raft_if_asked(&all));
            wanted.extend(server.wait(Duration::from_secs(1)));
            wanted.contains(&Action::Term)
        })
    };
    let after = |comes| restarts(comes).expect("a restart");
    assert!((18..=22).contains(&after(100)), "{}", after(100));
    assert!((24..=28).contains(&after(10)), "{}", after(10));
}

#[test]
fn raft_is_read_anew_a_second_after_somebody_became_a_voter() {
    let reads = |became: bool| {
        let mut server = Life::running(0, &[0, 1, 2], 0);
        let reads = |server: &mut Life, told: &State| {
            server.hear(told.clone());
            server.passes(50);
            server.procedure.step(server.now, Input::Tick).iter().any(|action| matches!(action, Action::ListRaft(_)))
        };
        let known = serving(1, &[0, 1], 0);
        (0..400).find(|_| reads(&mut server, &known)).expect("it reads when it has settled");
        server.say_raft(&[0, 1]);
        server.passes(900);
        let new = State { voter_for: Some(100), ..serving(2, &[0, 1, 2], 0) };
        (0..400).find(|_| reads(&mut server, if became { &new } else { &known })).expect("it reads again")
    };
    assert!(reads(true) <= 3, "the marker is what a dkron that moved goes by");
    assert!(reads(false) > 40);
}
