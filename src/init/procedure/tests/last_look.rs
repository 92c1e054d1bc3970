//! What is looked at once more before something is done that others pay for.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// A server with raft state that knows no leader, and sees nobody.
fn lonely(ordinal: u8, servers: &[u8]) -> State {
    State { members: vec![], ..leaderless(ordinal, servers) }
}

#[test]
fn a_dkron_that_was_just_started_is_looked_at_once_more_before_it_ends() {
    let told = || {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        server.hear(lonely(1, &[0, 1, 2]));
        server.hear(lonely(2, &[0, 1, 2]));
        assert!(server.launch().is_some(), "{}", server.waits_for());
        server.hear(Input::Started);
        server.passes(900);
        let wanted = server.hear(Input::Stop);
        assert!(wanted.contains(&Action::Look), "{wanted:?}");
        assert_eq!(deeds(wanted), [], "it may serve since it was looked at last");
        server.passes(3);
        server
    };
    assert_eq!(deeds(told().hear(Input::Own(None))), [Action::Term], "nobody knows it");
    let mut serves = told();
    assert!(!deeds(serves.own(&[0, 1, 2], None)).contains(&Action::Term));
    assert_eq!(serves.procedure.state(serves.now).phase, Phase::Holding, "the others may elect with its vote");
    assert_eq!(deeds(told().wait(Duration::from_secs(2))), [Action::Term], "no answer is one too");
}

#[test]
fn who_was_taken_out_asks_whether_somebody_leads_before_it_restarts() {
    let mut server = Life::running(2, &[0, 1, 2], 0);
    server.procedure.watch.cures.out_of_raft = true;
    let seen = |ordinal| State { members: members(&[0, 1, 2]), ..lonely(ordinal, &[0, 1]) };
    let asks = |server: &mut Life| {
        for _ in 0..400 {
            server.own(&[0, 1, 2], None);
            server.hear(seen(0));
            server.hear(seen(1));
            if server.wait(Duration::from_millis(50)).contains(&Action::Look) {
                return;
            }
        }
        panic!("it never asks");
    };
    asks(&mut server);
    server.passes(3);
    let mut wanted = server.hear(seen(0));
    wanted.extend(server.hear(seen(1)));
    assert_eq!(deeds(wanted), [], "its own dkron has not answered");
    assert!(deeds(server.own(&[0, 1, 2], None)).contains(&Action::Term));

    let mut server = Life::running(2, &[0, 1, 2], 0);
    server.procedure.watch.cures.out_of_raft = true;
    asks(&mut server);
    server.passes(3);
    server.own(&[0, 1, 2], Some(0));
    assert!(!deeds(server.wait(Duration::from_secs(2))).contains(&Action::Term));
}

#[test]
fn two_reasons_to_restart_ask_once_and_do_not_hinder_each_other() {
    let mut server = Life::running(2, &[0, 1, 2], 0);
    server.procedure.watch.cures.out_of_raft = true;
    // Taken out, and not seen either.
    let unseen = |ordinal| State { members: members(&[0, 1]), ..lonely(ordinal, &[0, 1]) };
    let mut wanted = Vec::new();
    for _ in 0..400 {
        wanted.extend(server.own(&[0, 1, 2], None));
        wanted.extend(server.hear(unseen(0)));
        wanted.extend(server.hear(unseen(1)));
        wanted.extend(server.wait(Duration::from_millis(50)));
    }
    assert!(wanted.contains(&Action::Term), "it never restarts");
    assert_eq!(wanted.iter().filter(|action| **action == Action::Look).count(), 1);
}

#[test]
fn nobody_starts_before_it_has_looked_where_kubernetes_says_that_another_one_is() {
    let mut server = Life::with_state(0, &[0, 1, 2]);
    server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Err("no name server".into()) });
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    assert_eq!(started(&server.hear(lonely(2, &[0, 1, 2]))), None, "a-1 may lead another cluster");
    let silent = Look { ip: ip(1), by_name: false, wrapper: Told::Nobody, dkron: Told::Nobody };
    let looked = server.hear(Input::Looked { pod: name(1), asked: server.now.at, looks: Ok(vec![silent]) });
    assert!(started(&looked).is_some(), "{}", server.waits_for());
}

#[test]
fn a_leader_that_only_others_name_is_not_parted_from_unread() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let others = [serving(1, &[0, 1, 2], 1), serving(2, &[0, 1, 2], 1)];
    settle(&mut server, &others, &[0, 1, 2]);
    for _ in 0..20 {
        server.hear(Input::Busy(Ok(1)));
        server.wait(Duration::from_secs(1));
    }
    // a-2 is gone, and gossip no longer shows a-1 where it leads.
    server.own(&[0, 1, 2], None);
    server.hear(serving(1, &[0, 1, 2], 1));
    let mut wanted = deeds(server.hear(Input::Busy(Ok(0))));
    wanted.extend(deeds(server.wait(Duration::from_millis(400))));
    assert_eq!(wanted, [Action::ListRaft(at(0))]);
    wanted = deeds(server.say_raft(&[0, 1, 2]));
    wanted.extend(deeds(server.wait(Duration::from_secs(2))));
    assert!(!wanted.iter().any(|action| matches!(action, Action::RemovePeer { .. })), "{wanted:?}");
}

#[test]
fn who_leads_only_after_the_jobs_is_not_parted_from_by_what_was_read_before_them() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    server.procedure.facts.me.generation = Generation::Three;
    let others = [serving(1, &[0, 1, 2], 1), serving(2, &[0, 1, 2], 1)];
    settle(&mut server, &others, &[0, 1, 2]);
    for _ in 0..20 {
        server.hear(Input::Busy(Ok(1)));
        server.wait(Duration::from_secs(1));
    }
    // Both others were restarted meanwhile, and nobody leads.
    server.own(&[0], None);
    server.hear(lonely(1, &[0, 1, 2]));
    let mut wanted = deeds(server.hear(Input::Busy(Ok(0))));
    for round in 0..15 {
        // Then a-1 leads, by this server's vote.
        let led = round >= 5;
        let other = if led { serving(1, &[0, 1, 2], 1) } else { lonely(1, &[0, 1, 2]) };
        wanted.extend(deeds(server.hear(other)));
        wanted.extend(deeds(server.own(&[0, 1], led.then_some(1))));
        wanted.extend(deeds(server.wait(Duration::from_millis(400))));
        wanted.extend(deeds(server.say_raft_if_asked(&[0, 1, 2])));
    }
    assert!(wanted.contains(&Action::ListRaft(at(0))), "{wanted:?}");
    assert!(!wanted.iter().any(|action| matches!(action, Action::RemovePeer { .. } | Action::Leave)), "{wanted:?}");
}

#[test]
fn a_leader_that_was_lost_a_moment_ago_may_have_a_successor() {
    let mut server = Life::running(0, &[0, 1, 2], 1);
    let others = [serving(1, &[0, 1, 2], 1), lonely(2, &[0, 1, 2])];
    server.own(&[0, 1, 2], None);
    server.hear(Input::Stop);
    let mut wanted = Vec::new();
    for second in 0..190 {
        // Gossip does not show a-1 to the others, whom it leads until it is restarted.
        let leads = if second < 95 { others[0].clone() } else { lonely(1, &[0, 1, 2]) };
        wanted.extend(server.hear(leads));
        wanted.extend(server.hear(others[1].clone()));
        server.own(&[0, 1, 2], None);
        server.say_raft_if_asked(&[0, 1, 2]);
        wanted.extend(server.wait(Duration::from_secs(1)));
        let leaves = wanted.contains(&Action::Leave);
        assert!(!leaves || second > 180, "after {second} s");
    }
    assert!(wanted.contains(&Action::Leave), "nobody has led for long");
}
