//! The StatefulSet pass: only what a pod cannot be given later, written once and carried forward ever after.

use super::account;
use super::annotations::Said;
use super::edit::{Edit, quoted};
use super::entry_point::entry_point;
use super::recognise::{Dkron, Recognised, recognise};
use super::role::{Known, role};
use super::verdict::{Decision, Rejection, Verdict, Warning};
use super::{Engine, Request, agent, identity, opted, pod, size, volumes};
use crate::code;
use crate::contract::{annotation, label};
use crate::json::{Node, Pointer};
use crate::options::{Options, Role, Rollout};

/// The set under review.
struct Set<'r, 'n> {
    request: &'r Request<'n>,
    spec: &'n Node<'n>,
    template: &'n Node<'n>,
    /// Options that the template's own annotations give, without defaults.
    said: Options,
    /// The old object, if it was stamped already.
    stamped: Option<&'n Node<'n>>,
}

/// Decides about a StatefulSet.
pub fn stateful_set<'n>(engine: &Engine, request: &'n Request<'n>) -> Result<Verdict, Rejection> {
    let spec = request.object.get("spec");
    let template = spec.get("template");
    let meta = template.get("metadata");
    let labels = [request.object.get("metadata").get("labels"), meta.get("labels")];
    if labels.iter().any(|labels| opted(labels) == Some(false)) {
        return Ok(Verdict::skip());
    }
    let old = request.old;
    let stamped = old.filter(|old| is_injected(old.get("spec").get("template").get("metadata")));
    let unchanged = |part: &str| old.is_some_and(|old| old.get("spec").get(part) == spec.get(part));
    if stamped.is_none() && unchanged("template") {
        // A set from before the opt-in is stamped when its template changes anyway; stamping it now would roll it.
        return Ok(Verdict::skip());
    }
    let said = Said::of(meta.get("annotations"), &at_template().key("metadata").key("annotations"));
    let options = said.options.clone().over(&engine.settings.options);
    let wanted = labels.iter().any(|labels| opted(labels) == Some(true));
    let dkron = match recognise(template.get("spec"), &at_template().key("spec"), &options, wanted)? {
        Recognised::Dkron(dkron) => dkron,
        Recognised::Nothing => return Ok(Verdict::skip()),
        Recognised::OpaqueCommand(container) => return Ok(pod::opaque(&container)),
    };
    // Only now: a stray annotation of another workload is not ours to refuse.
    let said = said.strictly()?;
    misplaced(request.object)?;
    // Faults of the template are said here, where `kubectl apply` shows them, and not when the controller makes pods.
    if !dkron.container.wrapped {
        entry_point(&dkron, &options)?;
        volumes::free(template.get("spec"), &at_template().key("spec"), &dkron)?;
    }
    let set = Set { request, spec, template, said, stamped };
    match role(&dkron, &options) {
        Known::Certain(Role::Agent) => set.agent(engine, &dkron, &options),
        Known::Certain(Role::Server) | Known::AtRunTime => set.server(&dkron, &options),
    }
}

impl Set<'_, '_> {
    fn server(&self, dkron: &Dkron<'_>, options: &Options) -> Result<Verdict, Rejection> {
        let mut warnings = Vec::new();
        let name = self.request.name();
        identity::usable(&name, Pointer::of("/metadata/name"))?;
        let mut edit = Edit::default();
        self.immutable(&mut edit, &name, options, &mut warnings);
        self.update_strategy(&mut edit, options);
        let mut frozen = vec![self.grace(&mut edit, options)];
        frozen.extend(self.first_boot(dkron, options, &mut warnings)?);
        let labels = [(label::INJECTED, "true"), (label::CLUSTER, &name), (label::SERVER_OF, &name)];
        self.metadata(&mut edit, &labels, &frozen);
        account::swap(&mut edit, self.template.get("spec"), &at_template().key("spec"), Role::Server, &mut warnings);
        Ok(self.done(edit, warnings))
    }

    fn agent(&self, engine: &Engine, dkron: &Dkron<'_>, options: &Options) -> Result<Verdict, Rejection> {
        let mut warnings = Vec::new();
        agent::joining(dkron, options, self.request, engine.clusters.as_ref(), Pointer::of("/spec/template/metadata"))?;
        let mut edit = Edit::default();
        let frozen = [self.grace(&mut edit, options)];
        self.metadata(&mut edit, &[(label::INJECTED, "true")], &frozen);
        account::swap(&mut edit, self.template.get("spec"), &at_template().key("spec"), Role::Agent, &mut warnings);
        Ok(self.done(edit, warnings))
    }

    /// Fields that Kubernetes never lets change again: decided at CREATE, carried forward at UPDATE, since a re-applied
    /// manifest arrives with the API server's defaults in their place.
    fn immutable(&self, edit: &mut Edit, name: &str, options: &Options, warnings: &mut Vec<Warning>) {
        let at = Pointer::of("/spec");
        let Some(old) = self.request.old else {
            edit.set(self.spec, &at, "podManagementPolicy", "podManagementPolicy", "\"Parallel\"");
            if self.spec.get("serviceName").is_empty() {
                let service = options.service.as_deref().unwrap_or(name);
                edit.set(self.spec, &at, "serviceName", "serviceName", &quoted(service));
            }
            return;
        };
        for field in ["podManagementPolicy", "serviceName"] {
            let was = old.get("spec").get(field);
            if !was.is_null() {
                edit.set(self.spec, &at, field, field, &was.to_json());
            }
        }
        let parallel = old.get("spec").get("podManagementPolicy").str().as_deref() == Some("Parallel");
        if self.stamped.is_none() && !parallel {
            let text = "the set stays OrderedReady, which cannot be changed; its servers start one after another";
            warnings.push(Warning::new(code::ORDERED_READY_KEPT, text));
        }
    }

    fn update_strategy(&self, edit: &mut Edit, options: &Options) {
        let strategy = self.spec.get("updateStrategy").get("type").str();
        if options.rollout == Some(Rollout::LeaderLast) && strategy.as_deref() != Some("OnDelete") {
            edit.set(self.spec, &Pointer::of("/spec"), "updateStrategy", "updateStrategy", "{\"type\":\"OnDelete\"}");
        }
    }

    /// Raises the grace period, never lowers it, and freezes the floor: a later default must not change the template.
    fn grace(&self, edit: &mut Edit, options: &Options) -> (&'static str, String) {
        let floor = match (self.said.grace, self.carried(annotation::GRACE)) {
            (Some(said), _) => said.to_string(),
            (None, Some(carried)) => carried,
            (None, None) => options.grace.unwrap_or_default().to_string(),
        };
        raise_grace(edit, self.template.get("spec"), &at_template().key("spec"), &floor);
        (annotation::GRACE, floor)
    }

    /// The size of the first bootstrap and the first ordinal, as annotations that never follow later changes.
    fn first_boot(
        &self,
        dkron: &Dkron<'_>,
        options: &Options,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<(&'static str, String)>, Rejection> {
        let mut frozen = Vec::new();
        if self.stamped.is_some() {
            for name in [annotation::INITIAL_CLUSTER_SIZE, annotation::ORDINALS_START] {
                let present = self.template.get("metadata").get("annotations").has(name);
                frozen.extend(self.carried(name).filter(|_| !present).map(|value| (name, value)));
            }
            return Ok(frozen);
        }
        let replicas = match self.spec.get("replicas") {
            absent if absent.is_null() => Some(1),
            written => written.integer().and_then(|replicas| u32::try_from(replicas).ok()),
        };
        if let Some(size) = size::size(dkron, options, replicas, warnings)? {
            if size % 2 == 0 {
                let text = format!("{size} servers tolerate no more losses than {}; use an odd number", size - 1);
                warnings.push(Warning::new(code::EVEN_SIZE, text));
            }
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
        let frozen: Vec<(&str, &str)> = frozen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        edit.merge(self.template.get("metadata"), &meta, "labels", labels);
        edit.merge(self.template.get("metadata"), &meta, "annotations", &frozen);
    }

    /// Warnings are for the moment of stamping; an update that only carries forward repeats none.
    fn done(&self, edit: Edit, warnings: Vec<Warning>) -> Verdict {
        let already = self.stamped.is_some() || is_injected(self.template.get("metadata"));
        let warnings = if already { Vec::new() } else { warnings };
        Verdict { decision: Decision::Patch(edit.into_patch()), warnings }
    }
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
    metadata.get("labels").get(label::INJECTED).str().as_deref() == Some("true")
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
