//! Look, decide, act.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::api_server::{ApiServer, Refusal};
use super::{Observer, Outcome, Request, bell, shape};
use crate::certs::leaf::KeepError;
use crate::certs::world::{Secret, Step, World};
use crate::certs::{Board, Jitter, Keeper, Moment, Served, Sight};

/// Between two looks where nothing is kept: the watch tells of changes, this makes up for what it missed.
const LOOK: Duration = Duration::from_secs(60);
/// After the first failure; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After a conflict, at most: replicas that met once should not meet again.
const STEP_ASIDE: Duration = Duration::from_millis(200);

/// Keeps the authority, the registration's bundle and the certificate that is served.
pub struct Keeping {
    /// Who decides.
    pub keeper: Keeper,
    /// Where the result is served.
    pub served: Arc<Served>,
}

/// Reads the registration for readiness and, where something is kept, does what has to be done.
pub struct Upkeep {
    api: ApiServer,
    client: Client,
    board: Arc<Board>,
    keeping: Option<Keeping>,
    observer: Arc<dyn Observer>,
    jitter: Jitter,
    /// Failures in a row.
    failures: u32,
}

/// When to look again.
enum Again {
    /// At once: the world has changed.
    Now,
    /// After a pause that sets replicas apart.
    Aside,
    /// After this long, or when the bell rings.
    In(Duration),
}

/// Why a look, or what followed from it, failed.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl Upkeep {
    /// For the installation in `namespace`. What is seen is put up at `board`; without `keeping` nothing is ever written.
    pub fn new(
        client: Client,
        namespace: &str,
        board: Arc<Board>,
        keeping: Option<Keeping>,
        observer: Arc<dyn Observer>,
        jitter: Jitter,
    ) -> Self {
        let api = ApiServer::new(client.clone(), namespace);
        Self { api, client, board, keeping, observer, jitter, failures: 0 }
    }

    /// Goes on for ever.
    pub async fn run(mut self) {
        let bell = Arc::new(Notify::new());
        let ringing = bell::ring(self.client.clone(), Arc::clone(&bell));
        tokio::select! {
            () = ringing => {}
            () = async {
                loop {
                    match self.look().await {
                        Ok(again) => self.pause(again, &bell).await,
                        Err(trouble) => {
                            let pause = self.failed(&trouble);
                            self.pause(Again::In(pause), &bell).await;
                        }
                    }
                }
            } => {}
        }
    }

    async fn pause(&self, again: Again, bell: &Notify) {
        match again {
            Again::Now => {}
            Again::Aside => sleep(STEP_ASIDE / 10 + self.jitter.of_duration(STEP_ASIDE)).await,
            Again::In(pause) => tokio::select! {
                () = sleep(pause) => {}
                () = bell.notified() => {}
            },
        }
    }

    /// One look at the world, and the one thing that follows from it.
    async fn look(&mut self) -> Result<Again, Trouble> {
        // Before the Secret: see `World`.
        let sight = self.api.registration().await;
        self.note(Request::ReadRegistration, &sight);
        let unread = match sight {
            Ok(sight) => {
                self.board.saw(sight);
                None
            }
            Err(refusal) => {
                self.board.saw(Sight::Unread(refusal.to_string()));
                Some(refusal)
            }
        };
        let Some(keeping) = &mut self.keeping else {
            if let Some(refusal) = unread {
                return Err(refusal.into());
            }
            self.recovered();
            return Ok(Again::In(LOOK));
        };
        let read = self.api.secret().await;
        self.observer.asked(Request::ReadSecret, outcome(&read));
        let secret = match &read {
            Ok(Some(secret)) => Secret::Present(shape::stored(secret)),
            Ok(None) => Secret::Absent,
            Err(_) => Secret::Unread,
        };
        // What was seen last counts on while the API server is away: leaves are renewed all the same.
        let world = World { sight: Sight::clone(&self.board.sight()), secret };
        let step = keeping.keeper.next(&world, Moment::now())?;
        self.board.keeps(keeping.keeper.authority());
        match step {
            Step::Serve(pair) => {
                let (names, not_after) = (pair.names().join(" "), pair.validity().not_after);
                tracing::info!(names, not_after, "a new certificate is served");
                keeping.served.replace(pair);
                self.observer.swapped();
                Ok(Again::Now)
            }
            Step::Wait(pause) => {
                if let Some(refusal) = unread.or(read.err()) {
                    return Err(refusal.into());
                }
                self.recovered();
                Ok(Again::In(pause))
            }
            step => self.act(step, read.ok().flatten()).await,
        }
    }

    /// Asks the API server for one change.
    async fn act(&mut self, step: Step, read: Option<k8s_openapi::api::core::v1::Secret>) -> Result<Again, Trouble> {
        let (request, done) = match step {
            Step::Create { data } => {
                let done = self.api.create(data).await;
                if done.is_ok() {
                    tracing::info!("an authority was made and kept in a Secret");
                }
                (Request::WriteSecret, done)
            }
            Step::Replace { version, data, why } => {
                let done = self.api.replace(read.unwrap_or_default(), data).await;
                match (&done, &mut self.keeping) {
                    (Ok(()), _) => tracing::warn!(%why, "the Secret of the authority was replaced"),
                    (Err(Refusal::Invalid(_)), Some(keeping)) => keeping.keeper.refused(&version),
                    _ => {}
                }
                (Request::WriteSecret, done)
            }
            Step::Discard { uid, version, why } => {
                let done = self.api.discard(uid, version).await;
                if done.is_ok() {
                    tracing::warn!(%why, "the Secret of the authority was deleted: it could not be replaced");
                }
                (Request::WriteSecret, done)
            }
            Step::Publish { version, entries, bundle } => {
                let done = self.api.publish(&version, &entries, &bundle).await;
                if done.is_ok() {
                    tracing::info!(webhooks = entries.len(), "the caBundle of the registration was written");
                }
                (Request::WriteRegistration, done)
            }
            Step::Serve(_) | Step::Wait(_) => return Ok(Again::Now),
        };
        self.note(request, &done);
        match done {
            Ok(()) => Ok(Again::Now),
            Err(Refusal::Conflict(why)) => {
                tracing::debug!(why, "somebody else was first");
                Ok(Again::Aside)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn note<T>(&self, request: Request, done: &Result<T, Refusal>) {
        self.observer.asked(request, outcome(done));
    }

    /// How long to pause. An outage is told once, not at every attempt.
    fn failed(&mut self, trouble: &Trouble) -> Duration {
        let times = self.failures.min(6);
        self.failures += 1;
        if times == 0 {
            tracing::warn!(error = %trouble, "the certificate cannot be kept up, trying again; what is served stays");
        } else {
            tracing::debug!(error = %trouble, "the certificate cannot be kept up, trying again");
        }
        let pause = (FIRST_PAUSE * (1 << times)).min(LONGEST_PAUSE);
        pause.saturating_sub(self.jitter.of_duration(pause / 3))
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            tracing::info!("the certificate is kept up again");
        }
    }
}

fn outcome<T>(done: &Result<T, Refusal>) -> Outcome {
    done.as_ref().map_or_else(Refusal::outcome, |_| Outcome::Done)
}
