//! While dkron looks for others, in its join loop.

use std::time::Duration;

use super::super::*;
use super::cast::*;

/// Started with raft state beside two that hang too, for so many seconds.
fn hangs(seconds: u32) -> Life {
    let mut server = Life::with_state(0, &[0, 1, 2]);
    let hears = |server: &mut Life| {
        for other in [1, 2] {
            server.hear(State { up: false, phase: Phase::Starting, ..leaderless(other, &[0, 1, 2]) });
        }
    };
    hears(&mut server);
    assert!(server.launch().is_some(), "{}", server.waits_for());
    server.hear(Input::Started);
    for _ in 0..seconds {
        hears(&mut server);
        server.hear(Input::Own(None));
        assert_eq!(deeds(server.wait(Duration::from_secs(1))), []);
    }
    hears(&mut server);
    server
}

#[test]
fn peers_are_looked_at_often_while_dkron_looks_for_them() {
    let pace = |server: &Life| server.procedure.pace();
    assert_eq!(pace(&hangs(5)), Pace { peers: Duration::from_millis(250), own: Duration::from_millis(100) });
    let mut long = hangs(60);
    let hurry = Pace { peers: Duration::from_millis(250), own: Duration::from_secs(1) };
    assert_eq!(pace(&long), hurry, "their addresses may be somebody else's at any moment");
    long.own(&[0, 1, 2], None);
    assert_eq!(pace(&long).peers, Duration::from_secs(1), "it has found them, and nobody has led for long");
}

#[test]
fn who_looks_for_nobody_has_no_hurry() {
    let mut server = Life::with_state(0, &[0]);
    server.wait(Duration::from_secs(2));
    assert_eq!(server.launch().expect("a start").join, Vec::<Name>::new());
    server.hear(Input::Started);
    server.wait(Duration::from_secs(40));
    assert_eq!(server.procedure.pace().peers, Duration::from_secs(1));
}

#[test]
fn what_the_marker_has_of_raft_is_told_until_dkron_tells_more() {
    let told = |server: &Life| server.procedure.state(server.now).raft;
    let mut server = hangs(3);
    assert_eq!(told(&server), Some(raft(&[0, 1, 2])), "dkron starts");
    server.own(&[0, 1, 2], None);
    assert_eq!(told(&server), Some(raft(&[0, 1, 2])), "it was not asked yet");
    server.say_raft(&[0, 1]);
    assert_eq!(told(&server), Some(raft(&[0, 1])));
    assert_eq!(told(&Life::new(0, 3, |_| {})), None, "there is no marker");
}

#[test]
fn a_name_of_a_server_that_was_taken_away_misleads_whoever_still_looks_for_it() {
    let restarts = |pods: &[u8], served: bool| {
        let mut server = Life::with_state(0, &[0, 1, 2]);
        server.hear(Input::Desired(desired(5, &[0, 1, 4]), server.now.at));
        let launch = (0..20).find_map(|_| {
            for other in [1, 4] {
                server.hear(State { up: false, phase: Phase::Starting, ..leaderless(other, &[0, 1, 2]) });
            }
            let launch = server.launch();
            server.wait(Duration::from_secs(1));
            launch
        });
        assert!(launch.expect("a start").join.iter().any(|host| host.contains("a-4")), "it looks for a-4");
        server.hear(Input::Started);
        if served {
            server.own(&[0, 1], None);
            server.hear(Input::Own(None));
        }
        server.passes(100);
        let mut wanted = server.hear(Input::Desired(desired(3, pods), server.now.at));
        wanted.extend(server.wait(Duration::from_millis(100)));
        wanted.contains(&Action::Term)
    };
    assert!(restarts(&[0, 1], false));
    assert!(!restarts(&[0, 1, 4], false));
    assert!(!restarts(&[0, 1], true), "it has found somebody");
}
