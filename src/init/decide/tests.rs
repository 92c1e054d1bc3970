//! The start, case by case, and what signals mean.

use super::*;

fn peer(name: &str, own: bool, sight: Sight, quiet_rounds: u32) -> Peer {
    Peer { name: name.into(), own, sight, quiet_rounds }
}

fn own(name: &str) -> Peer {
    Peer::new(name.into(), true)
}

fn quiet(name: &str) -> Peer {
    peer(name, false, Sight::Silent("refused".into()), QUIET_ROUNDS)
}

fn leader() -> Sight {
    Sight::Knows(Leader { name: "a-2".into(), rpc_addr: "10.0.0.3:6868".into() })
}

fn server(size: Option<u32>, peers: Vec<Peer>) -> Facts {
    Facts { role: Role::Server, size, peers }
}

fn launch(join: &[&str], expect: Option<u32>) -> Start {
    Start::Run(Launch::Server { join: join.iter().map(|name| (*name).into()).collect(), expect })
}

#[test]
fn nobody_leads_and_all_are_there_so_a_cluster_is_founded() {
    let facts = server(Some(3), vec![quiet("a-0"), own("a-1"), quiet("a-2")]);
    assert_eq!(start(&facts), launch(&["a-0", "a-2"], Some(3)));
}

#[test]
fn a_leader_is_joined_whoever_else_is_missing() {
    let missing = peer("a-0", false, Sight::Unresolved("no such name".into()), 0);
    let facts = server(Some(3), vec![missing, own("a-1"), peer("a-2", false, leader(), 0)]);
    assert_eq!(start(&facts), launch(&["a-0", "a-2"], None));
}

#[test]
fn without_a_leader_every_name_is_waited_for() {
    let missing = peer("a-0", false, Sight::Unresolved("no such name".into()), 0);
    let facts = server(Some(3), vec![missing, own("a-1"), quiet("a-2")]);
    assert_eq!(start(&facts), Start::Wait(WaitFor::Names(vec!["a-0".into()])));
    let unseen = server(Some(3), vec![own("a-0"), Peer::new("a-1".into(), false), Peer::new("a-2".into(), false)]);
    assert_eq!(start(&unseen), Start::Wait(WaitFor::Names(vec!["a-1".into(), "a-2".into()])));
}

#[test]
fn an_election_has_time_to_end_before_a_cluster_is_founded() {
    let mut fresh = Peer::new("a-1".into(), false);
    for round in 1..=QUIET_ROUNDS {
        let facts = server(Some(2), vec![own("a-0"), fresh.clone()]);
        assert!(matches!(start(&facts), Start::Wait(_)), "round {round}");
        fresh.note(Sight::Leaderless(NoLeader::Status(500)));
    }
    assert_eq!(start(&server(Some(2), vec![own("a-0"), fresh.clone()])), launch(&["a-1"], Some(2)));

    fresh.note(Sight::Unresolved("gone".into()));
    fresh.note(Sight::Silent("refused".into()));
    let facts = server(Some(2), vec![own("a-0"), fresh]);
    assert_eq!(start(&facts), Start::Wait(WaitFor::Answers), "the count starts again");
}

#[test]
fn a_server_of_one_founds_alone_and_joins_nobody() {
    assert_eq!(start(&server(Some(1), vec![own("a-0")])), launch(&[], Some(1)));
    assert_eq!(start(&server(Some(1), Vec::new())), launch(&[], Some(1)));
    assert_eq!(start(&server(None, vec![own("a-0")])), launch(&[], Some(1)));
}

#[test]
fn the_number_of_peers_stands_in_for_a_missing_size() {
    let facts = server(None, vec![own("a-0"), quiet("a-1"), quiet("a-2")]);
    assert_eq!(start(&facts), launch(&["a-1", "a-2"], Some(3)));
}

#[test]
fn a_server_added_by_scaling_up_never_founds_a_cluster() {
    // Scaled from one to two, and from three to four with or without its own name in the list.
    for (size, peers) in [
        (1, vec![quiet("a-0"), own("a-1")]),
        (3, vec![quiet("a-0"), quiet("a-1"), quiet("a-2"), own("a-3")]),
        (3, vec![quiet("a-0"), quiet("a-1"), quiet("a-2")]),
    ] {
        assert_eq!(start(&server(Some(size), peers)), Start::Wait(WaitFor::Leader), "size {size}");
    }
}

#[test]
fn who_knows_nothing_of_a_cluster_starts_dkron_as_it_was_written() {
    assert_eq!(start(&server(None, Vec::new())), Start::Run(Launch::AsWritten));
    assert_eq!(start(&server(Some(3), Vec::new())), Start::Run(Launch::AsWritten));
    let unknown = Facts { role: Role::Unknown, ..server(Some(3), vec![own("a-0"), quiet("a-1")]) };
    assert_eq!(start(&unknown), Start::Run(Launch::AsWritten));
}

#[test]
fn an_agent_waits_for_nobody() {
    let agent = Facts { role: Role::Agent, ..server(None, vec![Peer::new("a-0".into(), false)]) };
    assert_eq!(start(&agent), Start::Run(Launch::Agent));
}

#[test]
fn before_dkron_runs_a_signal_ends_the_wait_or_means_nobody() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        assert_eq!(on_signal(signal, false), OnSignal::End);
        assert_eq!(on_signal(signal, true), OnSignal::PassOn);
    }
    for signal in [Signal::HUP, Signal::USR1, Signal::WINCH, Signal::CONT] {
        assert_eq!(on_signal(signal, false), OnSignal::Ignore);
        assert_eq!(on_signal(signal, true), OnSignal::PassOn);
    }
}
