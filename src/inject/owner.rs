//! Who made a pod.

use crate::json::Node;

/// The controller that owns a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody: applied by hand.
    None,
    /// A StatefulSet of the group `apps`, of this name.
    StatefulSet(String),
    /// Something else, `Kind/name`: ReplicaSet, DaemonSet, Job, or another group's StatefulSet.
    Other(String),
}

impl Owner {
    /// Whether it keeps its pods running, rather than having them finish.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::None => false,
            Self::StatefulSet(_) => true,
            Self::Other(owner) => !owner.starts_with("Job/"),
        }
    }
}

/// Reads the controlling owner reference.
pub fn owner(metadata: &Node<'_>) -> Owner {
    let references = metadata.get("ownerReferences").items();
    let Some(controller) = references.iter().find(|owner| owner.get("controller").bool() == Some(true)) else {
        return Owner::None;
    };
    let text = |name: &str| controller.get(name).str().unwrap_or_default().into_owned();
    let (kind, name) = (text("kind"), text("name"));
    if kind == "StatefulSet" && text("apiVersion").starts_with("apps/") {
        Owner::StatefulSet(name)
    } else {
        Owner::Other(format!("{kind}/{name}"))
    }
}
