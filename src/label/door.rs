//! The wrapper's door to a dkron that speaks TLS or wants credentials: a Unix socket in the shared volume. The wrapper has neither a
//! TLS library nor a Secret, and dkron's jobs, which run in the same container, are not to have one either.
//!
//! What comes in is looked up in [`LETS_THROUGH`]; what goes out is a new request without the other's headers and body. So whoever
//! connects may ask what the wrapper asks, and no more.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::LabelConfig;

/// What the wrapper asks of its dkron, and nothing else.
const LETS_THROUGH: [(Method, &str); 5] = [
    (Method::GET, "/v1/leader"),
    (Method::GET, "/v1/isleader"),
    (Method::GET, "/v1/members"),
    (Method::GET, "/v1/busy"),
    (Method::POST, "/v1/leave"),
];

/// Whoever may enter the directory may connect: the wrapper's user is the image's, and often not ours.
const MODE: u32 = 0o666;

/// A wrapper asks one thing after another, on a few threads.
const CONNECTIONS: usize = 8;

/// Of one connection: dkron itself gives a leave up after 11 s.
const CONNECTION: Duration = Duration::from_secs(20);

/// After a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// Serves for ever.
pub(super) async fn serve(config: LabelConfig) {
    let config = Arc::new(config);
    loop {
        match bind(&config.door) {
            Ok(listener) => accept(&listener, &config).await,
            Err(error) => tracing::error!(path = %config.door.display(), %error, "no door to dkron: cannot bind"),
        }
        sleep(config.pace.rebind).await;
    }
}

/// In the place of what an earlier life of this container has left there.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    Ok(listener)
}

async fn accept(listener: &UnixListener, config: &Arc<LabelConfig>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed; if it were, there would be nothing to serve.
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let config = Arc::clone(config);
                tokio::spawn(async move {
                    let _permit = permit;
                    answer_one(stream, &config).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept at the door");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer_one(stream: UnixStream, config: &LabelConfig) {
    let service = service_fn(|request| pass_on(request, config));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection at the door"),
        Err(_) => tracing::debug!("connection at the door took too long"),
    }
}

async fn pass_on(request: Request<Incoming>, config: &LabelConfig) -> Result<Answer, Infallible> {
    let asked = request.uri();
    if !lets_through(request.method(), asked.path(), asked.query()) {
        return Ok(own(StatusCode::FORBIDDEN, "this door is for the wrapper's questions only\n".into()));
    }
    Ok(match config.dkron.send(request.method().clone(), asked.path()).await {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            let mut answer = Response::new(Either::Left(body));
            *answer.status_mut() = head.status;
            if let Some(kind) = head.headers.get(CONTENT_TYPE) {
                answer.headers_mut().insert(CONTENT_TYPE, kind.clone());
            }
            answer
        }
        Err(error) => own(StatusCode::BAD_GATEWAY, format!("{error}\n")),
    })
}

fn own(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Either::Right(Full::from(text)));
    *answer.status_mut() = status;
    answer
}

/// Whether the wrapper asks such a thing. A query would be another question.
fn lets_through(method: &Method, path: &str, query: Option<&str>) -> bool {
    query.is_none() && LETS_THROUGH.iter().any(|(may, what)| may == method && *what == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_wrapper_asks_passes() {
        for (method, path) in LETS_THROUGH {
            assert!(lets_through(&method, path, None), "{method} {path}");
            assert!(!lets_through(&method, path, Some("x=1")), "{method} {path} with a query");
            assert!(!lets_through(&method, &format!("{path}/"), None), "{method} {path}/");
            assert!(!lets_through(&method, &format!("/{path}"), None), "{method} /{path}");
            let other = if method == Method::GET { Method::POST } else { Method::GET };
            assert!(!lets_through(&other, path, None), "{other} {path}");
        }
        for path in ["/v1/jobs", "/v1/restore", "/v1/members/../jobs", "/v1/LEAVE", "/", ""] {
            assert!(!lets_through(&Method::POST, path, None) && !lets_through(&Method::GET, path, None), "{path}");
        }
    }
}
