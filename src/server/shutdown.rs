//! Who asks for the end: signals in production, a [`Trigger`] in tests and in `demo`.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Serve,
    Drain,
    End,
}

/// What [`Bound::run`](super::Bound::run) listens to.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Wish>);

/// Asks for the end. Dropped unused, it asks for nothing.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Wish>);

impl Shutdown {
    /// A pair of one who asks and one who listens.
    pub fn channel() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(Wish::Serve);
        (Trigger(sender), Self(receiver))
    }

    /// Listens to SIGTERM and SIGINT from now on: the first drains, the second ends at once.
    ///
    /// # Errors
    /// Where the system lets no handler be set. Must be called within a runtime.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (trigger, shutdown) = Self::channel();
        tokio::spawn(async move {
            for wish in [Wish::Drain, Wish::End] {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                tracing::info!(signal = name, second = wish == Wish::End, "asked to end");
                trigger.0.send_replace(wish);
            }
        });
        Ok(shutdown)
    }

    /// Waits until an orderly end, or one at once, is asked for.
    pub async fn drain(&mut self) {
        self.wished(Wish::Drain).await;
    }

    /// Waits until an end at once is asked for.
    pub async fn end(&mut self) {
        self.wished(Wish::End).await;
    }

    async fn wished(&mut self, wish: Wish) {
        if self.0.wait_for(|present| *present >= wish).await.is_err() {
            // Nobody is left to ask.
            std::future::pending::<()>().await;
        }
    }
}

impl Trigger {
    /// Asks for an orderly end, as the first signal does.
    pub fn drain(&self) {
        self.0.send_if_modified(|present| std::mem::replace(present, Wish::Drain.max(*present)) < Wish::Drain);
    }

    /// Asks for an end at once, as the second signal does.
    pub fn end(&self) {
        self.0.send_replace(Wish::End);
    }
}
