//! Every stable code: what a user reads, in one table. `docs/codes.md` has a section for each; a test compares both ways.

use std::fmt;

/// A stable `DKHA-nnn` code.
///
/// 0xx refuse an object that its author can mend; 1xx are warnings and skips; 2xx are our own faults, answered
/// with HTTP 500 so that the registered `failurePolicy` decides; 3xx are said by the wrapper at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code {
    number: u16,
    title: &'static str,
}

impl Code {
    /// The number behind `DKHA-`.
    pub const fn number(self) -> u16 {
        self.number
    }

    /// What went wrong or was left out, in a few words.
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// Where the documentation tells more.
    pub fn anchor(self) -> String {
        format!("docs/codes.md#dkha-{:03}", self.number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DKHA-{:03}", self.number)
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { number: $number, title: $title };)*
        /// All codes, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    UNKNOWN_ANNOTATION = 1, "unknown dkron-ha.io annotation";
    MALFORMED_ANNOTATION = 2, "malformed value of a dkron-ha.io annotation";
    SEVERAL_DKRON_CONTAINERS = 3, "several containers look like dkron";
    NO_SUCH_CONTAINER = 4, "the annotation names a container that is not there";
    NO_DKRON_CONTAINER = 5, "no container looks like dkron";
    UNKNOWN_ENTRY_POINT = 6, "the original command cannot be known";
    NAME_TAKEN = 7, "a name that dkron-ha needs is taken in the pod";
    MOUNT_PATH_TAKEN = 8, "a mount path that dkron-ha needs is taken";
    WHICH_CLUSTER = 9, "it cannot be told which cluster the agent joins";
    SERVER_WITHOUT_NAME = 10, "a server without a stable name";
    MALFORMED_SIZE = 11, "INITIAL_CLUSTER_SIZE or --bootstrap-expect is no number of servers";
    MALFORMED_OBJECT = 12, "the object has not the shape of its kind";
    SERVER_WITHOUT_WRAPPER = 13, "a server would start without its wrapper";

    EXPECT_BELOW_REPLICAS = 101, "--bootstrap-expect below the replicas is replaced by the replicas";
    PROBE_KEPT = 102, "a probe stays and may fail while dkron waits";
    LEAVING_HOOK_REMOVED = 103, "a preStop hook that leaves was taken out";
    TOKEN_TAKEN_AWAY = 104, "a token is no longer mounted, or is another one";
    ACCOUNT_KEPT = 105, "the service account stays and needs the role";
    EVEN_SIZE = 106, "an even number of servers";
    ORDERED_READY_KEPT = 107, "the set stays as it was: pods one after another";
    SET_NOT_STAMPED = 108, "the set is older than the opt-in";
    NO_AGENT_COMMAND = 109, "a dkron image whose command runs no visible agent";
    OWNER_WITHOUT_NAMES = 110, "a dkron server whose owner gives no stable names";
    WINDOWS = 111, "Windows pods are left alone";
    HOST_NETWORK = 112, "hostNetwork: the ports of dkron-ha are taken on the node";
    ROLE_AT_RUN_TIME = 113, "dkron's configuration file decides the role";
    AGENT_WITHOUT_TOKEN = 114, "the agent's discovery needs a token that is not mounted";
    ANNOTATION_UNREAD = 115, "an annotation of a set's pod cannot be read and is left out";
    SIZE_OVERRULED = 116, "the annotation's size counts, not INITIAL_CLUSTER_SIZE";
    SIZE_ABOVE_REPLICAS = 117, "more servers are awaited than the set has";

    PATCH_DOES_NOT_APPLY = 201, "the patch did not apply to the object it was made for";

    DISK_OF_ANOTHER = 301, "the disk holds the raft state of another cluster";
    NO_LEADER = 302, "there is raft state and no leader";
    EMPTY_DISK_VOTES = 303, "not all servers answer and this one has lost its disk";
    HOLDING = 304, "going now would leave the cluster without a majority";
}
