//! Memory while many clients send large bodies slowly: bounded by the budget, whatever they do.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::child::Process;
use crate::support::server::Server;
use crate::support::{raw, soon};

const CLIENTS: usize = 48;
const BODY: usize = 3 * 1024 * 1024;
const PAUSE: Duration = Duration::from_secs(3);
const BUDGET: &str = "DKRON_HA_TEST_BUDGET";
const BUDGET_BYTES: usize = 8 * 1024 * 1024;

/// Each client sends all but the end of its body, waits until all have or for [`PAUSE`], and sends the end. Prints how
/// memory grew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process whose memory the test below looks at"]
async fn crowd_with_large_bodies() {
    let budget: u32 = std::env::var(BUDGET).unwrap().parse().unwrap();
    let server = Server::start_with(|config| {
        config.limits.body_budget = budget;
        config.limits.request = Duration::from_secs(10);
        config.limits.body_read = Duration::from_secs(10);
    })
    .await;
    // What the first request leaves behind (threads, buffers, the allocator's arenas) is no growth.
    server.client().await.review("a").await;
    let body: Arc<[u8]> = vec![b'x'; BODY].into();
    let before = status("VmRSS");

    let arrived = Arc::new(Semaphore::new(0));
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (stream, body, arrived) = (server.stream().await, Arc::clone(&body), Arc::clone(&arrived));
        crowd.spawn(async move {
            let (mut reader, mut writer) = tokio::io::split(stream);
            let writing = tokio::spawn(async move {
                writer.write_all(raw::head_of(BODY).as_bytes()).await?;
                writer.write_all(&body[..BODY - 1]).await?;
                arrived.add_permits(1);
                drop(timeout(PAUSE, arrived.acquire_many(u32::try_from(CLIENTS).unwrap())).await);
                writer.write_all(&body[BODY - 1..]).await
            });
            let answer = raw::answer(&mut reader).await;
            writing.abort();
            answer.expect("an answer, not a reset").0
        });
    }
    let answers = soon("the crowd", crowd.join_all()).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    let (reviewed, refused) = (count(200), count(503));
    assert!(reviewed > 0 && reviewed + refused == CLIENTS, "{answers:?}");
    assert_eq!(server.client().await.review("a").await.status, 200);
    println!("\ngrowth_kib={} reviewed={reviewed} refused={refused}", status("VmHWM").saturating_sub(before));
}

/// A figure of this process in KiB.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// By how many KiB the memory of a server with this budget grew.
fn measure(budget: usize) -> usize {
    let mut process = Process::start("memory::crowd_with_large_bodies", &[(BUDGET, &budget.to_string())]);
    let figures = process.says("growth_kib=").expect("the crowd's figures");
    assert!(process.wait().success());
    println!("budget {} KiB: growth_kib={figures}", budget / 1024);
    figures.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn large_bodies_take_no_more_memory_than_their_budget() {
    let bounded = measure(BUDGET_BYTES);
    // The same crowd with room for all shows that it would have taken more.
    let unbounded = measure(2 * CLIENTS * BODY);
    // Beside the bodies, each connection may hold its buffers on both sides of this one process.
    let expected = BUDGET_BYTES / 1024 + CLIENTS * 512;
    assert!(bounded < expected, "{bounded} KiB grew, {expected} KiB expected at most");
    assert!(unbounded > 2 * bounded, "{unbounded} KiB with room for all, {bounded} KiB without");
}
