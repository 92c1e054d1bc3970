//! The API server: where a pod finds it, and the token, which is read anew for each request.
//!
//! kube keeps a token for a minute. One that has been taken away meanwhile would leave the label wrong for as long.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Request;
use hyper::header::{AUTHORIZATION, HeaderValue};
use kube::Client;
use kube::client::Body;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower_service::Service;

use crate::contract::{env, path};

/// Why the API server cannot be found from within the pod.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Kubernetes sets this variable in every container.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// Host and port make no address.
    #[error("{host:?} and {port:?} make no address")]
    Address {
        /// `KUBERNETES_SERVICE_HOST`.
        host: String,
        /// `KUBERNETES_SERVICE_PORT`.
        port: String,
    },
    /// The authority that vouches for the API server.
    #[error("no certificates in {}: {why}", file.display())]
    Authority {
        /// Where it should be.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The token of the account.
    #[error("no token in {}", file.display())]
    Token {
        /// Where it should be.
        file: PathBuf,
        /// What the system says.
        #[source]
        why: io::Error,
    },
}

/// What a container is told by its variables and by the mounted directory of its account.
///
/// # Errors
/// [`AccessError`] naming what is missing.
pub(super) fn from_within(variable: impl Fn(&str) -> Option<String>) -> Result<kube::Config, AccessError> {
    let text = |name| variable(name).filter(|value| !value.is_empty()).ok_or(AccessError::Missing(name));
    let (host, port) = (text(env::KUBERNETES_HOST)?, text(env::KUBERNETES_PORT)?);
    let place = match host.parse() {
        Ok(IpAddr::V6(ip)) => format!("https://[{ip}]:{port}"),
        Ok(IpAddr::V4(_)) | Err(_) => format!("https://{host}:{port}"),
    };
    let address = place.parse().map_err(|_| AccessError::Address { host, port })?;
    let account = PathBuf::from(variable(env::ACCOUNT).unwrap_or_else(|| path::SERVICE_ACCOUNT.into()));

    let mut config = kube::Config::new(address);
    let (authority, token) = (account.join("ca.crt"), account.join("token"));
    config.root_cert = Some(certificates(&authority)?);
    // Read again by kube from time to time.
    config.root_cert_file = Some(authority);
    bearer(&token).map_err(|why| AccessError::Token { file: token.clone(), why })?;
    config.auth_info.token_file = Some(token.to_string_lossy().into_owned());
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<Vec<u8>>, AccessError> {
    let wrong = |why: String| AccessError::Authority { file: file.to_owned(), why };
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).map(|one| one.map(|one| one.to_vec())).collect();
    let all = all.map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() { Err(wrong("the file holds none".into())) } else { Ok(all) }
}

/// A client that tries nothing again by itself: `decision` and `set` know when, and what has become outdated meanwhile.
pub(super) fn client(mut config: kube::Config) -> kube::Result<Client> {
    config.default_retry = false;
    let token = config.auth_info.token_file.take();
    let namespace = config.default_namespace.clone();
    let inner = Client::try_from(config)?;
    Ok(match token {
        None => inner,
        Some(token) => Client::new(Bearer { inner, token: token.into() }, namespace),
    })
}

/// Puts the token as it is now into each request.
struct Bearer {
    inner: Client,
    token: PathBuf,
}

impl Service<Request<Body>> for Bearer {
    type Response = hyper::Response<Body>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = kube::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        let bearer = bearer(&self.token);
        Box::pin(async move {
            let bearer = bearer.map_err(|error| kube::Error::Service(error.into()))?;
            request.headers_mut().insert(AUTHORIZATION, bearer);
            inner.send(request).await
        })
    }
}

fn bearer(token: &Path) -> io::Result<HeaderValue> {
    let token = std::fs::read_to_string(token)?;
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(io::Error::other)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
