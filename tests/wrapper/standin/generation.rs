//! Which dkron is stood in for.

/// `DKRON_STANDIN_GENERATION`: `3`, or else 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 3.2.7: raft keeps the addresses that it was told, elects without asking first, bootstraps without asking peers.
    Three,
    /// 4.0.9.
    Four,
}

impl Generation {
    pub fn from_environment() -> Self {
        match std::env::var("DKRON_STANDIN_GENERATION").as_deref() {
            Ok("3") => Self::Three,
            _ => Self::Four,
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::Three => "3.2.7",
            Self::Four => "4.0.9",
        }
    }
}
