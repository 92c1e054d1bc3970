//! The API server's client for webhooks, as far as a rollout meets it: HTTP/1.1 over TLS, a pool of connections that are kept for
//! a while after their last use, the one that was used last first; a POST is sent again only if no byte of it was written to a
//! connection of the pool.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use dkron_ha::contract::path;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::authority::NAME;
use crate::corpus::Review;
use crate::proxy::Proxy;

/// `timeoutSeconds` of the registration.
const PATIENCE: Duration = Duration::from_secs(3);

/// Unused connections that are kept, at most.
const POOL: usize = 25;

/// One API server, on the node of its proxy.
pub struct ApiServer {
    pub proxy: Proxy,
    tls: TlsConnector,
    /// How long an unused connection is kept.
    idle: Duration,
    pool: Mutex<Vec<Connection>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    to: SocketAddr,
    used: Instant,
}

/// How a review was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Over a connection that was made for it.
    pub dialled: bool,
    /// The answer ended the connection.
    pub closes: bool,
}

/// Why a review got no answer, or not the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The proxy knew no endpoint.
    Nowhere,
    /// Nobody listened, or TLS failed.
    NoConnection,
    /// The connection ended before the answer.
    BrokenOff,
    /// No answer in time.
    Late,
    /// Another status than 200.
    Status(StatusCode),
    /// Another answer than the engine's.
    Wrong,
}

/// A review that was lost: the user sees an error.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    pub fault: Fault,
    /// Whom it was sent to last, or was to be.
    pub to: Option<SocketAddr>,
    /// When that was tried.
    pub at: Instant,
}

impl ApiServer {
    pub fn new(proxy: Proxy, tls: TlsConnector, idle: Duration) -> Self {
        Self { proxy, tls, idle, pool: Mutex::default() }
    }

    /// Asks the webhook.
    pub async fn ask(&self, review: &Review) -> Result<Answered, Lost> {
        let (mut to, mut at) = (None, Instant::now());
        let outcome = timeout(PATIENCE, self.post(review, &mut to, &mut at)).await;
        outcome.unwrap_or(Err(Fault::Late)).map_err(|fault| Lost { fault, to, at })
    }

    async fn post(&self, review: &Review, to: &mut Option<SocketAddr>, at: &mut Instant) -> Result<Answered, Fault> {
        let mut request = request(&review.body).map_err(|_| Fault::Wrong)?;
        loop {
            *at = Instant::now();
            let pooled = self.take();
            let dialled = pooled.is_none();
            let mut connection = if let Some(connection) = pooled {
                connection
            } else {
                *to = self.proxy.choose();
                self.dial(to.ok_or(Fault::Nowhere)?).await.map_err(|_| Fault::NoConnection)?
            };
            *to = Some(connection.to);
            let response = match connection.sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !dialled => {
                        request = unsent;
                        continue;
                    }
                    _ => return Err(Fault::BrokenOff),
                },
            };
            let (head, body) = response.into_parts();
            let answer = body.collect().await.map_err(|_| Fault::BrokenOff)?.to_bytes();
            let closes = head.headers.get(CONNECTION).is_some_and(|value| value == "close");
            if !closes {
                self.put(connection);
            }
            return match head.status {
                StatusCode::OK if answer == review.answer => Ok(Answered { dialled, closes }),
                StatusCode::OK => Err(Fault::Wrong),
                status => Err(Fault::Status(status)),
            };
        }
    }

    async fn dial(&self, to: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(ServerName::try_from(NAME)?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, to, used: Instant::now() })
    }

    /// The connection that was used last, unless it is known to be closed.
    fn take(&self) -> Option<Connection> {
        let mut pool = self.pool();
        while let Some(connection) = pool.pop() {
            if self.keeps(&connection) {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, connection: Connection) {
        let mut pool = self.pool();
        pool.retain(|kept| self.keeps(kept));
        if pool.len() < POOL {
            pool.push(Connection { used: Instant::now(), ..connection });
        }
    }

    fn keeps(&self, connection: &Connection) -> bool {
        !connection.sender.is_closed() && connection.used.elapsed() < self.idle
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(body: &Bytes) -> hyper::http::Result<Request<Full<Bytes>>> {
    Request::post(format!("{}?timeout=3s", path::MUTATE))
        .header(HOST, NAME)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body.clone()))
}
