//! One whom gossip has lost, and without whom raft would have no majority.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// The second in which it is restarted. a-1 and a-2 do not see it.
fn restarts(each: impl Fn(&mut Life, u32) -> Vec<Action>) -> u32 {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let found = (0..250).find(|second| {
        let mut wanted = each(&mut server, *second);
        wanted.extend(server.wait(Duration::from_secs(1)));
        wanted.contains(&Action::Term)
    });
    found.expect("a restart")
}

fn follower(ordinal: u8, servers: &[u8]) -> State {
    State { members: members(&[1, 2]), ..serving(ordinal, servers, 1) }
}

#[test]
fn whom_raft_needs_is_judged_by_what_the_leader_has() {
    let waits = |of_leader: &[u8]| {
        restarts(|server, _| {
            server.hear(follower(1, of_leader));
            server.hear(follower(2, of_leader));
            // Its own raft has what was before.
            let mut wanted = server.own(&[0], None);
            wanted.extend(server.say_raft_if_asked(&[0, 1, 2]));
            wanted
        })
    };
    assert!((14..=18).contains(&waits(&[0, 1, 2])), "{}", waits(&[0, 1, 2]));
    assert!((79..=86).contains(&waits(&[0, 1, 2, 3])), "two of four: {}", waits(&[0, 1, 2, 3]));
    assert!((14..=18).contains(&waits(&[1, 2, 3, 4])), "it is none of them: {}", waits(&[1, 2, 3, 4]));
}

#[test]
fn whom_raft_needs_waits_for_one_that_has_just_come_although_nobody_sees_it() {
    let waits = |comes: u32| {
        restarts(|server, second| {
            server.hear(follower(1, &[0, 1]));
            if second == 0 || second >= comes {
                server.hear(follower(2, &[0, 1]));
            }
            let mut wanted = server.own(&[0, 1], Some(1));
            wanted.extend(server.say_raft_if_asked(&[0, 1]));
            wanted
        })
    };
    let (never, late) = (waits(250), waits(60));
    assert!((79..=86).contains(&never), "{never}");
    assert!((139..=146).contains(&late), "it may make one pool of two: {late}");
}

#[test]
fn a_leader_whose_gossip_is_frozen_does_not_wait_for_those_who_come() {
    let waits = |shown: &[u8]| {
        restarts(|server, second| {
            let unled = |ordinal| State { members: members(&[1, 2]), ..leaderless(ordinal, &[0, 1]) };
            server.hear(unled(1));
            if second == 0 || second >= 60 {
                server.hear(unled(2));
            }
            let mut wanted = server.own(shown, Some(0));
            wanted.extend(server.say_raft_if_asked(&[0, 1]));
            wanted
        })
    };
    let (frozen, apart) = (waits(&[0, 1]), waits(&[0]));
    assert!((84..=96).contains(&frozen), "whoever comes it does not take up: {frozen}");
    assert!(apart >= 139, "it may make one pool of two: {apart}");
}
