//! Servers that stop together, and those that stop while the cluster is being founded.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 3] = [0, 1, 2];

fn states_of_others(phase: Phase) -> [State; 2] {
    [1, 2].map(|ordinal| State { phase, ..serving(ordinal, &ALL, 1) })
}

/// It is back, and waits.
fn back(ordinal: u8) -> State {
    State { disk: Disk::State, formed: true, size: None, raft: Some(raft(&ALL)), ..empty(ordinal) }
}

/// One that was told to stop while it serves, and has heard where raft stands.
fn stopping() -> Life {
    let mut server = Life::running(0, &ALL, 1);
    server.hear(Input::Stop);
    server.say_raft(&ALL);
    server
}

#[test]
fn who_was_told_with_all_others_goes_although_some_are_back() {
    let mut server = stopping();
    let [one, two] = states_of_others(Phase::Holding);
    server.hear(one);
    server.hear(two.clone());
    // The first is back within the same second, at another address, and waits for its name.
    server.hear(State { ip: Some(ip(7)), ..back(1) });
    server.hear(two);
    let wanted = deeds(server.wait(Duration::from_millis(1200)));
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
    assert_eq!(deeds(server.hear(Input::Busy(Ok(0)))), [Action::Term], "without a leave");
}

#[test]
fn who_was_told_later_than_the_others_holds_for_them() {
    let mut server = Life::running(0, &ALL, 1);
    let [one, two] = states_of_others(Phase::Holding);
    server.hear(one);
    server.hear(two.clone());
    server.wait(Duration::from_secs(3));
    server.hear(Input::Stop);
    server.hear(back(1));
    server.hear(two);
    server.say_raft(&ALL);
    let wanted = deeds(server.wait(Duration::from_millis(1500)));
    assert!(!wanted.contains(&Action::AskBusy), "one is back, and needs this server: {wanted:?}");
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
}

#[test]
fn who_was_stopping_when_it_was_first_heard_was_not_told_with_this_server() {
    let goes = |second: Phase, away: Duration| {
        let mut server = Life::with_state(0, &ALL);
        let [one, two] = states_of_others(Phase::Holding);
        server.hear(serving(1, &ALL, 1));
        server.hear(State { phase: second, ..serving(2, &ALL, 1) });
        assert!(server.launch().is_some(), "{}", server.waits_for());
        server.hear(Input::Started);
        server.own(&ALL, Some(1));
        server.say_raft(&ALL);
        server.wait(away);
        server.hear(two);
        server.hear(Input::Stop);
        server.hear(one);
        server.hear(back(2));
        server.say_raft_if_asked(&ALL);
        deeds(server.wait(Duration::from_millis(1200))).contains(&Action::AskBusy)
    };
    let moment = Duration::from_millis(500);
    assert!(goes(Phase::Serving, moment), "all were told within half a second");
    assert!(!goes(Phase::Holding, moment), "it may have been told long ago, and needs this server");
    assert!(!goes(Phase::Serving, Duration::from_secs(9)), "so may one that was not heard for a while");
}

#[test]
fn kubernetes_tells_of_those_who_went_without_a_word() {
    let mut server = Life::running(0, &ALL, 1);
    server.hear(Input::Desired(desired(3, &ALL), server.now.at));
    server.hear(Input::Stop);
    server.say_raft(&ALL);
    let deleting = |mut all: Desired| {
        all.pods.iter_mut().for_each(|pod| pod.deleting = true);
        all
    };
    server.hear(Input::Desired(deleting(desired(3, &ALL)), server.now.at));
    // Both are back before this server has heard anything of them.
    server.hear(Input::Desired(desired(3, &[0]), server.now.at));
    for ordinal in [1, 2] {
        server.hear(back(ordinal));
    }
    let wanted = deeds(server.wait(Duration::from_millis(1200)));
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
}

/// One that was started to found the cluster, with a dkron that serves and has no raft configuration.
fn founding() -> Life {
    let mut server = Life::new(0, 3, |_| {});
    server.hear(empty(1));
    server.hear(empty(2));
    for ordinal in [3, 4] {
        server.finds_no_name_of(ordinal);
    }
    assert_eq!(server.launch().expect("a start").expect, Some(3));
    server.hear(Input::Started);
    server.own(&[0], None);
    server.say_raft(&[]);
    server
}

#[test]
fn who_was_founding_looks_once_more_before_it_goes() {
    let mut server = founding();
    server.hear(Input::Stop);
    server.say_raft(&[]);
    server.hear(empty(1));
    server.hear(empty(2));
    let mut wanted = deeds(server.wait(Duration::from_millis(1500)));
    wanted.extend(deeds(server.say_raft_if_asked(&[])));
    assert_eq!(wanted.last(), Some(&Action::Leave), "by a configuration that was read just now: {wanted:?}");
    server.hear(Input::Left(Ok(())));
    let launch = started(&server.hear(Input::Ended(0))).expect("once more");
    assert_eq!(launch.expect, None, "only to look");
    let state = server.procedure.state(server.now);
    assert_eq!((state.disk, state.raft), (Disk::Unknown, None), "it may have founded the cluster until it has ended");
    server.hear(Input::Started);
    server.own(&[0], None);
    server.say_raft(&[]);
    let state = server.procedure.state(server.now);
    assert_eq!((state.disk, state.raft), (Disk::Empty, Some(vec![])), "the others hear that there is nothing");
    assert!(!state.expecting);
    let mut wanted = Vec::new();
    for _ in 0..10 {
        wanted.extend(deeds(server.wait(Duration::from_millis(250))));
        wanted.extend(deeds(server.say_raft_if_asked(&[])));
    }
    assert!(wanted.contains(&Action::Term), "{wanted:?}");
    assert_eq!(deeds(server.hear(Input::Ended(0))).last(), Some(&Action::Exit(0)));
}

#[test]
fn who_has_founded_in_the_last_moment_holds() {
    let mut server = founding();
    server.hear(Input::Stop);
    server.say_raft(&ALL);
    server.hear(empty(1));
    server.hear(empty(2));
    let wanted = deeds(server.wait(Duration::from_millis(1500)));
    assert!(!wanted.contains(&Action::Leave), "{wanted:?}");
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
}
