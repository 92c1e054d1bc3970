//! Reads a body, at most so much and until then.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;

/// The announced length, where there is one.
pub fn announced(body: &Body) -> Option<u64> {
    body.size_hint().exact()
}

/// Reads `body` to its end.
///
/// # Errors
/// [`Refusal::TooLarge`] as soon as more than `most` bytes came, whatever was announced; [`Refusal::SlowBody`] at the
/// deadline; [`Refusal::BrokenBody`] where the end never comes.
pub async fn read(body: Body, most: u32, deadline: Instant) -> Result<Vec<u8>, Refusal> {
    timeout_at(deadline, collect(body, most)).await.unwrap_or(Err(Refusal::SlowBody))
}

async fn collect(mut body: Body, most: u32) -> Result<Vec<u8>, Refusal> {
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    let expected = announced(&body).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(expected.min(limit));
    while let Some(frame) = body.frame().await {
        // Each frame is a part of the connection's buffer; copying it lets the connection use the buffer again.
        let data: Bytes = match frame.map_err(|_| Refusal::BrokenBody)?.into_data() {
            Ok(data) => data,
            Err(_trailers) => continue,
        };
        if data.len() > limit - bytes.len() {
            return Err(Refusal::TooLarge(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
        assert_eq!(read(Body::from("12345"), 5, soon()).await.unwrap(), b"12345");
        assert_eq!(read(Body::from("123456"), 5, soon()).await, Err(Refusal::TooLarge(5)));
        assert_eq!(read(Body::empty(), 5, soon()).await.unwrap(), b"");
    }
}
