//! Every answer that is no `AdmissionReview`: a status and one line of plain text. The API server shows the text to
//! the user where `failurePolicy` is Fail, so it says what happened and never shows the object.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use crate::contract::path;
use crate::review::{Account, ReviewError};

/// Why a request gets no review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another path than the one that is served.
    #[error("there is nothing here; reviews are answered at POST {}", path::MUTATE)]
    NoSuchPath,
    /// Another method than POST.
    #[error("{} answers POST only", path::MUTATE)]
    NotAPost,
    /// Another content type than JSON.
    #[error("the content type must be application/json")]
    NotJson,
    /// More than [`Limits::body`](super::Limits::body).
    #[error("the body is larger than {0} bytes")]
    TooLarge(u32),
    /// The body did not come in time.
    #[error("the body did not arrive in time")]
    SlowBody,
    /// The connection ended, or its framing was broken, within the body.
    #[error("the body broke off")]
    BrokenBody,
    /// The reviewer cannot answer such a body.
    #[error("{0}")]
    Malformed(String),
    /// No memory for the body became free in time.
    #[error("too many large requests at once; try again")]
    NoRoom,
    /// No review slot became free in time.
    #[error("too many requests at once; try again")]
    Busy,
    /// The review took longer than the client waits.
    #[error("the review did not end in time; try again")]
    Late,
    /// The account that the pod needs did not come in time.
    #[error(
        "service account {} of namespace {} does not exist; the controller makes it in opted-in namespaces; try again",
        .0.name, .0.namespace
    )]
    NoAccount(Account),
    /// The reviewer's own fault.
    #[error("{0}")]
    Internal(String),
    /// The reviewer panicked.
    #[error("an internal error of dkron-ha; its log has the place")]
    Panicked,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NotAPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenBody | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoRoom | Self::Busy | Self::Late => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoAccount(_) | Self::Internal(_) | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the body may not have been read, so that nothing more can be understood on the connection.
    fn leaves_body_unread(&self) -> bool {
        match self {
            Self::NoSuchPath
            | Self::NotAPost
            | Self::NotJson
            | Self::TooLarge(_)
            | Self::SlowBody
            | Self::BrokenBody
            | Self::NoRoom => true,
            Self::Malformed(_) | Self::Busy | Self::Late | Self::NoAccount(_) | Self::Internal(_) | Self::Panicked => {
                false
            }
        }
    }

    /// The answer.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if *self == Self::NotAPost {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        if self.leaves_body_unread() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// One line in the log. What a malformed body was about stays out: its text may quote the object.
    pub fn log(&self) {
        let status = self.status().as_u16();
        match self {
            Self::Malformed(_) => tracing::info!(status, "refused: the body cannot be answered"),
            Self::Internal(reason) => tracing::error!(status, reason, "the review failed"),
            Self::Panicked => tracing::error!(status, "the review panicked"),
            Self::NoRoom | Self::Busy | Self::Late | Self::NoAccount(_) => {
                tracing::warn!(status, reason = %self, "refused");
            }
            _ => tracing::info!(status, reason = %self, "refused"),
        }
    }
}

impl From<ReviewError> for Refusal {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::Malformed(reason) => Self::Malformed(reason),
            ReviewError::Internal(reason) => Self::Internal(reason),
        }
    }
}
