//! Requests and their answers.

use std::time::Duration;

use super::super::super::agent::{Home, Sighting};
use super::super::super::notices::Notices;
use super::super::super::watch::state::sighting;
use super::super::board::{Counters, Snapshot};
use super::*;
use crate::init::procedure::{Disk, Health, Leader, Member, Moment, PROTOCOL, Phase, Saying, Server, State, Status};

/// A server that follows and is ready.
pub fn snapshot() -> Snapshot {
    let member = |name: &str, host, status| Member::new(name.into(), [10, 0, 0, host].into(), status);
    let server = |id: &str, voter| Server { id: id.into(), address: "10.0.0.2:6868".into(), voter };
    Snapshot {
        health: Health { live: Ok("alive".into()), ready: Ok("leader: a-1".into()) },
        state: Some(State {
            protocol: PROTOCOL,
            version: "0.1.0".into(),
            namespace: "n".into(),
            cluster: "a".into(),
            set_uid: None,
            pod: "a-0".into(),
            node: "the \"first\" \\ of\nall".into(),
            ip: Some([10, 0, 0, 2].into()),
            phase: Phase::Serving,
            disk: Disk::State,
            owner: None,
            formed: true,
            size: Some(3),
            founding: None,
            expecting: false,
            stranded: false,
            anew: false,
            comes: true,
            apart: false,
            up: true,
            leader: Some(Leader { name: "a-1".into(), rpc_addr: "10.0.0.3:6868".into() }),
            leads: false,
            voter_for: Some(61_500),
            raft: Some(vec![server("a-0", true), server("a-1", true), server("a-2", false)]),
            members: vec![member("a-0", 2, Status::Alive), member("a-1", 3, Status::Left)],
        }),
        counters: Counters { starts: 2, deaths: 1, orphans: 7, hand_overs: 3, ..Counters::default() },
    }
}

/// What it has told people: nothing yet.
fn notices() -> Notices {
    Notices::new("n".into(), "a-0".into(), Moment(1000))
}

/// Where that is shown.
fn board(snapshot: Snapshot) -> Board {
    let board = Board::new(snapshot);
    board.note(&notices());
    board.show_members(Some(Vec::new()));
    board
}

fn get(path: &str, snapshot: &Snapshot) -> Answer {
    get_of(path, &board(snapshot.clone()))
}

fn get_of(path: &str, board: &Board) -> Answer {
    answer(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), board)
}

#[test]
fn its_paths_are_answered_and_nothing_else() {
    let table = [
        ("GET /probe/live HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"),
        ("GET /probe/start HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /probe/ready HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /v1/state HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /v1/notices HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET /v1/member/w-1 HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET /v1/member HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /v1/member/w-1 HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("GET /probe/live?verbose HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("GET /probe/live/ HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("GET /v1/leader HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /probe/live HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("get /v1/state HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("GET /probe/live HTTP/2\r\n\r\n", "400 Bad Request"),
        ("GET /probe/live HTTP/1.1\r\n", "400 Bad Request"),
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400 Bad Request"),
    ];
    for (request, expected) in table {
        assert_eq!(answer(request.as_bytes(), &board(snapshot())).status, expected, "{request:?}");
    }
}

#[test]
fn the_probes_say_how_it_is_and_why() {
    let mut snapshot = snapshot();
    assert_eq!(get("/probe/ready", &snapshot), Answer::text("200 OK", "leader: a-1"));
    snapshot.health.ready = Err("nobody leads".into());
    assert_eq!(get("/probe/ready", &snapshot), Answer::text("503 Service Unavailable", "nobody leads"));
    assert_eq!(get("/probe/live", &snapshot).status, "200 OK");
    snapshot.health.live = Err("lost its name".into());
    for path in ["/probe/live", "/probe/start"] {
        assert_eq!(get(path, &snapshot), Answer::text("503 Service Unavailable", "lost its name"));
    }
}

#[test]
fn the_state_comes_as_the_other_wrappers_read_it() {
    let mut snapshot = snapshot();
    let answer = get("/v1/state", &snapshot);
    assert_eq!(answer.kind, "application/json");
    assert_eq!(serde_json::from_slice::<State>(&answer.body).ok(), snapshot.state);
    snapshot.state = None;
    assert_eq!(get("/v1/state", &snapshot).status, "404 Not Found", "an agent");
    assert_eq!(get("/metrics", &snapshot).status, "200 OK");
    assert_eq!(get("/v1/member/w-1", &snapshot).status, "404 Not Found");
}

#[test]
fn a_member_is_shown_as_serf_has_it_with_whose_word_that_is() {
    let board = Board::new(snapshot());
    let members = ["w-2", "w-1", "w-10"].map(|name| Member::new(name.into(), [10, 0, 1, 1].into(), Status::Failed));
    board.show_members(Some(members.to_vec()));
    let seen = |name: &str| {
        let answer = get_of(&format!("/v1/member/{name}"), &board);
        assert_eq!(answer.kind, "application/json");
        sighting([10, 0, 0, 2].into(), &answer.body).expect("what the wrapper of an agent reads")
    };
    let home = Some(Home { namespace: "n".into(), cluster: "a".into() });
    let expected = Sighting { server: [10, 0, 0, 2].into(), home, led: true, member: Some(members[1].clone()) };
    assert_eq!(seen("w-1"), expected);
    assert_eq!(seen("w-10").member.as_ref(), Some(&members[2]));
    assert_eq!(seen("w"), Sighting { member: None, ..expected.clone() });
    board.show_members(None);
    assert_eq!(get_of("/v1/member/w", &board).status, "404 Not Found", "it may be one of those that are not kept");
    board.show_members(Some(members.to_vec()));
    let mut leaderless = snapshot();
    leaderless.state.as_mut().expect("a server").leader = None;
    board.show(leaderless);
    assert_eq!(seen("w-1"), Sighting { led: false, ..expected });
}

#[test]
fn what_people_must_know_comes_as_the_label_updater_reads_it() {
    let now = Moment(5000);
    let mut notices = notices();
    assert!(notices.hear(&Saying::Zombie(Duration::from_secs(15)), now));
    let board = Board::new(snapshot());
    assert_eq!(get_of("/v1/notices", &board).status, "404 Not Found", "an agent");
    board.note(&notices);
    let answer = get_of("/v1/notices", &board);
    assert_eq!(answer.kind, "application/json");
    assert_eq!(serde_json::from_slice::<Notices>(&answer.body).ok(), Some(notices));
}

#[test]
fn the_head_says_what_follows() {
    let text = |answer: Answer| String::from_utf8(answer.bytes()).expect("text");
    assert_eq!(
        text(get("/probe/live", &snapshot())),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\nConnection: close\r\n\r\nalive\n"
    );
    let refused = text(answer(b"PUT /metrics HTTP/1.1\r\n\r\n", &board(snapshot())));
    assert!(refused.contains("\r\nAllow: GET\r\n"), "{refused}");
}
