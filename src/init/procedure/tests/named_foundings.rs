//! Who calls a cluster as its lowest founder does: whichever of the founders leads first, and nobody else.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn founds(ordinal: u8) -> State {
    State { phase: Phase::Serving, up: true, expecting: true, raft: Some(vec![]), ..empty(ordinal) }
}

fn nobody_beyond(server: &mut Life) {
    for beyond in [3, 4] {
        server.finds_no_name_of(beyond);
    }
}

/// What the cluster is called that it leads, as the first leader that it has ever heard of.
fn called(server: &mut Life) -> Option<Name> {
    let own = if server.procedure.facts.me.pod == name(1) { 1 } else { 2 };
    server.hear(Input::Started);
    server.own(&[0, 1, 2], Some(own));
    server.say_raft(&[0, 1, 2]);
    server.procedure.state(server.now).owner.expect("a marker").founding
}

#[test]
fn a_founder_that_was_started_to_join_the_others_calls_the_cluster_as_they_do() {
    let mut server = Life::new(1, 3, |_| {});
    nobody_beyond(&mut server);
    server.hear(founds(0));
    let launch = started(&server.hear(founds(2))).expect("a start");
    assert_eq!(launch.expect, None, "a-2 may found it at any moment");
    assert_eq!(called(&mut server).as_deref(), Some("f0"));
}

#[test]
fn who_was_to_found_a_cluster_and_then_joined_another_does_not_name_that_one() {
    let mut server = Life::new(2, 3, |_| {});
    nobody_beyond(&mut server);
    server.hear(founds(0));
    assert_eq!(started(&server.hear(founds(1))).expect("a start").expect, Some(3));
    server.hear(Input::Started);
    let stalled = (0..20).any(|_| {
        let mut wanted = server.own(&[0, 1, 2], None);
        wanted.extend(server.say_raft_if_asked(&[]));
        wanted.extend(server.hear(founds(0)));
        wanted.extend(server.hear(founds(1)));
        wanted.extend(server.wait(Duration::from_secs(1)));
        wanted.contains(&Action::Term)
    });
    assert!(stalled);
    // Meanwhile others have begun without it, and it is not known whether they call it so.
    for other in [0, 1] {
        server.hear(serving(other, &[0, 1], 1));
    }
    server.hear(Input::Ended(0));
    nobody_beyond(&mut server);
    server.say_raft(&[0, 1]);
    assert_eq!(server.launch().expect("a start").expect, None);
    assert_eq!(called(&mut server), None);
}
