//! Founding a cluster where others may have one, or be about to: by an old word, by hearsay, beside those who start.

use std::time::Duration;

use super::super::*;
use super::cast::*;

fn nobody_at(server: &mut Life, ordinals: &[u8]) {
    for ordinal in ordinals {
        server.finds_no_name_of(*ordinal);
    }
}

#[test]
fn fewer_than_the_set_was_made_with_found_it_only_by_a_new_word_of_kubernetes() {
    let word = |server: &mut Life, written: Moment| {
        server.hear(Input::Desired(desired(1, &[0]), written));
        nobody_at(server, &[1, 2, 3, 4]);
        server.launch()
    };
    let mut server = Life::new(0, 3, |_| {});
    let before = Moment(server.now.at.0 - 1);
    assert_eq!(word(&mut server, before), None, "others may have been added again since");
    assert_eq!(started(&server.wait(Duration::from_secs(5))), None);
    let written = server.now.at;
    assert_eq!(word(&mut server, written).expect("a start").expect, Some(1));

    let mut at_once = Life::new(0, 3, |_| {});
    let written = at_once.now.at;
    assert_eq!(word(&mut at_once, written).expect("a start").expect, Some(1));

    let mut all = Life::new(0, 1, |_| {});
    let before = Moment(all.now.at.0 - 1);
    assert_eq!(word(&mut all, before).expect("a start").expect, Some(1), "it was made with one");

    // Nobody has said with how many it was made, but those that were stamped.
    let mut stamped = Life::new(0, 3, |me| me.size = None);
    let before = Moment(stamped.now.at.0 - 1);
    assert_eq!(word(&mut stamped, before), None);
}

#[test]
fn where_somebody_has_heard_of_a_cluster_kubernetes_may_know_more_servers() {
    let starts = |formed: bool, desires: Option<Desired>| {
        let mut server = Life::new(0, 3, |_| {});
        (0..20).find(|_| {
            if let Some(desired) = desires.clone() {
                server.hear(Input::Desired(desired, server.now.at));
            }
            nobody_at(&mut server, &[3, 4]);
            server.hear(State { formed, ..empty(1) });
            server.hear(empty(2));
            server.wait(Duration::from_secs(1));
            server.launch().is_some()
        })
    };
    assert_eq!(starts(false, None), Some(0));
    assert!(starts(true, None).is_some_and(|second| (9..=10).contains(&second)), "{:?}", starts(true, None));
    assert_eq!(starts(true, Some(desired(3, &[0, 1, 2]))), Some(0), "it has told which there are");
}

#[test]
fn who_comes_later_and_is_just_starting_founds_with_others_whom_it_finds() {
    let starting = |ordinal: u8, expecting: bool| State { phase: Phase::Starting, expecting, ..empty(ordinal) };
    let serves = State { phase: Phase::Serving, up: true, expecting: true, raft: Some(vec![]), ..empty(0) };
    let expects = |own: u8, others: [State; 2]| {
        let mut server = Life::new(own, 3, |_| {});
        nobody_at(&mut server, &[3, 4]);
        for other in others {
            server.hear(other);
        }
        server.launch().expect("a start").expect
    };
    assert_eq!(expects(1, [serves.clone(), starting(2, true)]), None, "a-2 joins a-0, and may found it at any moment");
    assert_eq!(expects(1, [serves, starting(2, false)]), Some(3));
    assert_eq!(expects(0, [starting(1, true), empty(2)]), Some(3), "a-1 finds nobody but this one");
}

#[test]
fn of_two_leaders_of_two_foundings_one_may_have_lost_that_and_only_the_own_one_is_joined() {
    let own = founded(&[1, 2], "old");
    let mut server = Life::new(2, 3, |me| (me.disk, me.marker) = (Disk::State, Some(own)));
    let launch = |server: &mut Life, seconds: u32| {
        (0..seconds).find_map(|_| {
            server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
            server.hear(State { owner: Some(founded(&[0], "new").owner), ..serving(0, &[0], 0) });
            server.hear(State { owner: Some(founded(&[1, 2], "old").owner), ..serving(1, &[1, 2], 1) });
            server.say_raft_if_asked(&[1, 2]);
            server.wait(Duration::from_secs(1));
            server.launch()
        })
    };
    assert_eq!(launch(&mut server, 2), None);
    assert!(server.waits_for().contains("beside a-0"), "{}", server.waits_for());
    let join = launch(&mut server, 5).expect("a start").join;
    assert!(
        !join.is_empty() && !join.iter().any(|host| host.contains("a-0") || **host == *ip(0).to_string()),
        "{join:?}"
    );
}
