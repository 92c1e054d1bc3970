//! The StatefulSet pass: only what a pod cannot be given later, written once and carried forward ever after.

use super::agent::{Belonging, Joining, belonging};
use super::annotations::{Said, resources_fit};
use super::edit::Edit;
use super::entry_point::entry_point;
use super::recognise::{Dkron, Recognised, View, recognise};
use super::role::{Known, is_said, role};
use super::size::{Sources, size};
use super::verdict::{Decision, Rejection, Verdict, Warning};
use super::{Engine, Request, Undecided, account, doubts, identity, opted, pod, volumes};
use crate::code;
use crate::contract::{annotation, label};
use crate::json::{Node, Pointer, quoted};
use crate::options::{Options, Role, Rollout};

/// The set under review.
struct Set<'r, 'n> {
    engine: &'r Engine,
    request: &'r Request<'n>,
    spec: &'n Node<'n>,
    template: &'n Node<'n>,
    /// Options that the template's own annotations give, without defaults.
    said: Options,
    /// The same, with them.
    options: Options,
    dkron: Dkron<'n>,
    known: Known,
    /// The old object, if it was stamped already.
    stamped: Option<&'n Node<'n>>,
}

/// Decides about a StatefulSet.
pub fn stateful_set<'n>(engine: &Engine, request: &'n Request<'n>) -> Result<Verdict, Undecided> {
    let spec = request.object.get("spec");
    let template = spec.get("template");
    let meta = template.get("metadata");
    let labels = [request.object.get("metadata").get("labels"), meta.get("labels")];
    if labels.iter().any(|labels| opted(labels) == Some(false)) {
        return Ok(Verdict::skip());
    }
    let old = request.old;
    let stamped = old.filter(|old| is_injected(old.get("spec").get("template").get("metadata")));
    if stamped.is_none() && old.is_some_and(|old| old.get("spec").get("template") == template) {
        // A set from before the opt-in is stamped when its template changes anyway; stamping it now would roll it.
        return Ok(Verdict::skip());
    }
    let said = Said::of(meta.get("annotations"), &at_template().key("metadata").key("annotations"));
    let options = said.options.clone().over(&engine.settings.options);
    let wanted = labels.iter().any(|labels| opted(labels) == Some(true));
    let view = View { said: &said.options, options: &options, wanted, lasting: true };
    let found = recognise(template.get("spec"), &at_template().key("spec"), view)?;
    if !matches!(found, Recognised::Nothing) && doubts::runs_windows(template.get("spec")) {
        return Ok(pod::windows());
    }
    let dkron = match found {
        Recognised::Dkron(dkron) => dkron,
        Recognised::Nothing => return Ok(Verdict::skip()),
        Recognised::OtherCommand(container) => return Ok(pod::other_command(&container)),
    };
    // Only now: a stray annotation of another workload is not ours to refuse.
    let said = said.strictly()?;
    misplaced(request.object)?;
    resources_fit(&options, &at_template().key("metadata").key("annotations"))?;
    // Faults of the template are said here, where `kubectl apply` shows them, and not when the controller makes pods.
    if !dkron.container.wrapped {
        entry_point(&dkron, &options)?;
        volumes::free(template.get("spec"), &at_template().key("spec"), &dkron)?;
    }
    let known = role(&dkron, &options);
    let is_said = is_said(&dkron, &options);
    let set = Set { engine, request, spec, template, said, options, dkron, known, stamped };
    // Where nothing plain is said, what was stamped once stands: a variable that somebody took away must not turn servers
    // into agents. A first time it may be a server, unless everything visible speaks for an agent.
    let stamp = || stamped_role(meta).or_else(|| stamped_role(old?.get("spec").get("template").get("metadata")));
    let said = if is_said { None } else { stamp() };
    let serves = said.map_or(known != Known::Certain(Role::Agent), |role| role == Role::Server);
    if serves { Ok(set.server()?) } else { set.agent() }
}

/// The role that a template was stamped with; `None` if it never was.
fn stamped_role(meta: &Node<'_>) -> Option<Role> {
    let role = if meta.get("labels").has(label::SERVER_OF) { Role::Server } else { Role::Agent };
    is_injected(meta).then_some(role)
}

impl Set<'_, '_> {
    fn server(&self) -> Result<Verdict, Rejection> {
        let mut warnings = Vec::new();
        let name = self.request.name();
        identity::usable(&name, Pointer::of("/metadata/name"))?;
        let mut edit = Edit::default();
        self.immutable(&mut edit, &name, &mut warnings)?;
        self.update_strategy(&mut edit);
        let mut frozen = vec![self.grace(&mut edit)];
        frozen.extend(self.first_boot(&mut warnings)?);
        let labels = [(label::INJECTED, "true"), (label::CLUSTER, &name), (label::SERVER_OF, &name)];
        self.metadata(&mut edit, &labels, &frozen);
        Ok(self.done(edit, Role::Server, warnings))
    }

    fn agent(&self) -> Result<Verdict, Undecided> {
        let mut edit = Edit::default();
        let mut frozen = vec![self.grace(&mut edit)];
        let mut warnings = Vec::new();
        if let Some(cluster) = self.cluster_to_join()? {
            account::doubt_discovery(self.template.get("spec"), &mut warnings);
            frozen.push((annotation::CLUSTER, cluster));
        }
        let labels = self.template.get("metadata").get("labels");
        for name in [label::CLUSTER, label::SERVER_OF] {
            // A set of servers that became one of agents must not be found as servers any more.
            if labels.has(name) {
                let path = at_template().key("metadata").key("labels").key(name);
                edit.remove(path, format!("labels/{name}"), labels.get(name));
            }
        }
        self.metadata(&mut edit, &[(label::INJECTED, "true")], &frozen);
        Ok(self.done(edit, Role::Agent, warnings))
    }

    /// The cluster is frozen at stamping, so that an update never depends on what else lives in the namespace. Agents may be
    /// applied before their servers: then the pods find out.
    ///
    /// `None` where the user configured the joining, or nothing is known yet.
    fn cluster_to_join(&self) -> Result<Option<String>, Undecided> {
        if self.stamped.is_some() {
            return Ok(self.carried(annotation::CLUSTER).filter(|_| self.said.cluster.is_none()));
        }
        let path = at_template().key("metadata");
        match belonging(&self.dkron, &self.options, self.request, self.engine.clusters.as_ref(), path) {
            Err(Undecided::Refused(refusal)) => match self.engine.clusters.of(&self.request.namespace) {
                super::KnownClusters::These(these) if these.len() > 1 => Err(refusal.into()),
                _ => Ok(None),
            },
            Ok(Belonging { joining: Joining::By { .. }, cluster }) => Ok(cluster.map(|known| known.name)),
            Ok(Belonging { joining: Joining::Own, .. }) => Ok(None),
            Err(undecided) => Err(undecided),
        }
    }

    /// Fields that Kubernetes never lets change again: decided at CREATE, carried forward at UPDATE, since a re-applied
    /// manifest arrives with the API server's defaults in their place.
    fn immutable(&self, edit: &mut Edit, name: &str, warnings: &mut Vec<Warning>) -> Result<(), Rejection> {
        let at = Pointer::of("/spec");
        let spec = self.request.old.map_or(self.spec, |old| old.get("spec"));
        let service = spec.get("serviceName").str().filter(|service| !service.is_empty());
        if let (Some(service), Some(said)) = (&service, &self.said.service) {
            same_service(service, said, &at_template().key("metadata"))?;
        }
        if self.request.old.is_none() {
            edit.set(self.spec, &at, "podManagementPolicy", "podManagementPolicy", "\"Parallel\"");
            if service.is_none() {
                let service = self.options.service.as_deref().unwrap_or(name);
                edit.set(self.spec, &at, "serviceName", "serviceName", &quoted(service));
            }
            return Ok(());
        }
        for field in ["podManagementPolicy", "serviceName"] {
            let was = spec.get(field);
            if !was.is_null() {
                edit.set(self.spec, &at, field, field, &was.to_json());
            }
        }
        if self.stamped.is_none() && !spec.get("podManagementPolicy").is("Parallel") {
            let text = "the set stays OrderedReady, which cannot be changed; its servers start one after another";
            warnings.push(Warning::new(code::ORDERED_READY_KEPT, text));
        }
        Ok(())
    }

    /// `OnDelete` where the controller of dkron-ha replaces the pods; back to the default where it was that and is no more.
    fn update_strategy(&self, edit: &mut Edit) {
        let on_delete = self.spec.get("updateStrategy").get("type").is("OnDelete");
        let at = Pointer::of("/spec");
        let mut set = |strategy| edit.set(self.spec, &at, "updateStrategy", "updateStrategy", strategy);
        match self.options.rollout {
            Some(Rollout::LeaderLast) if !on_delete => set("{\"type\":\"OnDelete\"}"),
            Some(Rollout::LeaderLast) => {}
            _ if on_delete && self.carried(annotation::ROLLOUT).as_deref() == Some("leader-last") => {
                set("{\"type\":\"RollingUpdate\"}");
            }
            _ => {}
        }
    }

    /// Raises the grace period, never lowers it, and freezes the floor: a later default must not change the template.
    fn grace(&self, edit: &mut Edit) -> (&'static str, String) {
        let floor = match (self.said.grace, self.carried(annotation::GRACE)) {
            (Some(said), _) => said.to_string(),
            (None, Some(carried)) => carried,
            (None, None) => self.options.grace.unwrap_or_default().to_string(),
        };
        raise_grace(edit, self.template.get("spec"), &at_template().key("spec"), &floor);
        (annotation::GRACE, floor)
    }

    /// The size of the first bootstrap and the first ordinal, as annotations that never follow later changes.
    fn first_boot(&self, warnings: &mut Vec<Warning>) -> Result<Vec<(&'static str, String)>, Rejection> {
        let mut frozen = Vec::new();
        let mut sources = Sources {
            annotation: self.said.initial_cluster_size,
            default: self.engine.settings.options.initial_cluster_size,
            replicas: None,
        };
        if self.stamped.is_some() {
            // Only for its refusals: pods with a number that is none would be refused too, one by one.
            size(&self.dkron, sources, &mut Vec::new())?;
            for name in [annotation::INITIAL_CLUSTER_SIZE, annotation::ORDINALS_START] {
                let present = self.template.get("metadata").get("annotations").has(name);
                frozen.extend(self.carried(name).filter(|_| !present).map(|value| (name, value)));
            }
            return Ok(frozen);
        }
        sources.replicas = match self.spec.get("replicas") {
            absent if absent.is_null() => Some(1),
            written => written.integer().and_then(|replicas| u32::try_from(replicas).ok()),
        };
        if let Some(size) = size(&self.dkron, sources, warnings)? {
            frozen.push((annotation::INITIAL_CLUSTER_SIZE, size.to_string()));
        }
        let start = self.spec.get("ordinals").get("start").integer().unwrap_or(0);
        frozen.push((annotation::ORDINALS_START, start.to_string()));
        Ok(frozen)
    }

    /// An annotation of the stamped template.
    fn carried(&self, name: &str) -> Option<String> {
        let template = self.stamped?.get("spec").get("template");
        template.get("metadata").get("annotations").get(name).str().map(std::borrow::Cow::into_owned)
    }

    fn metadata(&self, edit: &mut Edit, labels: &[(&str, &str)], frozen: &[(&'static str, String)]) {
        let object = self.request.object;
        edit.object(object, &Pointer::root(), "metadata");
        edit.merge(object.get("metadata"), &Pointer::of("/metadata"), "labels", &[(label::INJECTED, "true")]);
        edit.object(self.template, &at_template(), "metadata");
        let meta = at_template().key("metadata");
        // Pods never see the set's own labels: a wish that stands there has to reach them, from the first time on.
        let wishes = match self.stamped {
            Some(old) => old.get("spec").get("template").get("metadata"),
            None => object.get("metadata"),
        };
        let wish = opted(wishes.get("labels")).map(|_| (label::INJECT, "true"));
        let labels: Vec<_> = labels.iter().copied().chain(wish).collect();
        let frozen: Vec<(&str, &str)> = frozen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        edit.merge(self.template.get("metadata"), &meta, "labels", &labels);
        edit.merge(self.template.get("metadata"), &meta, "annotations", &frozen);
    }

    /// The account, and the warnings: those are for the moment of stamping, and an update that only carries forward repeats
    /// none.
    fn done(&self, mut edit: Edit, role: Role, mut warnings: Vec<Warning>) -> Verdict {
        let (spec, at) = (self.template.get("spec"), at_template().key("spec"));
        account::swap(&mut edit, spec, &at, role, &mut warnings);
        doubts::of_template(&self.dkron, spec, self.known, self.engine.settings.ports, &mut warnings);
        let already = self.stamped.is_some() || is_injected(self.template.get("metadata"));
        let warnings = if already { Vec::new() } else { warnings };
        Verdict::of(Decision::Patch(edit.into_patch()), warnings)
    }
}

/// A pod has one DNS name, and its Service is the set's or its own.
///
/// # Errors
/// A [`Rejection`] where the annotation asks for another.
pub fn same_service(service: &str, said: &str, metadata: &Pointer) -> Result<(), Rejection> {
    if service == said {
        return Ok(());
    }
    Err(Rejection {
        code: code::MALFORMED_ANNOTATION,
        path: metadata.key("annotations").key(annotation::SERVICE),
        problem: format!("{said:?} differs from the Service {service:?} that names the pods"),
        fix: "take the annotation out, or leave serviceName (subdomain) empty".into(),
    })
}

/// Raises `terminationGracePeriodSeconds` of a pod spec to `floor` seconds where it is lower or absent (30 s by default).
pub fn raise_grace(edit: &mut Edit, spec: &Node<'_>, path: &Pointer, floor: &str) {
    let name = "terminationGracePeriodSeconds";
    let floor_seconds: i64 = floor.parse().unwrap_or_default();
    if spec.get(name).integer().unwrap_or(30) < floor_seconds {
        edit.set(spec, path, name, name, floor);
    }
}

/// Whether these metadata carry the label of an injected object.
pub fn is_injected(metadata: &Node<'_>) -> bool {
    metadata.get("labels").get(label::INJECTED).is("true")
}

fn at_template() -> Pointer {
    Pointer::of("/spec/template")
}

/// Options on the set itself would be ignored in silence: pods never see them.
fn misplaced(object: &Node<'_>) -> Result<(), Rejection> {
    let path = Pointer::of("/metadata/annotations");
    let annotations = object.get("metadata").get("annotations");
    if Said::of(annotations, &path).strictly()? == Options::default() {
        return Ok(());
    }
    Err(Rejection {
        code: code::UNKNOWN_ANNOTATION,
        path,
        problem: "dkron-ha.io annotations on the StatefulSet itself are not read".into(),
        fix: "move them to spec.template.metadata.annotations".into(),
    })
}
