//! Nothing goes out while reviews are answered.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use nix::libc::SIGSYS;
use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::api_server::ApiServer;
use crate::figures::Row;
use crate::proxy::{Lag, Proxy};
use crate::replica::{Ground, PATIENCE, PAUSE, Replica, SERVER};
use crate::{authority, corpus, sealed, tied};

/// Passes through the whole corpus.
const PASSES: usize = 10;

/// A whole life under the ban: start, thousands of reviews, probes, end.
pub fn none_while_answering() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let tls = authority::write(directory.path())?;
    let reviews = corpus::reviews()?;
    let ground = Ground { directory: directory.path(), drain: Some(0) };
    Runtime::new()?.block_on(async {
        let mut replica = Replica::start_as(sealed_server()?, &ground, "never")?;
        replica.ready().await?;
        let status = fs::read_to_string(format!("/proc/{}/status", replica.id()))?;
        ensure!(status.contains("Seccomp:\t2\n"), "it runs without a filter:\n{status}");
        let at_once = Lag { least: Duration::ZERO, most: Duration::ZERO };
        let api_server = ApiServer::new(Proxy::new(at_once, &[replica.webhook()]), tls, Duration::from_secs(90));
        for (number, review) in (0..PASSES).flat_map(|_| &reviews).enumerate() {
            if let Err(lost) = api_server.ask(review).await {
                let status = replica.status()?;
                return Err(anyhow!("review {number}: {lost:?}; its process: {status:?}\n{}", replica.story()));
            }
        }
        replica.send(Signal::TERM)?;
        let status = replica.ended().await?;
        ensure!(status.success(), "it ended with {status}:\n{}", replica.story());
        Row::new("outbound calls forbidden", "every review answered, and an orderly end")
            .shows("reviews", PASSES * reviews.len())
            .finish()
    })
}

/// The same program, told to watch an API server: it calls, and with the ban it dies of that.
pub fn the_ban_bites() -> Result<()> {
    let directory = tempfile::tempdir()?;
    authority::write(directory.path())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let kubeconfig = directory.path().join("kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of(listener.local_addr()?))?;
    let ground = Ground { directory: directory.path(), drain: Some(0) };
    let start = |mut command: Command| {
        command.env("KUBECONFIG", &kubeconfig);
        Replica::start_as(command, &ground, "always")
    };
    Runtime::new()?.block_on(async {
        let mut replica = start(sealed_server()?)?;
        let status = replica.ended().await?;
        ensure!(status.signal() == Some(SIGSYS), "it ended with {status}:\n{}", replica.story());
        ensure!(listener.accept().is_err(), "it called all the same");

        let _free = start(tied::command(Path::new(SERVER))?)?;
        let begun = Instant::now();
        while listener.accept().is_err() {
            ensure!(begun.elapsed() < PATIENCE, "without the ban it calls nobody either");
            sleep(PAUSE).await;
        }
        Ok(())
    })
}

/// `dkron-ha` as a program that may call nobody.
fn sealed_server() -> Result<Command> {
    let this_program = std::env::current_exe().context("finding the test program")?;
    Ok(sealed::command(tied::command(&this_program)?, Path::new(SERVER)))
}

fn kubeconfig_of(server: SocketAddr) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: it
clusters: [{{name: it, cluster: {{server: \"http://{server}\"}}}}]
users: [{{name: it, user: {{}}}}]
contexts: [{{name: it, context: {{cluster: it, user: it}}}}]
"
    )
}
