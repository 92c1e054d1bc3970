//! The wrapper's door to a dkron that speaks TLS or wants credentials: a Unix socket in the shared volume. The wrapper has neither a
//! TLS library nor a Secret, and dkron's jobs, which run in the same container, are not to have one either.
//!
//! What comes in is looked up in [`LETS_THROUGH`]; what goes out is a new request without the other's headers and body. So whoever
//! connects may ask what the wrapper asks, and no more.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::UnixListener;
use tokio::time::sleep;

use super::LabelConfig;
use super::accept::Place;

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

/// A wrapper asks one thing after another, on a few threads. dkron itself gives a leave up after 11 s.
const PLACE: Place = Place { at: " at the door", connections: 8, connection: Duration::from_secs(20) };

type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// Serves for ever.
pub(super) async fn serve(config: LabelConfig) {
    let config = Arc::new(config);
    loop {
        match bind(&config.door) {
            Ok(listener) => {
                let next = async || listener.accept().await.map(|(stream, _)| stream);
                let config = Arc::clone(&config);
                PLACE.serve(next, move |request| pass_on(request, Arc::clone(&config))).await;
            }
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

async fn pass_on(request: Request<Incoming>, config: Arc<LabelConfig>) -> Answer {
    let asked = request.uri();
    if !lets_through(request.method(), asked.path(), asked.query()) {
        return own(StatusCode::FORBIDDEN, "this door is for the wrapper's questions only\n".into());
    }
    match config.dkron.send(request.method().clone(), asked.path()).await {
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
    }
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
