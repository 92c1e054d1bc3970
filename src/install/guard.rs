//! The guard: a `ValidatingAdmissionPolicy` against servers that would start without their wrapper because nobody injects any
//! more. The registration has the API server ask, and refuse where nobody answers; this is for the day on which the
//! registration itself is gone.
//!
//! It looks at what would be sent, by the registration's own selectors and conditions, and of that only at what the webhook
//! never leaves as it is: whatever it lets pass, this lets pass.

use serde_json::{Value, json};

use super::conditions::{self, has_dkron_image, words};
use super::metadata::{cluster, labels};
use super::policy::{self, variable};
use super::selectors::{self, Reason};
use crate::code;
use crate::contract::{annotation, label, object, path};
use crate::settings::Settings;

/// What becomes of a server without its wrapper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// It is refused. What it was to do is left undone until somebody has looked, and nothing is done twice.
    #[default]
    Deny,
    /// It is let in, with a warning for whoever asked and an entry of the audit.
    Warn,
    /// Nobody looks.
    Off,
}

/// A word that is a shell: behind it a word with spaces is a script.
const SHELL: &str = r"(^|[/\\])(sh|bash|ash|dash|zsh|busybox)(\.exe)?$";

/// What is in a script, and in few other words.
const SPACE: &str = r"\s";

/// A script in which a simple command is `dkron agent`, behind no quote, comment or escape that might hide it.
const SCRIPT: &str =
    r"^([^\x22\x27#\\\x60]*[;&|(\n])?\s*(exec\s+)?([^\s\x22\x27#\\\x60;&|()]*/)?dkron[ \t]+agent(\s|$)";

/// The policy and where it holds, each with the stem of its file. It hangs on the webhook's account: where that is gone, dkron-ha is
/// gone, and a policy that somebody forgot stops nobody.
pub fn guard(guard: Guard, settings: &Settings) -> Vec<(&'static str, Value)> {
    let actions: &[&str] = match guard {
        Guard::Deny => &["Deny"],
        Guard::Warn => &["Warn", "Audit"],
        Guard::Off => return Vec::new(),
    };
    vec![
        ("guard", policy()),
        ("guard-injection", binding("injection", Reason::OptedIn, actions, settings)),
        ("guard-injected", binding("injected", Reason::Stamped, actions, settings)),
    ]
}

/// What a person reads whose pod is refused.
pub fn message() -> String {
    let code = code::SERVER_WITHOUT_WRAPPER;
    format!(
        "{code}: spec.containers: this dkron server would start without its wrapper, since nobody injects; put the \
         MutatingWebhookConfiguration {} back, or label the pod {}=false ({})",
        object::INSTALLATION,
        label::INJECT,
        code.anchor()
    )
}

fn policy() -> Value {
    policy::definition(
        object::GUARD,
        &json!({
            // An expression that fails is no reason to stop anybody.
            "failurePolicy": "Ignore",
            "paramKind": { "apiVersion": "v1", "kind": "ServiceAccount" },
            "matchConstraints": policy::constraints(&["pods"], "CREATE"),
            "matchConditions": conditions::pods(),
            "variables": [
                variable("containers", &containers()),
                variable("wrapped", &format!("variables.containers.exists(c, '{}' in c.words)", path::WRAPPER)),
                variable("windows", WINDOWS),
                variable("stamped", &stamped()),
                variable("named", NAMED),
                variable("agents", &format!("variables.containers.filter(c, {})", runs_agent())),
                variable("server", &server()),
            ],
            "validations": [policy::validation(
                "variables.wrapped || variables.windows || !variables.named || variables.agents.size() == 0 \
                 || !variables.server",
                &message(),
            )],
        }),
    )
}

/// The webhook leaves these as they are.
const WINDOWS: &str = "object.spec.?os.?name.orValue('') == 'windows' \
    || object.spec.?nodeSelector[?'kubernetes.io/os'].orValue('') == 'windows'";

/// A pod of nobody, or of a StatefulSet that was stamped: other owners give a server no name, and pods of a set from before
/// the opt-in are left as they are.
const NAMED: &str = "object.metadata.?ownerReferences.orValue([]).filter(o, o.?controller.orValue(false))\
    .all(o, variables.stamped && o.kind == 'StatefulSet' && o.apiVersion.startsWith('apps/'))";

/// Whether its template was made a server's.
fn stamped() -> String {
    let (injected, server_of) = (label::INJECTED, label::SERVER_OF);
    format!(
        "object.metadata.?labels[?'{injected}'].orValue('') == 'true' \
         && object.metadata.?labels[?'{server_of}'].hasValue()"
    )
}

/// What is looked at of each container: whether its image is one of dkron, whether that image's own entry point runs, its command
/// line, whether a shell is on it, the words that may then be a script, its variables.
fn containers() -> String {
    let (image, words) = (has_dkron_image("c"), words("c"));
    let parts = [
        ("image", image),
        ("entry", "c.?command.orValue([]).size() == 0".to_owned()),
        ("words", words.clone()),
        ("shell", format!("{words}.exists(w, w.matches(r'{SHELL}'))")),
        ("scripts", format!("{words}.filter(w, w.matches(r'{SPACE}'))")),
        ("env", "c.?env.orValue([])".to_owned()),
    ];
    // A map of CEL holds values of one type, which `dyn` makes them.
    let parts = parts.map(|(name, value)| format!("'{name}': dyn({value})"));
    format!("object.spec.containers.map(c, {{{}}})", parts.join(", "))
}

/// A container that plainly runs an agent: by the arguments of dkron's own image, by a command line, by a script.
fn runs_agent() -> String {
    [
        "(c.image && c.entry && c.words.size() > 0 && c.words[0] == 'agent')".to_owned(),
        r"(!c.shell && c.words.size() > 1 && c.words[0].matches(r'(^|/)dkron$') && c.words[1] == 'agent')".to_owned(),
        format!("(c.shell && !c.entry && c.scripts.size() > 0 && c.scripts[0].matches(r'{SCRIPT}'))"),
    ]
    .join(" || ")
}

/// A server by its stamp; else by annotation, flag or variable.
fn server() -> String {
    let role = format!("object.metadata.?annotations[?'{}'].orValue('')", annotation::ROLE);
    let flag = r"c.words.join(' ').matches(r'\s--server(=true)?([\s;&|)]|$)')";
    let variable = "c.env.exists(e, e.name == 'DKRON_SERVER' && e.?value.orValue('') == 'true')";
    format!(
        "variables.stamped || {role} == 'server' \
         || ({role} != 'agent' && variables.agents.exists(c, {flag} || {variable}))"
    )
}

/// Puts [`policy`] in force for the objects of one reason.
fn binding(name: &str, reason: Reason, actions: &[&str], settings: &Settings) -> Value {
    json!({
        "apiVersion": policy::ADMISSION_V1,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": cluster(&format!("{}-{name}", object::GUARD), &labels()),
        "spec": {
            "policyName": object::GUARD,
            "paramRef": {
                "name": object::INSTALLATION,
                "namespace": settings.namespace,
                "parameterNotFoundAction": "Allow",
            },
            "matchResources": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": selectors::namespaces(&settings.namespace, reason),
                "objectSelector": selectors::objects(reason),
            },
            "validationActions": actions,
        },
    })
}
