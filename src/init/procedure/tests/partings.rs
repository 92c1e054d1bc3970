//! What is asked of the leader, and read, in the last moments of a server.

use std::time::Duration;

use super::super::*;
use super::cast::*;

const ALL: [u8; 3] = [0, 1, 2];

fn removal() -> Action {
    Action::RemovePeer { at: at(1), id: name(0) }
}

/// Nobody finds a-1, and Kubernetes has no pod of it.
fn is_gone(server: &mut Life) -> Vec<Action> {
    let mut wanted = server.hear(Input::Desired(desired(2, &[0]), server.now.at));
    wanted.extend(server.finds_no_name_of(1));
    wanted
}

#[test]
fn a_removal_is_repeated_unless_somebody_else_may_be_there() {
    let mut server = Life::leaving();
    assert_eq!(deeds(server.wait(Duration::from_millis(200))), [removal()], "it may have been taken up again");
    server.hear(Input::Removed(name(0), Ok(())));
    assert_eq!(deeds(server.wait(Duration::from_millis(200))), [removal()]);

    let mut silent = Life::leaving();
    silent.finds_no_name_of(1);
    assert_eq!(
        deeds(silent.wait(Duration::from_millis(200))),
        [removal()],
        "nobody vouches for it, and it is nobody else's"
    );

    let mut gone = Life::leaving();
    is_gone(&mut gone);
    assert_eq!(deeds(gone.wait(Duration::from_millis(500))), [], "somebody else may be there by now");
}

#[test]
fn whether_it_is_taken_up_again_is_asked_unless_somebody_else_may_be_there() {
    let mut server = Life::leaving();
    assert_eq!(deeds(server.hear(Input::Left(Ok(())))), [Action::ListRaft(at(1))]);
    server.hear(Input::Raft(at(1), Err("no answer".into())));
    assert_eq!(deeds(is_gone(&mut server)), [Action::Term], "not there any more");

    let mut gone = Life::leaving();
    is_gone(&mut gone);
    assert_eq!(deeds(gone.hear(Input::Left(Ok(())))), [Action::Term]);
}

/// The grace period has ended a hold.
fn held_out() -> (Life, Vec<Action>) {
    let mut server = Life::running(0, &ALL, 1);
    server.wait(Duration::from_secs(5));
    server.hear(Input::Stop);
    for _ in 0..600 {
        let mut wanted = server.hear(serving(1, &ALL, 1));
        wanted.extend(server.own(&ALL, Some(1)));
        if wanted.contains(&Action::Say(Saying::HoldOver)) {
            return (server, wanted);
        }
        server.say_raft_if_asked(&ALL);
        server.passes(500);
    }
    panic!("it holds for ever");
}

#[test]
fn a_seat_that_is_kept_is_read_once_more_so_that_the_marker_tells_of_all() {
    let (mut server, wanted) = held_out();
    assert!(!wanted.contains(&Action::Term), "{wanted:?}");
    assert!(wanted.contains(&Action::ListRaft(at(1))), "{wanted:?}");
    let wanted = deeds(server.say_raft(&[0, 1, 2, 3]));
    assert_eq!(wanted, [Action::Mark(marker(&[0, 1, 2, 3])), Action::Term]);

    let (mut unanswered, _) = held_out();
    assert!(!unanswered.wait(Duration::from_millis(900)).contains(&Action::Term));
    assert!(unanswered.wait(Duration::from_millis(150)).contains(&Action::Term), "it does not wait for long");
}

/// Its dkron serves, its raft has nothing, and a-1 leads without having taken it up: it goes to be taken out all the same.
fn with_nothing() -> (Life, Vec<Action>) {
    let mut server = Life::new(0, 3, |_| {});
    for other in [1, 2] {
        server.hear(State { members: members(&[1, 2]), ..serving(other, &[1, 2], 1) });
    }
    assert!(started(&server.say_raft(&[1, 2])).is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    server.own(&ALL, None);
    server.say_raft(&[]);
    let mut wanted = server.hear(Input::Stop);
    server.passes(20);
    for other in [1, 2] {
        wanted.extend(server.hear(serving(other, &[1, 2], 1)));
    }
    wanted.extend(server.say_raft_if_asked(&[]));
    (server, wanted)
}

#[test]
fn who_has_become_a_voter_asks_who_else_goes() {
    let (mut server, wanted) = with_nothing();
    assert!(wanted.contains(&removal()), "{wanted:?}");
    server.passes(50);
    server.own(&ALL, Some(1));
    let wanted = deeds(server.wait(Duration::from_millis(350)));
    assert_eq!(wanted, [Action::ListRaft(at(1))], "it has just met the leader");
    let wanted = deeds(server.say_raft(&ALL));
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding, "its vote may be needed: {wanted:?}");
    // Nobody else goes.
    server.hear(Input::Removed(name(0), Err("not now".into())));
    let mut wanted = Vec::new();
    for _ in 0..20 {
        for other in [1, 2] {
            wanted.extend(server.hear(serving(other, &ALL, 1)));
        }
        wanted.extend(server.own(&ALL, Some(1)));
        wanted.extend(server.say_raft_if_asked(&ALL));
        wanted.extend(server.wait(Duration::from_millis(100)));
        if wanted.last() == Some(&Action::AskBusy) {
            wanted.extend(server.hear(Input::Busy(Ok(0))));
        }
    }
    assert!(wanted.contains(&Action::Leave), "once: {wanted:?}");
}

#[test]
fn whom_nobody_has_taken_up_leaves() {
    let (mut server, _) = with_nothing();
    assert!(server.hear(Input::Removed(name(0), Ok(()))).contains(&Action::Leave));
}

#[test]
fn raft_is_read_once_more_where_somebody_has_just_become_a_voter() {
    let leaves = |told: State, voter_for: u64| {
        let told = State { voter_for: Some(voter_for), ..told };
        let mut server = Life::running(0, &ALL, 1);
        server.hear(Input::Desired(desired(4, &[0, 1, 2, 3]), server.now.at));
        server.wait(Duration::from_secs(5));
        let mut wanted = server.hear(Input::Stop);
        server.passes(20);
        server.hear(Input::Desired(desired(4, &[0, 1, 2, 3]), server.now.at));
        let mut answered = false;
        for _ in 0..30 {
            server.passes(20);
            for state in [serving(1, &ALL, 1), serving(2, &ALL, 1), told.clone()] {
                wanted.extend(server.hear(state));
            }
            wanted.extend(server.own(&ALL, Some(1)));
            if !answered && server.procedure.reading.is_some() {
                answered = true;
                wanted.extend(server.say_raft(&ALL));
            }
            if wanted.contains(&Action::AskBusy) {
                wanted.extend(server.hear(Input::Busy(Ok(0))));
            }
        }
        assert!(answered && wanted.contains(&Action::AskBusy), "{wanted:?}");
        (server, wanted)
    };
    let (_, wanted) = leaves(serving(3, &ALL, 1), 0);
    assert!(wanted.contains(&Action::Leave), "{wanted:?}");
    let (_, wanted) = leaves(serving(3, &[0, 1, 2, 3], 1), 60_000);
    assert!(wanted.contains(&Action::Leave), "it was one before that was read: {wanted:?}");
    let (_, wanted) = leaves(serving(3, &[0, 1, 2, 3], 2), 0);
    assert!(wanted.contains(&Action::Leave), "that is another leader's: {wanted:?}");
    let (mut server, wanted) = leaves(serving(3, &[0, 1, 2, 3], 1), 0);
    assert!(!wanted.contains(&Action::Leave), "{wanted:?}");
    assert!(server.say_raft(&[0, 1, 2, 3]).contains(&removal()), "of four it has itself taken out");
}
