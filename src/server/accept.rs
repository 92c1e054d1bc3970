//! Accepts connections: first a free place, then a connection, so that whoever is too many waits in the kernel's queue.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection::{self, Host};
use super::phase::Phase;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts until the server is [`Phase::Waiting`]; then the listener is closed. Each connection holds one of `places`
/// while it lives.
pub async fn run(listener: TcpListener, host: Arc<Host>, places: Arc<Semaphore>) {
    let mut waiting = host.watch.clone();
    tokio::select! {
        () = waiting.reached(Phase::Waiting) => {}
        () = accept(&listener, &host, &places) => {}
    }
}

async fn accept(listener: &TcpListener, host: &Arc<Host>, places: &Arc<Semaphore>) {
    let mut pause = FIRST_PAUSE;
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                let host = Arc::clone(host);
                tokio::spawn(async move {
                    connection::run(stream, peer, &host).await;
                    drop(place);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Most likely no file descriptor is free: asking again at once would only burn the processor.
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether the fault was one connection's, so that the next may be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn only_a_shortage_makes_a_pause() {
        for (errno, of_one) in [
            (Errno::CONNABORTED, true),
            (Errno::INTR, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
        ] {
            assert_eq!(is_of_one_connection(&errno.into()), of_one, "{errno}");
        }
    }
}
