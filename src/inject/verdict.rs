//! What the engine answers.

use crate::code::Code;
use crate::json::{Patch, Pointer};

/// The answer for one object.
#[derive(Debug)]
pub struct Verdict {
    /// What is to happen.
    pub decision: Decision,
    /// Lines for the person who sent the object.
    pub warnings: Vec<Warning>,
    /// The account of ours that a pod will have: the API server takes no pod whose account does not exist.
    pub account: Option<&'static str>,
}

/// What is to happen with an object.
#[derive(Debug)]
pub enum Decision {
    /// Apply this patch; an empty one means that nothing is left to do.
    Patch(Patch),
    /// Leave it alone. The code tells why, where somebody may wonder.
    Skip(Option<Code>),
    /// Refuse it.
    Reject(Rejection),
    /// Whether the cluster that an agent joins is the only one is not known yet: ask again.
    NotYet,
}

/// A refusal that the author of the object can mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}: {problem}; {fix} ({})", path.for_people(), code.anchor())]
pub struct Rejection {
    /// Stable code.
    pub code: Code,
    /// The offending place.
    pub path: Pointer,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

/// A line that `kubectl apply` prints. Kubernetes advises 120 characters at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable code.
    pub code: Code,
    /// The text behind the code.
    pub text: String,
}

/// Longest warning, in characters, code included (Kubernetes' advice for admission webhooks).
pub const WARNING_LENGTH: usize = 120;

impl Warning {
    /// A warning; an overlong text (user-given names may be long) is cut with an ellipsis.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        let room = WARNING_LENGTH - code.to_string().len() - 2;
        if text.chars().count() > room {
            text = text.chars().take(room - 1).chain(['…']).collect();
        }
        Self { code, text }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

impl Verdict {
    /// An answer that needs no account.
    pub fn of(decision: Decision, warnings: Vec<Warning>) -> Self {
        Self { decision, warnings, account: None }
    }

    /// Leave the object alone, silently.
    pub fn skip() -> Self {
        Self::of(Decision::Skip(None), Vec::new())
    }

    /// Leave the object alone and say why.
    pub fn skip_because(code: Code, text: impl Into<String>) -> Self {
        Self::of(Decision::Skip(Some(code)), vec![Warning::new(code, text)])
    }
}

impl From<Rejection> for Verdict {
    fn from(rejection: Rejection) -> Self {
        Self::of(Decision::Reject(rejection), Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    #[test]
    fn warnings_fit_into_a_line() {
        let warning = Warning::new(code::EVEN_SIZE, "é".repeat(500));
        assert_eq!(warning.to_string().chars().count(), WARNING_LENGTH);
        assert!(warning.to_string().ends_with('…'));
        let short = Warning::new(code::EVEN_SIZE, "two");
        assert_eq!(short.to_string(), "DKHA-106: two");
    }

    #[test]
    fn a_rejection_says_everything() {
        let rejection = Rejection {
            code: code::SEVERAL_DKRON_CONTAINERS,
            path: Pointer::of("/spec/containers/1"),
            problem: "a and b".into(),
            fix: "name one".into(),
        };
        let text = rejection.to_string();
        assert_eq!(text, "DKHA-003: spec.containers[1]: a and b; name one (docs/codes.md#dkha-003)");
    }
}
