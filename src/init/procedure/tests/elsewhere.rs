//! A server that has got nothing of its cluster yet: what it remembers of those who hold it.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn of_others(ordinals: &[u8]) -> Marker {
    Marker { elsewhere: ordinals.iter().copied().map(name).collect(), ..marker(&[]) }
}

/// A server on whose disk dkron has begun and raft has nothing.
fn begun(elsewhere: &[u8]) -> Life {
    Life::new(0, 3, |me| {
        me.disk = Disk::Unknown;
        me.marker = Some(of_others(elsewhere)).filter(|_| !elsewhere.is_empty());
    })
}

/// The only one that Kubernetes wants: its dkron serves, and has no raft configuration.
fn alone(server: &mut Life, time: Duration) -> Vec<Action> {
    let mut wanted = Vec::new();
    let end = server.now.at + time;
    while server.now.at < end {
        wanted.extend(server.hear(Input::Desired(desired(1, &[0]), server.now.at)));
        for gone in [1, 2] {
            wanted.extend(server.finds_no_name_of(gone));
        }
        wanted.extend(server.own(&[0], None));
        server.passes(20);
        wanted.extend(server.say_raft_if_asked(&[]));
        wanted.extend(server.wait(Duration::from_millis(500)));
    }
    wanted
}

/// Its dkron is started, has nothing, and is ended: it is asked for anew.
fn ends_empty(server: &mut Life) {
    server.hear(Input::Desired(desired(1, &[0]), server.now.at));
    server.wait(Duration::from_secs(2));
    assert!(server.launch().is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    let wanted = alone(server, Duration::from_secs(10));
    assert!(wanted.contains(&Action::Term), "{wanted:?}");
    server.hear(Input::Ended(0));
    server.wait(Duration::from_millis(1));
    server.hear(Input::Desired(desired(1, &[0]), server.now.at));
}

#[test]
fn who_holds_the_cluster_is_written_down_once() {
    let mut server = begun(&[]);
    let holds = |ordinal| serving(ordinal, &[1, 2], 1);
    assert!(server.hear(holds(1)).contains(&Action::Mark(of_others(&[1]))));
    assert!(server.hear(holds(2)).contains(&Action::Mark(of_others(&[1, 2]))));
    server.hear(holds(1));
    let again = |server: &mut Life| deeds(server.hear(holds(2))).iter().any(|deed| matches!(deed, Action::Mark(_)));
    assert!(!again(&mut server));
    assert!(!again(&mut begun(&[1, 2])), "it was written in an earlier life");
}

#[test]
fn who_says_that_it_holds_nothing_is_forgotten() {
    let mut server = begun(&[1, 2]);
    assert!(server.hear(empty(1)).contains(&Action::Mark(of_others(&[2]))));
    assert!(server.hear(empty(2)).contains(&Action::Mark(of_others(&[]))));
    let mut again = Life::new(0, 3, |me| (me.disk, me.marker) = (Disk::Unknown, Some(of_others(&[]))));
    assert!(again.procedure.state(again.now).formed, "it was founded once, whoever lost it since");
    ends_empty(&mut again);
    assert_eq!(again.launch().expect("a start").expect, Some(1));
}

#[test]
fn a_disk_that_holds_something_tells_of_no_others() {
    let mut server = Life::with_state(0, &[0, 1, 2]);
    let wanted = server.hear(serving(1, &[0, 1, 2], 1));
    assert!(!wanted.iter().any(|action| matches!(action, Action::Mark(_))), "{wanted:?}");
    // Neither does one that dkron has never seen.
    let wanted = Life::new(0, 3, |_| {}).hear(serving(1, &[1, 2], 1));
    assert!(!wanted.iter().any(|action| matches!(action, Action::Mark(_))), "{wanted:?}");
}

#[test]
fn nobody_founds_a_cluster_that_others_held_and_took_away() {
    let mut server = begun(&[1]);
    ends_empty(&mut server);
    assert_eq!(server.launch(), None);
    assert!(server.waits_for().contains("a-1 held it and is no longer wanted"), "{}", server.waits_for());
    assert!(server.procedure.health(server.now).ready.is_err(), "it was founded, and is not here");
    assert!(server.procedure.state(server.now).formed, "the others have to know it too");

    let mut knows_nothing = begun(&[]);
    ends_empty(&mut knows_nothing);
    assert_eq!(knows_nothing.launch().expect("a start").expect, Some(1));
}

#[test]
fn who_held_it_and_is_back_with_nothing_holds_nobody_up() {
    let mut server = begun(&[1]);
    ends_empty(&mut server);
    server.hear(State { size: Some(1), ..empty(1) });
    assert_eq!(server.launch().expect("a start").expect, Some(1));
}

#[test]
fn that_somebody_held_the_cluster_is_passed_on_by_those_who_saw_it() {
    let tells = |first: State| {
        let mut server = Life::new(0, 2, |_| {});
        server.hear(first);
        server.hear(empty(1));
        server.finds_no_name_of(2);
        server.finds_no_name_of(3);
        (server.procedure.state(server.now).formed, server.procedure.health(server.now).ready.is_ok())
    };
    assert_eq!(tells(empty(1)), (false, true));
    assert_eq!(tells(State { disk: Disk::State, ..empty(1) }), (true, false), "whoever has lost it since");
    assert_eq!(
        tells(State { formed: true, ..empty(1) }),
        (false, false),
        "what was only heard others have to hear there"
    );
}

#[test]
fn whoever_is_gone_and_did_not_say_that_it_held_nothing_may_have_it_still() {
    let ready = |disk: Disk| {
        let mut server = Life::new(0, 3, |_| {});
        server.hear(Input::Desired(desired(1, &[0]), server.now.at));
        server.hear(State { disk, phase: Phase::Leaving, ..empty(2) });
        for gone in [1, 2, 3, 4] {
            server.finds_no_name_of(gone);
        }
        server.procedure.health(server.now).ready.is_ok()
    };
    assert!(ready(Disk::Empty));
    assert!(!ready(Disk::Unknown));
}
