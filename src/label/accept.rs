//! Connections one after another, so many at once, each for one request and so long: what the own port and the door have in common.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// After a failed accept, which may mean that no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(200);

/// A place where requests come in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Follows what is said of a connection.
    pub at: &'static str,
    /// So many at once; others wait.
    pub connections: usize,
    /// From accepting a connection to the end of its one answer.
    pub connection: Duration,
}

impl Place {
    /// Lets `answer` answer whoever `next` brings, for ever.
    pub async fn serve<S, N, A, B>(
        self,
        next: impl Fn() -> N,
        answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        N: Future<Output = io::Result<S>>,
        A: Future<Output = Response<B>> + Send,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let Self { at, connections, .. } = self;
        let permits = Arc::new(Semaphore::new(connections));
        // The semaphore is never closed; if it were, there would be nothing to serve.
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            match next().await {
                Ok(stream) => {
                    let answer = answer.clone();
                    tokio::spawn(async move {
                        let _permit = permit;
                        self.answer_one(stream, answer).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept{at}");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn answer_one<S, A, B>(self, stream: S, answer: impl Fn(Request<Incoming>) -> A)
    where
        S: AsyncRead + AsyncWrite + Unpin,
        A: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    {
        let Self { at, connection: limit, .. } = self;
        let service = service_fn(move |request| {
            let answer = answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        match timeout(limit, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "connection{at}"),
            Err(_) => tracing::debug!("connection{at} took too long"),
        }
    }
}
