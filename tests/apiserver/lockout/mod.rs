//! Who is held up while the registration stands and nobody answers, and by the guard while there is no registration: tables
//! of classes of requests, each with what must become of them, written by hand and never taken from what is installed.
//!
//! Every request is a server-side dry run: it goes through the whole of admission as any other, and as nothing is stored,
//! each meets the same cluster.

mod calls;
mod controllers;
mod dkron;
mod everything_else;
mod guarded;
mod kubernetes;
mod lookalikes;
mod stage;
mod stored;

use anyhow::Result;

use crate::api::{Answer, Api, Call};
pub use stage::Stage;

/// What must become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nobody is asked.
    Accepted,
    /// The webhook was to be asked, and did not answer; or the guard refuses.
    Refused,
    /// Kubernetes says itself what is wrong with it.
    Invalid,
}

/// Requests that share a fate.
pub struct Class {
    pub name: &'static str,
    pub expected: Expected,
    calls: fn(&Stage) -> Vec<Call>,
}

/// How the requests of a class fared.
pub struct Fared {
    pub class: &'static Class,
    pub requests: usize,
    pub accepted: usize,
    pub refused: usize,
    /// What did not become of a request what must, a line each.
    pub surprises: Vec<String>,
}

/// A table: fate, class, requests.
macro_rules! classes {
    ($table:ident: $($expected:ident $name:literal $calls:path;)*) => {
        pub const $table: &[Class] =
            &[$(Class { name: $name, expected: Expected::$expected, calls: $calls },)*];
    };
}

classes! {
    UNANSWERED:
    Accepted "kube-system, kube-public, kube-node-lease, labelled for injection: dkron pods and sets" kubernetes::own_namespaces;
    Accepted "the webhook's own namespace: dkron pods and sets, its own Deployment" kubernetes::webhooks_namespace;
    Accepted "nodes, their status, their leases" kubernetes::nodes;
    Accepted "certificate signing requests, their approval" kubernetes::signing_requests;
    Accepted "the way out: our registration, policies, namespace; labels of namespaces" kubernetes::way_out;
    Accepted "objects of the whole cluster, reviews of access" everything_else::of_the_cluster;
    Accepted "other objects in opted-in and system namespaces" everything_else::in_namespaces;
    Accepted "custom resources called Pod and StatefulSet, of dkron" everything_else::custom_resources;
    Accepted "mirror pods of dkron" stored::mirror_pods;
    Accepted "pods of others: images and commands that nearly look like dkron" lookalikes::images_and_commands;
    Accepted "pods of others: names, labels, volumes, init containers of dkron" lookalikes::shapes;
    Accepted "StatefulSets of others, new and changed" lookalikes::sets;
    Accepted "dkron pods and sets that are opted out" dkron::opted_out;
    Accepted "Deployments, DaemonSets, Jobs, CronJobs and others with templates of dkron" controllers::templates;
    Accepted "dkron pods that run: labels, status, ephemeral containers, eviction, binding, deletion" stored::pods_that_run;
    Accepted "stamped sets: labels, annotations, scale, status, the same spec again, deletion" stored::sets_without_change;
    Accepted "namespaces that nobody opted in: dkron pods and sets, new and changed" dkron::elsewhere;
    Accepted "a namespace that opted out again: what is new there" dkron::new_where_opted_out;
    Accepted "reading" everything_else::reading;
    Refused "dkron pods by image" dkron::by_image;
    Refused "dkron pods by command, in images of others" dkron::by_command;
    Refused "pods that the label asks for" dkron::by_label;
    Refused "dkron pods as controllers make them, also of sets that were never stamped" controllers::pods;
    Refused "pods of stamped sets in a namespace that opted out again" dkron::stamped_where_opted_out;
    Refused "dkron sets, new" dkron::new_sets;
    Refused "dkron sets whose spec changes, wherever a stamped one lives" stored::sets_changed;
    Invalid "dkron pods and sets without containers" dkron::without_containers;
}

// Beside all that is accepted above.
classes! {
    GUARDED:
    Accepted "agents, in every form" guarded::agents;
    Accepted "images of dkron that run something else" guarded::other_commands;
    Accepted "servers that have their wrapper, also behind what others put in front" guarded::wrapped;
    Accepted "servers of sets that were never stamped, and of owners that give no names" guarded::left_alone;
    Accepted "dkron sets, new and changed" guarded::sets;
    Refused "bare servers by image" guarded::servers_by_image;
    Refused "bare servers by command, in images of others" guarded::servers_by_command;
    Refused "bare servers by variable and annotation" guarded::servers_by_word;
    Refused "pods of stamped sets, wherever they live" guarded::stamped;
}

/// How the API server says that the webhook did not answer.
const NOBODY_ANSWERED: &str = "failed calling webhook \"";

/// Characters of a request that are shown.
const MUCH_OF_A_BODY: usize = 300;

impl Class {
    /// Sends the requests of the class, and compares.
    pub fn play(&'static self, api: &Api, stage: &Stage) -> Result<Fared> {
        self.play_expecting(self.expected, api, stage)
    }

    /// The same where another fate is theirs.
    pub fn play_expecting(&'static self, expected: Expected, api: &Api, stage: &Stage) -> Result<Fared> {
        let calls = (self.calls)(stage);
        let answers = api.send(&calls)?;
        let mut fared = Fared { class: self, requests: calls.len(), accepted: 0, refused: 0, surprises: Vec::new() };
        for (call, answer) in calls.iter().zip(&answers) {
            let became = became(answer);
            fared.accepted += usize::from(became == Some(Expected::Accepted));
            fared.refused += usize::from(became == Some(Expected::Refused));
            if became != Some(expected) {
                let Call { method, path, body, .. } = call;
                let body: String = body.to_string().chars().take(MUCH_OF_A_BODY).collect();
                let said = answer.message();
                fared.surprises.push(format!("{}: {method} {path} {body}\n  {} {said}", self.name, answer.status));
            }
        }
        Ok(fared)
    }
}

/// `None` for an answer that has nothing to do with any of these.
fn became(answer: &Answer) -> Option<Expected> {
    let unanswered = answer.message().contains(NOBODY_ANSWERED) && answer.message().contains(".dkron-ha.io\"");
    let guarded = answer.message().contains("ValidatingAdmissionPolicy 'dkron-ha-guard'");
    match answer.status {
        200..300 => Some(Expected::Accepted),
        500 if unanswered => Some(Expected::Refused),
        403 if guarded => Some(Expected::Refused),
        422 => Some(Expected::Invalid),
        _ => None,
    }
}

/// The table in Markdown, with its sums.
pub fn table(all: &[Fared]) -> String {
    let mut rows = vec!["| class | must be | requests | accepted | refused | surprises |".to_owned()];
    rows.push("| --- | --- | --- | --- | --- | --- |".to_owned());
    for fared in all {
        let Fared { class, requests, accepted, refused, surprises } = fared;
        let must = format!("{:?}", class.expected).to_lowercase();
        rows.push(format!("| {} | {must} | {requests} | {accepted} | {refused} | {} |", class.name, surprises.len()));
    }
    let sum = |of: fn(&Fared) -> usize| all.iter().map(of).sum::<usize>();
    rows.push(format!(
        "| all | | {} | {} | {} | {} |",
        sum(|fared| fared.requests),
        sum(|fared| fared.accepted),
        sum(|fared| fared.refused),
        sum(|fared| fared.surprises.len()),
    ));
    rows.join("\n") + "\n"
}
