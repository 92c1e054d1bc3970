//! What the API server itself asks before it sends an object: CEL expressions of the registration's `matchConditions`, and of
//! the guard, which looks at the same objects.
//!
//! They decide who waits for a webhook that is down, so they are as narrow as they can be without ever missing what the engine
//! recognises. The API server has a budget for them and counts a failure, also one of the budget, as the webhook's: text is
//! looked through cheaply first, and text too long for a regular expression is sent unseen.

use serde_json::{Value, json};

use crate::contract::{DOMAIN, annotation, label};

/// Where the pod is within the object that is sent.
#[derive(Clone, Copy)]
pub enum Pod {
    /// The object is the pod.
    Itself,
    /// The object holds a template of it.
    Template,
}

/// Image whose last path segment is `dkron` or `dkron-pro`, with or without tag and digest.
const IMAGE: &str = r"(^|/)dkron(-pro)?([:@][^/]*)?$";

/// Command line in which the word `dkron`, with or without a path, is followed by the word `agent`: flags may stand between,
/// the end of a shell command may not. `\x22`, `\x27` and `\x60` are the quotes: one of them ends the CEL literal.
const RUNS_AGENT: &str = concat!(
    r"(^|[\s/(;&|\x22\x27\x60])dkron[\x22\x27)}]*",
    r"([ \t]|\\\n)((\\\n|[^;&|\n])*([ \t]|\\\n))?",
    r"[\x22\x27]?agent([\s;&|<>)}\x22\x27\x60]|$)",
);

/// Longest command line that [`RUNS_AGENT`] is tried on, in characters. It costs about three units a character, and the API
/// server spends a million on one expression: twenty containers with such a line each.
const LONGEST: usize = 16_384;

/// Conditions for pods, all of which must hold.
pub fn pods() -> Value {
    let mirror = annotation::MIRROR_POD;
    json!([
        condition("not-a-mirror-pod", &format!("!('{mirror}' in object.metadata.?annotations.orValue({{}}))")),
        condition("dkron-workload", &dkron_workload(Pod::Itself)),
    ])
}

/// Conditions for StatefulSets, all of which must hold.
pub fn stateful_sets() -> Value {
    json!([
        condition("spec-changed", "request.operation == 'CREATE' || object.spec != oldObject.spec"),
        condition("not-opted-out", &format!("{} != 'false'", inject_label("object.spec.template"))),
        condition("dkron-workload", &dkron_workload(Pod::Template)),
    ])
}

fn condition(name: &str, expression: &str) -> Value {
    json!({ "name": format!("{DOMAIN}/{name}"), "expression": expression })
}

fn dkron_workload(pod: Pod) -> String {
    let (labels, containers) = match pod {
        Pod::Itself => (vec!["object"], "object.spec.containers"),
        Pod::Template => (vec!["object", "object.spec.template"], "object.spec.template.spec.containers"),
    };
    let mut any: Vec<String> = labels.into_iter().map(|at| format!("{} == 'true'", inject_label(at))).collect();
    any.push(format!("{containers}.exists(c, {})", has_dkron_image("c")));
    any.push(format!(
        "{containers}.map(c, {}.join(' ')).exists(line, \
         line.contains('dkron') && line.contains('agent') && (line.size() > {LONGEST} || line.matches(r'{RUNS_AGENT}')))",
        words("c")
    ));
    // Conditions come before validation: a pod without containers is refused there, in better words.
    format!("{containers} != null && {containers}.size() > 0 && ({})", any.join(" || "))
}

/// Whether the container's image is one of dkron.
pub fn has_dkron_image(container: &str) -> String {
    format!("{container}.?image.orValue('').matches(r'{IMAGE}')")
}

/// Command and arguments of the container, as one list.
pub fn words(container: &str) -> String {
    format!("({container}.?command.orValue([]) + {container}.?args.orValue([]))")
}

/// Value of the label that opts an object in or out, empty if it has none.
fn inject_label(at: &str) -> String {
    format!("{at}.?metadata.?labels[?'{}'].orValue('')", label::INJECT)
}
