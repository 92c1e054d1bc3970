//! The label follows what dkron says.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::neighbours::{Play, Played, Updater, quick};

const LEADER: Play = Play::Answer(200, "\"I am a leader\"");
const FOLLOWER: Play = Play::Answer(404, "\"I am a follower\"");
const ACCEPTED: Play = Play::Answer(200, "");

#[tokio::test]
async fn a_follower_is_labelled_once() {
    let (dkron, api) = (Played::start(FOLLOWER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    dkron.until(10).await;
    assert_eq!(api.leaders(), ["false"]);
    updater.stop().await;
}

#[tokio::test]
async fn the_request_is_a_merge_patch_of_one_label_of_the_own_pod() {
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(1).await;
    let request = &api.seen()[0];
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.content_type, "application/merge-patch+json");
    let (path, query) = request.uri.split_once('?').expect("a query");
    assert_eq!(path, "/api/v1/namespaces/jobs/pods/dkron-0");
    assert!(query.contains("fieldManager=dkron-ha-label-updater"), "{query}");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body, json!({ "metadata": { "labels": { "dkron-ha.io/leader": "true" } } }));
    assert_eq!(dkron.seen()[0].uri, "/v1/isleader");
    updater.stop().await;
}

#[tokio::test]
async fn a_new_leader_is_labelled_within_two_polls() {
    let (dkron, api) = (Played::start(FOLLOWER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(1).await;
    let before = dkron.seen().len();
    dkron.play(LEADER);
    api.until(2).await;
    assert_eq!(api.leaders(), ["false", "true"]);
    let labelled = api.seen()[1].at;
    let polls = dkron.seen().iter().skip(before).filter(|poll| poll.at < labelled).count();
    // One poll may have been under way.
    assert!(polls <= 2, "{polls} polls");
    updater.stop().await;
}

#[tokio::test]
async fn whatever_is_not_200_takes_the_label_away() {
    for other in [FOLLOWER, Play::Answer(500, "null"), Play::Answer(204, ""), Play::Answer(401, "who?"), Play::Silence]
    {
        let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
        let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
        api.until(1).await;
        dkron.play(other);
        api.until(2).await;
        assert_eq!(api.leaders(), ["true", "false"]);
        updater.stop().await;
    }
}

#[tokio::test]
async fn a_dkron_that_does_not_listen_leads_nothing() {
    let api = Played::start(ACCEPTED).await;
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let deaf = socket.local_addr().expect("an address");
    let updater = Updater::start(deaf, deaf, api.address, quick()).await;
    api.until(1).await;
    assert_eq!(api.leaders(), ["false"]);
    updater.stop().await;
}

#[tokio::test]
async fn a_refused_patch_is_tried_again_with_growing_pauses() {
    let (dkron, api) = (Played::start(LEADER).await, Played::start(Play::Answer(503, "")).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(4).await;
    api.play(ACCEPTED);
    api.until(5).await;
    let tried: Vec<_> = api.seen().iter().map(|patch| patch.at).collect();
    let pauses: Vec<_> = tried.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, least) in pauses.iter().zip([50, 100, 200, 400]) {
        assert!(*pause >= Duration::from_millis(least), "{pauses:?}");
    }
    let polls = dkron.seen().len();
    dkron.until(polls + 5).await;
    assert_eq!(api.leaders(), ["true"; 5], "the accepted one was the last");
    updater.stop().await;
}

#[tokio::test]
async fn a_silent_api_server_is_given_up_and_tried_again() {
    let (dkron, api) = (Played::start(LEADER).await, Played::start(Play::Silence).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(2).await;
    api.play(ACCEPTED);
    api.until(3).await;
    assert_eq!(api.leaders(), ["true"; 3]);
    updater.stop().await;
}

#[tokio::test]
async fn the_label_is_asserted_again_from_time_to_time() {
    let mut pace = quick();
    pace.reassert = Duration::from_millis(300);
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, pace).await;
    api.until(3).await;
    let seen = api.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(280), "not each time dkron is asked");
    assert_eq!(api.leaders()[..3], ["true"; 3]);
    updater.stop().await;
}

#[tokio::test]
async fn dkron_is_asked_once_in_an_interval() {
    let (dkron, api) = (Played::start(FOLLOWER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    sleep(Duration::from_millis(500)).await;
    assert!(dkron.seen().len() <= 12, "{} in ten intervals", dkron.seen().len());
    updater.stop().await;
}
