//! Those who run, or may, and cannot be asked what they hold.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// What answers at the address of `a-ordinal`, to which its name leads.
fn looked(server: &mut Life, ordinal: u8, wrapper: Told<State>, dkron: Told<DkronView>) -> Vec<Action> {
    let look = Look { ip: ip(ordinal), by_name: true, wrapper, dkron };
    server.hear(Input::Looked { pod: name(ordinal), asked: server.now.at, looks: Ok(vec![look]) })
}

/// Whether one with an empty disk starts, or is about to, beside a-2. a-1 leads these, and its gossip shows those.
fn goes_on(listed: &[u8], shown: Vec<Member>, third: &dyn Fn(&mut Life)) -> bool {
    let mut server = Life::new(0, 3, |_| {});
    server.hear(Input::Desired(desired(3, &[0, 1, 2]), server.now.at));
    third(&mut server);
    server.hear(State { members: shown, ..serving(1, listed, 1) });
    assert_eq!(server.procedure.reading.map(|(at, _)| at), Some(at(1)), "{}", server.waits_for());
    server.say_raft(listed);
    server.launch().is_some() || server.procedure.state(server.now).comes
}

#[test]
fn an_empty_disk_waits_for_one_that_is_not_understood() {
    let beside = |listed: &[u8], protocol: u32| {
        goes_on(listed, members(&[1]), &|server| {
            server.hear(State { protocol, ..empty(2) });
        })
    };
    assert!(beside(&[1], PROTOCOL));
    assert!(!beside(&[1], PROTOCOL + 1), "it may be about to start with what was before");
    assert!(beside(&[1, 2], PROTOCOL + 1), "it is taken up");
}

#[test]
fn an_empty_disk_waits_for_one_whose_wrapper_cannot_be_heard() {
    let beside = |listed: &[u8], wrapper: &Told<State>, dkron: &Told<DkronView>| {
        goes_on(listed, members(&[1]), &|server| {
            looked(server, 2, wrapper.clone(), dkron.clone());
        })
    };
    assert!(!beside(&[1], &Told::Silence, &Told::Nobody), "its machine answers");
    assert!(beside(&[1, 2], &Told::Silence, &Told::Nobody), "it is taken up");
    assert!(beside(&[1], &Told::Nobody, &Told::Nobody), "there is no wrapper");
    assert!(beside(&[1], &Told::Silence, &Told::Silence), "there is no machine");
    let elsewhere = goes_on(&[1], members(&[1]), &|server| {
        let at = |address: u8, dkron| Look { ip: ip(address), by_name: true, wrapper: Told::Silence, dkron };
        let looks = Ok(vec![at(2, Told::Silence), at(9, Told::Nobody)]);
        server.hear(Input::Looked { pod: name(2), asked: server.now.at, looks });
    });
    assert!(elsewhere, "nobody vouches for that machine");
}

#[test]
fn an_empty_disk_waits_for_one_that_gossip_has_lost_where_kubernetes_has_it() {
    let beside = |listed: &[u8], third: Member| {
        let shown = members(&[1]).into_iter().chain([third]).collect();
        goes_on(listed, shown, &|server| {
            looked(server, 2, Told::Silence, Told::Silence);
        })
    };
    let failed = |address: u8| Member::new(name(2), ip(address), Status::Failed);
    assert!(!beside(&[1], failed(2)), "the way to it is cut, and it may run");
    assert!(beside(&[1], failed(9)), "it was elsewhere");
    assert!(beside(&[1, 2], failed(2)), "it is in the configuration");
    assert!(beside(&[1], Member { status: Status::Left, ..failed(2) }), "it has said that it goes");
}

/// After how many seconds one of the founding "old" follows a leader whose dkron answers.
fn follows(founding: Option<&str>, wrapper: &Told<State>, third: Option<&str>) -> Option<u32> {
    let of = |founding: Option<&str>| {
        let mut marker = marker(&[0, 1, 2]);
        marker.owner.founding = founding.map(Name::from);
        marker
    };
    // It has moved, and the leader has gone on without it.
    let moved = Some([10, 0, 1, 1].into());
    let mut server = Life::new(1, 3, |me| (me.disk, me.marker, me.ip) = (Disk::State, Some(of(founding)), moved));
    (0..100).find(|_| {
        server.hear(Input::Desired(desired(3, &[0, 1]), server.now.at));
        match third {
            Some(named) => server.hear(State { owner: Some(of(Some(named)).owner), ..serving(2, &[0, 1, 2], 0) }),
            None => server.finds_no_name_of(2),
        };
        let view = DkronView { leader: Some(leader(0)), leads: true, members: members(&[0]) };
        looked(&mut server, 0, wrapper.clone(), Told::Answer(view));
        server.say_raft_if_asked(&[0]);
        server.wait(Duration::from_secs(1));
        server.say_raft_if_asked(&[0]);
        server.launch().is_some()
    })
}

#[test]
fn a_leader_whose_wrapper_cannot_be_heard_may_be_of_another_founding() {
    let waits = follows(Some("old"), &Told::Silence, None);
    assert!(waits.is_some_and(|second| (68..=71).contains(&second)), "{waits:?}");
    assert!(follows(Some("old"), &Told::Nobody, None).is_some_and(|second| second < 3), "it has no wrapper");
    assert!(follows(None, &Told::Silence, None).is_some_and(|second| second < 3), "the own disk does not say either");
    assert!(
        follows(Some("old"), &Told::Silence, Some("old")).is_some_and(|second| second < 3),
        "who follows it says so"
    );
    assert_eq!(follows(Some("old"), &Told::Silence, Some("new")), None);
}
