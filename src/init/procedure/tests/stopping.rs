//! What is done after TERM.

use std::time::Duration;

use super::super::*;
use super::cast::*;

#[test]
fn a_follower_waits_for_its_jobs_leaves_and_ends() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let others = [serving(1, &[0, 1, 2], 1), serving(2, &[0, 1, 2], 1)];
    let wanted = settle(&mut server, &others, &[0, 1, 2]);
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
    assert_eq!(deeds(server.hear(Input::Busy(Ok(2)))), []);
    assert_eq!(deeds(server.wait(Duration::from_millis(700))), [Action::AskBusy]);
    assert_eq!(deeds(server.hear(Input::Busy(Ok(0)))), [Action::Leave]);
    assert_eq!(deeds(server.hear(Input::Left(Ok(())))), [Action::Term]);
    assert_eq!(deeds(server.hear(Input::Ended(0))), [Action::EndPlugins, Action::Exit(0)]);
}

#[test]
fn a_leader_hands_over_to_the_oldest_voter_between_two_seconds() {
    let mut server = Life::running(0, &[0, 1, 2], 0);
    let others = [serving(1, &[0, 1, 2], 0), serving(2, &[0, 1, 2], 0)];
    let wanted = settle(&mut server, &others, &[0, 1, 2]);
    assert!(!wanted.iter().any(|action| matches!(action, Action::HandOver(_))), "not at the beginning of a second");
    let mut asked = Vec::new();
    while asked.is_empty() {
        asked = deeds(server.wait(Duration::from_millis(50)));
    }
    assert!((600..=700).contains(&server.now.in_second), "{}", server.now.in_second);
    let to = at(2);
    assert_eq!(asked, [Action::HandOver(to)], "a-2 has been a voter longest");
    server.hear(Input::HandedOver(to, Ok(())));
    assert_eq!(deeds(server.own(&[0, 1, 2], Some(2))), [Action::AskBusy]);
}

#[test]
fn the_next_is_asked_when_one_does_not_take_over() {
    let mut server = Life::running(0, &[0, 1, 2], 0);
    let others = [serving(1, &[0, 1, 2], 0), serving(2, &[0, 1, 2], 0)];
    settle(&mut server, &others, &[0, 1, 2]);
    let wanted = deeds(server.wait(Duration::from_secs(4)));
    let to = |ordinal| Action::HandOver(at(ordinal));
    assert_eq!(wanted[..2], [to(2), to(1)], "{wanted:?}");
    assert!(wanted.contains(&Action::AskBusy), "2 s in all, then without");
}

#[test]
fn whoever_has_the_entry_that_the_first_lacked_is_asked_at_once() {
    let mut server = Life::running(0, &[0, 1, 2], 0);
    let others = [serving(1, &[0, 1, 2], 0), serving(2, &[0, 1, 2], 0)];
    settle(&mut server, &others, &[0, 1, 2]);
    let to = |ordinal| Action::HandOver(at(ordinal));
    let mut asked = Vec::new();
    while asked.is_empty() {
        asked = deeds(server.wait(Duration::from_millis(50)));
    }
    assert_eq!(asked, [to(2)]);
    // It was refused, and nobody leads.
    server.own(&[0, 1, 2], None);
    assert_eq!(deeds(server.wait(Duration::from_millis(150))), []);
    assert_eq!(deeds(server.wait(Duration::from_millis(100))), [to(1)]);
    assert_eq!(deeds(server.wait(Duration::from_secs(2))), [], "it does not go while its vote may be needed");
    assert_eq!(deeds(server.own(&[0, 1, 2], Some(1))), [Action::AskBusy]);
}

#[test]
fn two_servers_are_parted_by_the_leader_before_one_leaves() {
    let mut server = Life::running(0, &[0, 1], 1);
    let wanted = settle(&mut server, &[serving(1, &[0, 1], 1)], &[0, 1]);
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
    let removal = Action::RemovePeer { at: at(1), id: name(0) };
    assert_eq!(deeds(server.hear(Input::Busy(Ok(0)))), std::slice::from_ref(&removal));
    server.hear(Input::Removed(name(0), Err("no leader".into())));
    assert_eq!(deeds(server.wait(Duration::from_millis(400))), [removal], "again");
    let wanted = deeds(server.hear(Input::Removed(name(0), Ok(()))));
    let [Action::Mark(marker), Action::Leave] = &wanted[..] else { panic!("{wanted:?}") };
    assert_eq!(marker.members, raft(&[1]), "its disk says that others elect");
    let at = at(1);
    assert_eq!(deeds(server.hear(Input::Left(Ok(())))), [Action::ListRaft(at)]);
    let wanted = deeds(server.hear(Input::Raft(at, Ok(raft(&[1]).into()))));
    assert!(!wanted.contains(&Action::Term), "the leader still sees it alive, and may take it up again");
    server.hear(State { members: members(&[1]), ..serving(1, &[1], 1) });
    assert!(deeds(server.hear(Input::Raft(at, Ok(raft(&[1]).into())))).contains(&Action::Term));
}

#[test]
fn whom_the_leader_took_up_again_comes_back_to_leave_once_more() {
    let mut server = Life::leaving();
    server.hear(Input::Left(Ok(())));
    let at = at(1);
    assert_eq!(deeds(server.hear(Input::Raft(at, Ok(raft(&[0, 1]).into())))), [Action::Term]);
    let wanted = deeds(server.hear(Input::Ended(0)));
    assert_eq!(started(&wanted).expect("once more").expect, None);
    server.hear(Input::Started);
    server.own(&[0, 1], Some(1));
    server.hear(serving(1, &[0, 1], 1));
    server.say_raft(&[0, 1]);
    server.hear(Input::Busy(Ok(0)));
    server.wait(Duration::from_millis(300));
    let wanted = deeds(server.say_raft(&[0, 1]));
    assert_eq!(wanted, [Action::RemovePeer { at, id: name(0) }], "by a configuration that the new leader has settled");
    server.hear(Input::Removed(name(0), Ok(())));
    server.hear(Input::Left(Ok(())));
    server.hear(State { members: members(&[1]), ..serving(1, &[1], 1) });
    server.hear(Input::Raft(at, Ok(raft(&[1]).into())));
    assert_eq!(deeds(server.hear(Input::Ended(0))).last(), Some(&Action::Exit(0)));
}

#[test]
fn it_serves_on_while_the_others_have_no_majority_without_it() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    // a-2 is down: silent from now on.
    let alive = serving(1, &[0, 1, 2], 1);
    server.wait(Duration::from_secs(5));
    let mut wanted = settle(&mut server, std::slice::from_ref(&alive), &[0, 1, 2]);
    wanted.extend(deeds(server.wait(Duration::from_secs(1))));
    for _ in 0..60 {
        server.hear(alive.clone());
        server.own(&[0, 1, 2], Some(1));
        server.say_raft_if_asked(&[0, 1, 2]);
        wanted.extend(deeds(server.wait(Duration::from_secs(1))));
    }
    assert!(!wanted.contains(&Action::Leave) && !wanted.contains(&Action::Term), "{wanted:?}");
    assert_eq!(server.procedure.state(server.now).phase, Phase::Holding);
    assert!(server.procedure.health(server.now).ready.is_err());
    // It is back.
    let mut asked = false;
    for _ in 0..5 {
        server.hear(alive.clone());
        server.hear(serving(2, &[0, 1, 2], 1));
        asked |= deeds(server.wait(Duration::from_secs(1))).contains(&Action::AskBusy);
    }
    assert!(asked, "now it may go");
}

#[test]
fn the_grace_period_ends_every_hold() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let alive = serving(1, &[0, 1, 2], 1);
    server.wait(Duration::from_secs(5));
    server.hear(Input::Stop);
    let mut waited = 0;
    loop {
        server.hear(alive.clone());
        server.own(&[0, 1, 2], Some(1));
        server.say_raft_if_asked(&[0, 1, 2]);
        waited += 1;
        if server.wait(Duration::from_secs(1)).contains(&Action::Say(Saying::HoldOver)) {
            break;
        }
        assert!(waited < 400);
    }
    assert!((268..=272).contains(&waited), "300 s less 30 for the farewell: {waited}");
}

#[test]
fn of_two_that_stop_at_the_same_moment_the_higher_goes_first() {
    let stopping = |ordinal: u8, phase| State { phase, ..serving(ordinal, &[0, 1, 2], 1) };
    let decide = |ordinal: u8, other: u8, phase| {
        let mut server = Life::running(ordinal, &[0, 1, 2], 1);
        settle(&mut server, &[serving(1, &[0, 1, 2], 1), stopping(other, phase)], &[0, 1, 2]);
        server.procedure.state(server.now).phase
    };
    assert_eq!(decide(0, 2, Phase::Holding), Phase::Holding);
    assert_eq!(decide(2, 0, Phase::Holding), Phase::Leaving);
    assert_eq!(decide(0, 2, Phase::Going), Phase::Holding);
    assert_eq!(decide(2, 0, Phase::Going), Phase::Going, "the other has to step back first");
    assert_eq!(decide(2, 0, Phase::Leaving), Phase::Holding);
}

#[test]
fn a_set_never_votes_itself_away() {
    let others = |phase| [1, 2].map(|ordinal| State { phase, ..serving(ordinal, &[0, 1, 2], 1) });
    let mut all = Life::running(0, &[0, 1, 2], 1);
    assert_eq!(settle(&mut all, &others(Phase::Holding), &[0, 1, 2]).last(), Some(&Action::AskBusy));

    // Those that were fastest are gone already, and Kubernetes has not made them anew.
    let mut late = Life::running(0, &[0, 1, 2], 1);
    late.hear(others(Phase::Holding)[1].clone());
    late.wait(Duration::from_secs(5));
    late.hear(Input::Desired(desired(3, &[0, 1]), late.now.at));
    settle(&mut late, &others(Phase::Leaving)[..1], &[0, 1, 2]);
    late.wait(Duration::from_secs(1));
    assert_eq!(deeds(late.hear(Input::Busy(Ok(0)))), [Action::Term]);

    let mut zero = Life::running(0, &[0, 1, 2], 1);
    zero.hear(Input::Desired(desired(0, &[0, 1, 2]), zero.now.at));
    assert_eq!(settle(&mut zero, &others(Phase::Serving), &[0, 1, 2]).last(), Some(&Action::AskBusy));

    let mut alone = Life::running(0, &[0], 0);
    assert_eq!(settle(&mut alone, &[], &[0]).last(), Some(&Action::AskBusy));
    assert_eq!(deeds(alone.hear(Input::Busy(Ok(0)))), [Action::Term], "without a leave");
    assert_eq!(deeds(all.hear(Input::Busy(Ok(1)))), [Action::Term]);
    assert_eq!(deeds(all.wait(Duration::from_secs(60))), [], "jobs are waited for");
    assert_eq!(deeds(alone.wait(Duration::from_secs(6))), [Action::Kill]);

    let mut orphaned = Life::running(0, &[0, 1, 2], 1);
    let deleted = Desired { set_deleting: true, ..desired(3, &[0, 1, 2]) };
    orphaned.hear(Input::Desired(deleted, orphaned.now.at));
    let wanted = settle(&mut orphaned, &others(Phase::Serving), &[0, 1, 2]);
    assert_eq!(wanted.last(), Some(&Action::AskBusy), "{wanted:?}");
    assert_eq!(deeds(orphaned.hear(Input::Busy(Ok(0)))), [Action::Leave], "a deleted set alone proves nothing");
}

#[test]
fn who_is_surplus_is_removed_first_and_none_holds_the_others() {
    let mut server = Life::running(2, &[0, 1, 2], 0);
    server.hear(Input::Desired(desired(1, &[0, 1, 2]), server.now.at));
    let going = State { phase: Phase::Leaving, ..serving(1, &[0, 1, 2], 0) };
    let states = [serving(0, &[0, 1, 2], 0), going];
    let wanted = settle(&mut server, &states, &[0, 1, 2]);
    assert!(!wanted.contains(&Action::AskBusy), "one after the other: {wanted:?}");
    server.wait(Duration::from_secs(2));
    server.hear(states[0].clone());
    server.say_raft(&[0, 2]);
    server.wait(Duration::from_millis(300));
    server.hear(states[0].clone());
    let wanted = deeds(server.wait(Duration::from_millis(1200)));
    assert!(wanted.contains(&Action::AskBusy), "{wanted:?}");
    let removal = Action::RemovePeer { at: at(0), id: name(2) };
    assert_eq!(deeds(server.hear(Input::Busy(Ok(0)))), [removal]);
}

#[test]
fn a_dkron_that_dies_before_it_has_left_comes_back_to_leave() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let others = [serving(1, &[0, 1, 2], 1), serving(2, &[0, 1, 2], 1)];
    settle(&mut server, &others, &[0, 1, 2]);
    let wanted = deeds(server.hear(Input::Ended(1)));
    assert_eq!(wanted[0], Action::EndPlugins);
    assert_eq!(started(&wanted).expect("once more").expect, None);
    server.hear(Input::Started);
    server.own(&[0, 1, 2], Some(1));
    server.say_raft(&[0, 1, 2]);
    server.hear(Input::Busy(Ok(0)));
    server.wait(Duration::from_millis(300));
    let wanted = deeds(server.say_raft(&[0, 1, 2]));
    assert_eq!(wanted.last(), Some(&Action::Leave), "{wanted:?}");
    server.hear(Input::Left(Ok(())));
    assert_eq!(deeds(server.hear(Input::Ended(0))).last(), Some(&Action::Exit(1)), "the first code counts");
}

#[test]
fn what_does_not_end_is_killed() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let others = [serving(1, &[0, 1, 2], 1), serving(2, &[0, 1, 2], 1)];
    settle(&mut server, &others, &[0, 1, 2]);
    server.hear(Input::Busy(Ok(0)));
    let wanted = deeds(server.wait(Duration::from_secs(25)));
    assert_eq!(wanted, [Action::Term, Action::Kill], "15 s for the leave, 5 for TERM");
}

#[test]
fn before_dkron_runs_there_is_nothing_to_leave() {
    let mut server = Life::new(0, 3, |_| {});
    assert_eq!(server.hear(Input::Stop), [Action::Exit(143)]);

    let mut joining = Life::with_state(0, &[0, 1, 2]);
    for other in [2, 1] {
        joining.hear(State { members: members(&[1, 2]), ..serving(other, &[0, 1, 2], 1) });
    }
    joining.hear(Input::Started);
    joining.hear(Input::Stop);
    joining.passes(3);
    assert_eq!(deeds(joining.hear(Input::Own(None))), [Action::Term], "it has joined nobody");

    let mut joined = Life::with_state(0, &[0, 1, 2]);
    joined.hear(serving(2, &[0, 1, 2], 1));
    joined.hear(serving(1, &[0, 1, 2], 1));
    joined.hear(Input::Started);
    assert_eq!(deeds(joined.hear(Input::Stop)), [], "its name would stay blocked");
    assert_eq!(deeds(joined.wait(Duration::from_secs(6))), [Action::Term]);
}
