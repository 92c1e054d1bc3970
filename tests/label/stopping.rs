//! The last thing that the label says is `"false"`.

use std::time::Duration;

use tokio::time::sleep;

use crate::neighbours::{Play, Played, Updater, quick};

const LEADER: Play = Play::Answer(200, "\"I am a leader\"");
const ACCEPTED: Play = Play::Answer(200, "");

#[tokio::test]
async fn a_leader_that_stops_takes_the_label_away_at_once() {
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(1).await;
    let took = updater.stop().await;
    assert_eq!(api.leaders(), ["true", "false"]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_refusal_at_the_end_is_tried_again() {
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(1).await;
    api.play(Play::Answer(500, ""));
    let (took, ()) = tokio::join!(updater.stop(), async {
        api.until(2).await;
        api.play(ACCEPTED);
    });
    let leaders = api.leaders();
    assert_eq!(leaders[0], "true");
    assert!(leaders.len() >= 3 && leaders[1..].iter().all(|leader| leader == "false"), "{leaders:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn an_api_server_that_is_away_does_not_hold_up_the_end() {
    let mut pace = quick();
    pace.farewell = Duration::from_millis(700);
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, pace).await;
    api.until(1).await;
    api.play(Play::Silence);
    let took = updater.stop().await;
    assert!(took >= pace.farewell && took < pace.farewell + Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_patch_under_way_is_not_overtaken_by_the_last_one() {
    let mut pace = quick();
    pace.patch = Duration::from_secs(5);
    let (dkron, api) = (Played::start(LEADER).await, Played::start(Play::Slow(Duration::from_secs(1), 200)).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, pace).await;
    // dkron has answered, so the patch to "true" is on its way or about to be.
    dkron.until(1).await;
    sleep(Duration::from_millis(300)).await;
    assert!(api.leaders().is_empty(), "not carried out yet");
    updater.stop().await;
    assert_eq!(api.leaders(), ["true", "false"]);
}

#[tokio::test]
async fn a_dkron_that_hangs_does_not_hold_up_the_end() {
    let mut pace = quick();
    pace.ask = Duration::from_secs(5);
    let (dkron, api) = (Played::start(Play::Silence).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, pace).await;
    dkron.until(1).await;
    let took = updater.stop().await;
    assert_eq!(api.leaders(), ["false"]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn while_the_wrapper_is_there_it_goes_on_after_it_was_told_to_stop() {
    let mut pace = quick();
    pace.outlive = Duration::from_secs(60);
    let (dkron, api) = (Played::start(LEADER).await, Played::start(ACCEPTED).await);
    let wrapper = Played::start(Play::Answer(200, "alive")).await;
    let updater = Updater::start(dkron.address, wrapper.address, api.address, pace).await;
    api.until(1).await;
    let (took, ()) = tokio::join!(updater.stop(), async {
        // A plain container is told together with dkron, whose farewell goes on.
        sleep(Duration::from_millis(1500)).await;
        assert_eq!(api.leaders(), ["true"], "it still leads");
        dkron.play(Play::Answer(404, "\"I am a follower\""));
        api.until(2).await;
        drop(wrapper);
    });
    assert_eq!(api.leaders(), ["true", "false", "false"]);
    assert!(took >= Duration::from_millis(1500), "{took:?}");
}
