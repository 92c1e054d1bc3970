//! One replica: the real `dkron-ha serve`, at an address of its own as a pod has one.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dkron_ha::contract::{path, port};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::tied;

/// The program under test.
pub const SERVER: &str = env!("CARGO_BIN_EXE_dkron-ha");

/// Longer than a start, or an end, takes on any machine.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(5);

/// What every replica of a run has in common.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Where `tls.crt` and `tls.key` are, and logs go.
    pub directory: &'a Path,
    /// Seconds of `--drain`; `None`: its default.
    pub drain: Option<u64>,
}

/// Killed when dropped; killed by the kernel when this process dies without dropping anything.
pub struct Replica {
    ip: Ipv4Addr,
    child: Child,
    log: PathBuf,
}

impl Replica {
    /// Starts it, from the main thread.
    pub fn start(ground: &Ground) -> Result<Self> {
        Self::start_as(tied::command(Path::new(SERVER))?, ground, "never")
    }

    /// Starts `command`, which becomes [`SERVER`]. `watch` says whether it is to look at a cluster.
    pub fn start_as(mut command: Command, ground: &Ground, watch: &str) -> Result<Self> {
        let ip = own_address();
        let log = ground.directory.join(format!("{ip}.log"));
        let output = File::create(&log).context("a log")?;
        command
            .arg("serve")
            .arg(format!("--listen={ip}"))
            .arg(format!("--cert-dir={}", ground.directory.display()))
            .args(ground.drain.map(|seconds| format!("--drain={seconds}")))
            .arg(format!("--watch={watch}"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("sharing the log")?)
            .stderr(output);
        let child = command.spawn().context("starting dkron-ha serve")?;
        Ok(Self { ip, child, log })
    }

    /// Where reviews are answered.
    pub fn webhook(&self) -> SocketAddr {
        (self.ip, port::WEBHOOK).into()
    }

    /// As the kernel numbers it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `/readyz` says so, as the kubelet does.
    pub async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        while !answers_well((self.ip, port::ADMIN).into()).await {
            if let Some(status) = self.status()? {
                bail!("dkron-ha serve ended with {status}:\n{}", self.story());
            }
            if begun.elapsed() > PATIENCE {
                bail!("dkron-ha serve is not ready after {PATIENCE:?}:\n{}", self.story());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Sends a signal.
    pub fn send(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).context("sending a signal")
    }

    /// How it ended, if it did.
    pub fn status(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("asking after a replica")
    }

    /// Waits for the end.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if begun.elapsed() > PATIENCE {
                bail!("dkron-ha serve does not end within {PATIENCE:?}:\n{}", self.story());
            }
            sleep(PAUSE).await;
        }
    }

    /// What it logged.
    pub fn story(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // Failing means: gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn answers_well(admin: SocketAddr) -> bool {
    let ask = async {
        let (mut sender, connection) = handshake(TokioIo::new(TcpStream::connect(admin).await?)).await?;
        tokio::spawn(connection);
        let request = Request::get(path::READYZ).header("host", "replica").body(Empty::<Bytes>::new())?;
        anyhow::Ok(sender.send_request(request).await?.status() == StatusCode::OK)
    };
    ask.await.unwrap_or(false)
}

/// An address of loopback that no other replica of this machine has: each has the usual ports, as in pods.
fn own_address() -> Ipv4Addr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let number = GIVEN.fetch_add(1, Ordering::Relaxed) % 4096;
    let IpAddr::V4(ip) = IpAddr::from((0x7f80_0000 | (std::process::id() % 2048) << 12 | number).to_be_bytes()) else {
        return Ipv4Addr::LOCALHOST;
    };
    ip
}
