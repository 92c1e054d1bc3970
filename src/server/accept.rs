//! Accepts connections: first a free place, then a connection, so that whoever is too many waits in the kernel's queue.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::connection::{self, Host};
use super::phase::Phase;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts until the server is [`Phase::Waiting`]; then the listener is closed. Each connection holds one of `places`
/// while it lives. Whoever has connected by then is served, too: with the listener the kernel would reset its whole queue.
pub async fn run(listener: TcpListener, host: Arc<Host>, places: Arc<Semaphore>) {
    let mut waiting = host.watch.clone();
    tokio::select! {
        () = waiting.reached(Phase::Waiting) => {}
        () = accept(&listener, &host, &places) => {}
    }
    for (stream, peer) in queued(listener) {
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            serve(stream, peer, Arc::clone(&host), place);
        }
    }
}

fn serve(stream: TcpStream, peer: SocketAddr, host: Arc<Host>, place: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        connection::run(stream, peer, &host).await;
        drop(place);
    });
}

/// Those who are in the kernel's queue at this moment.
fn queued(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let next = || {
        let (stream, peer) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok::<_, io::Error>((TcpStream::from_std(stream)?, peer))
    };
    std::iter::from_fn(|| next().ok()).collect()
}

async fn accept(listener: &TcpListener, host: &Arc<Host>, places: &Arc<Semaphore>) {
    let mut pause = FIRST_PAUSE;
    while let Ok(place) = Arc::clone(places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                serve(stream, peer, Arc::clone(host), place);
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

    #[tokio::test]
    async fn who_is_in_the_queue_is_taken_before_the_listener_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || std::net::TcpStream::connect(address);
        let _clients = [connect().unwrap(), connect().unwrap()];
        assert_eq!(queued(listener).len(), 2);
        assert!(connect().is_err());
    }

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
