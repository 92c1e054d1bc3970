//! The real `dkron-ha serve`, on loopback, with the account and the rights that it is installed with.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use dkron_ha::contract::path::{METRICS, READYZ};

use crate::control_plane::LOGS;
use crate::counts::Counts;
use crate::http;
use crate::process::{Ended, Process};
use crate::program;
use crate::wait::wait_until;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// With a drain of 0 s nothing but the answers under way is waited for.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Each start chooses new ports.
const STARTS: usize = 3;

/// Runs while it lives, except in [`Webhook::while_down`].
pub struct Webhook {
    process: Mutex<Option<Process>>,
    ports: Ports,
    certificates: PathBuf,
    kubeconfig: PathBuf,
    /// Of the processes before the present one.
    earlier: Mutex<Counts>,
}

/// Of one process.
pub struct Ports {
    pub webhook: u16,
    pub admin: u16,
}

impl Ports {
    pub fn choose() -> Result<Self> {
        // Both are held at once, so that they differ.
        let held = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
        Ok(Self { webhook: held[0].local_addr()?.port(), admin: held[1].local_addr()?.port() })
    }
}

impl Webhook {
    /// Starts it and waits until it is ready. `kubeconfig` says whose rights it has.
    pub fn start(certificates: &Path, kubeconfig: &Path) -> Result<Self> {
        for _ in 1..STARTS {
            match Self::start_once(certificates, kubeconfig) {
                Err(error) if error.downcast_ref().is_some_and(Ended::for_a_taken_port) => {}
                result => return result,
            }
        }
        Self::start_once(certificates, kubeconfig)
    }

    fn start_once(certificates: &Path, kubeconfig: &Path) -> Result<Self> {
        let webhook = Self {
            process: Mutex::default(),
            ports: Ports::choose()?,
            certificates: certificates.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            earlier: Mutex::default(),
        };
        webhook.up()?;
        Ok(webhook)
    }

    /// Where reviews are answered.
    pub fn port(&self) -> u16 {
        self.ports.webhook
    }

    fn up(&self) -> Result<()> {
        let arguments = [
            "serve".to_owned(),
            format!("--listen={}", Ipv4Addr::LOCALHOST),
            format!("--webhook-port={}", self.ports.webhook),
            format!("--admin-port={}", self.ports.admin),
            format!("--cert-dir={}", self.certificates.display()),
            "--drain=0".to_owned(), // the one API server is told by nobody that a replica goes
            "--watch=always".to_owned(), // agents find their cluster as in a real installation
            "--log=dkron_ha=debug".to_owned(),
        ];
        let environment = [("KUBECONFIG", self.kubeconfig.as_os_str())];
        let mut process = Process::start("dkron-ha-serve", program::path(), &arguments, &environment, Path::new(LOGS))?;
        let ready = wait_until("dkron-ha serve to be ready", READY_WITHIN, || {
            process.check()?;
            Ok(http::get(self.ports.admin, READYZ).is_ok_and(|answer| answer.status == 200).then_some(()))
        });
        if let Err(error) = ready {
            return Err(if error.is::<Ended>() { error } else { anyhow!("{error}\n{}", process.story()) });
        }
        *lock(&self.process) = Some(process);
        Ok(())
    }

    /// Ends it as Kubernetes does: TERM, and it has to end itself, with 0.
    fn down(&self) -> Result<()> {
        let counts = self.present()?;
        let Some(process) = lock(&self.process).take() else { bail!("the webhook does not run") };
        let mut earlier = lock(&self.earlier);
        *earlier = std::mem::take(&mut *earlier).and(&counts);
        let status = process.terminate(ENDS_WITHIN)?;
        ensure!(status.success(), "dkron-ha serve ended with {status} after TERM");
        Ok(())
    }

    /// Does something while the webhook is gone, and starts it again on the same ports, whatever came of it.
    pub fn while_down<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<T> {
        self.down()?;
        let outcome = scenario();
        self.up().context("starting the webhook again")?;
        outcome
    }

    /// Reviews answered since the first start.
    pub fn counts(&self) -> Result<Counts> {
        Ok(self.present()?.and(&lock(&self.earlier)))
    }

    /// Does something, and gives the reviews that were answered meanwhile.
    pub fn counting<T>(&self, scenario: impl FnOnce() -> Result<T>) -> Result<(T, Counts)> {
        let before = self.counts()?;
        let outcome = scenario()?;
        Ok((outcome, self.counts()?.since(&before)))
    }

    fn present(&self) -> Result<Counts> {
        let answer = http::get(self.ports.admin, METRICS).context("asking the webhook for its metrics")?;
        ensure!(answer.status == 200, "{METRICS} answers with {}", answer.status);
        Counts::read(&answer.body)
    }
}

/// A scenario that panicked has failed, and that is all.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
