//! The Pod pass: everything that makes dkron highly available.

use super::agent::{Belonging, Joining, belonging};
use super::annotations::{Said, resources_fit};
use super::container::{Container, Variable};
use super::containers::{Injected, changed};
use super::edit::Edit;
use super::entry_point::{EntryPoint, entry_point};
use super::environment::{self, Value};
use super::identity::{self, Identity};
use super::owner::{Owner, owner};
use super::recognise::{Dkron, Recognised, View, recognise};
use super::role::{self, Known};
use super::size::{self, Sources, size};
use super::stateful_set::{is_injected, raise_grace, same_service};
use super::verdict::{Decision, Rejection, Verdict, Warning};
use super::{Engine, Request, Undecided, account, doubts, opted, probes, spread, storage, volumes};
use crate::code;
use crate::contract::{annotation, env, injected, label, path, port};
use crate::json::{Node, Pointer, quoted};
use crate::options::{Options, Role, SidecarMode, Storage};

/// The pod under review.
struct Pod<'r, 'n> {
    engine: &'r Engine,
    request: &'r Request<'n>,
    meta: &'n Node<'n>,
    spec: &'n Node<'n>,
    said: Options,
    options: Options,
    owner: Owner,
    known: Known,
    dkron: Dkron<'n>,
    /// It was injected already: names are ours, and what is there stays as it is.
    again: bool,
}

/// Decides about a Pod.
pub fn pod<'n>(engine: &Engine, request: &'n Request<'n>) -> Result<Verdict, Undecided> {
    let meta = request.object.get("metadata");
    let spec = request.object.get("spec");
    if opted(meta.get("labels")) == Some(false) || meta.get("annotations").has(annotation::MIRROR_POD) {
        return Ok(Verdict::skip());
    }
    let owner = owner(meta);
    let numbered = is_numbered(&request.name());
    let said = Said::of(meta.get("annotations"), &Pointer::of("/metadata/annotations"));
    let options = said.options.clone().over(&engine.settings.options);
    let view = View {
        said: &said.options,
        options: &options,
        wanted: opted(meta.get("labels")) == Some(true),
        lasting: owner.is_lasting() || owner == Owner::None && numbered,
    };
    let found = recognise(spec, &Pointer::of("/spec"), view);
    if let Owner::StatefulSet(name) = &owner
        && !is_injected(meta)
        && !matches!(found, Ok(Recognised::Nothing))
    {
        // It ran before the opt-in; whatever may be wrong with it is said when its set is stamped, not when a pod restarts.
        let text =
            format!("StatefulSet {name} was never injected; older than the opt-in: kubectl rollout restart sts/{name}");
        return Ok(Verdict::skip_because(code::SET_NOT_STAMPED, text));
    }
    let found = found?;
    if !matches!(found, Recognised::Nothing) && doubts::runs_windows(spec) {
        return Ok(windows());
    }
    let dkron = match found {
        Recognised::Dkron(dkron) => dkron,
        Recognised::Nothing => return Ok(Verdict::skip()),
        Recognised::OtherCommand(container) => return Ok(other_command(&container)),
    };
    // Only now: a stray annotation of another workload is not ours to refuse. Nor are those of a set's pod: the set was
    // accepted with them, perhaps by a newer version, and a refusal would stop its restarts.
    let mut warnings = Vec::new();
    let said = match (said.options.clone(), said.strictly(), &owner) {
        (_, Ok(said), _) => said,
        (readable, Err(fault), Owner::StatefulSet(_)) => {
            let text = format!("{} is left out: {}", fault.path.for_people(), fault.problem);
            warnings.push(Warning::new(code::ANNOTATION_UNREAD, text));
            readable
        }
        (_, Err(fault), _) => return Err(fault.into()),
    };
    if matches!(owner, Owner::None) {
        resources_fit(&options, &Pointer::of("/metadata/annotations"))?;
    }
    let again = dkron.container.wrapped && meta.get("annotations").has(annotation::STATUS);
    let known = role::written(&dkron).filter(|_| again).unwrap_or_else(|| role::role(&dkron, &options));
    let pod = Pod { engine, request, meta, spec, said, options, owner, known, dkron, again };
    match pod.part()? {
        Part::Leave(code, text) => Ok(Verdict::skip_because(code, text)),
        Part::Server(identity) => Ok(pod.with_account(pod.server(&identity, warnings)?, Role::Server)),
        Part::Agent => Ok(pod.with_account(pod.agent(warnings)?, Role::Agent)),
    }
}

/// A pod for Windows nodes is left as it is, audibly.
pub fn windows() -> Verdict {
    Verdict::skip_because(code::WINDOWS, "a pod for Windows nodes is left as it is")
}

/// A container with a dkron image that runs no agent, as far as can be seen, is left alone, audibly.
pub fn other_command(container: &Container<'_>) -> Verdict {
    let text =
        format!("container {:?} runs no visible dkron agent; label dkron-ha.io/inject=true wraps it", container.name);
    Verdict::skip_because(code::NO_AGENT_COMMAND, text)
}

/// `<cluster>-<ordinal>`, as servers are called.
fn is_numbered(name: &str) -> bool {
    Identity::of_bare_pod(name).1.is_some()
}

/// What the pod is in its cluster.
enum Part {
    Server(Identity),
    Agent,
    Leave(code::Code, String),
}

impl Pod<'_, '_> {
    fn with_account(&self, verdict: Verdict, role: Role) -> Verdict {
        Verdict { account: account::needed(self.spec, role), ..verdict }
    }

    fn part(&self) -> Result<Part, Rejection> {
        let is_server = self.known == Known::Certain(Role::Server);
        // What was stamped stands, whatever others have added to the pod since.
        let serves = self.meta.get("labels").has(label::SERVER_OF);
        match &self.owner {
            Owner::StatefulSet(name) if serves => {
                let (_, ordinal) = Identity::of_bare_pod(&self.request.name());
                Ok(Part::Server(self.identity(name.clone(), ordinal)?))
            }
            Owner::None if self.again && !serves => Ok(Part::Agent),
            Owner::None if is_server || (self.known == Known::AtRunTime && is_numbered(&self.request.name())) => {
                let name = self.request.name();
                identity::usable(&name, Pointer::of("/metadata/name"))?;
                let (cluster, ordinal) = Identity::of_bare_pod(&name);
                Ok(Part::Server(self.identity(cluster, ordinal)?))
            }
            Owner::Other(owner) if is_server => {
                let text = format!(
                    "a dkron server owned by {owner} is left as it is; servers need a StatefulSet of group apps"
                );
                Ok(Part::Leave(code::OWNER_WITHOUT_NAMES, text))
            }
            _ => Ok(Part::Agent),
        }
    }

    fn identity(&self, cluster: String, ordinal: Option<u32>) -> Result<Identity, Rejection> {
        let subdomain = self.spec.get("subdomain").str().filter(|name| !name.is_empty());
        if let (Some(subdomain), Some(said), Owner::None) = (&subdomain, &self.said.service, &self.owner) {
            same_service(subdomain, said, &Pointer::of("/metadata"))?;
        }
        // A pod's DNS name comes from its subdomain; the annotation only fills an empty one.
        let service = subdomain.map(std::borrow::Cow::into_owned).or_else(|| self.options.service.clone());
        Ok(Identity { service: service.unwrap_or_else(|| cluster.clone()), cluster, ordinal })
    }

    fn server(&self, identity: &Identity, mut warnings: Vec<Warning>) -> Result<Verdict, Rejection> {
        doubts::of_pod(self.spec, self.known, self.engine.settings.ports, &mut warnings);
        let mut edit = self.common(Role::Server, &mut warnings)?;
        let bare = matches!(self.owner, Owner::None);
        let at = Pointer::of("/spec");

        let size = self.size(identity, bare, &mut warnings)?;
        let start = self.meta.get("annotations").get(annotation::ORDINALS_START).str();
        let start = start.and_then(|text| text.parse().ok()).unwrap_or(0);
        let size_text = size.map(|size| size.to_string());
        // Of a set that was made without replicas nobody knows yet how many there will be; the own name tells how they are named.
        let (start, count) = size.map_or((identity.ordinal.unwrap_or(start), 1), |size| (start, size));
        let peers = identity.peers(&self.request.namespace, start, count);
        let mut variables: Vec<(&str, Value<'_>)> = Vec::new();
        variables.extend(size_text.as_deref().map(|size| (env::INITIAL_CLUSTER_SIZE, Value::Text(size))));
        if self.dkron.container.variable(env::INITIAL_CLUSTER_SIZE) != Variable::Absent
            && size::users_variable(&self.dkron)? != size
        {
            variables.extend(size_text.as_deref().map(|size| (env::SIZE, Value::Text(size))));
        }
        variables.push((env::STATEFULSET_NAME, Value::Text(&identity.cluster)));
        variables.push((env::PEERS, Value::Text(&peers)));
        variables.push((env::CLUSTER, Value::Text(&identity.cluster)));
        self.variables(&mut edit, variables, storage::storage(&self.dkron, self.spec, &self.options));

        // On a later pass a probe may be another injector's work already.
        if !self.again {
            probes::redirect(&mut edit, &self.dkron, self.engine.settings.ports.wrapper, &mut warnings);
            probes::drop_leaving_hook(&mut edit, &self.dkron, &mut warnings);
        }
        spread::add(&mut edit, self.spec, &at, &identity.cluster);
        if bare && self.spec.get("hostname").is_empty() {
            edit.set(self.spec, &at, "hostname", "hostname", &quoted(&self.request.name()));
        }
        if self.spec.get("subdomain").is_empty() {
            edit.set(self.spec, &at, "subdomain", "subdomain", &quoted(&identity.service));
        }
        let labels =
            [(label::INJECTED, "true"), (label::CLUSTER, &identity.cluster), (label::SERVER_OF, &identity.cluster)];
        Ok(self.finish(edit, &labels, warnings))
    }

    fn agent(&self, mut warnings: Vec<Warning>) -> Result<Verdict, Undecided> {
        doubts::of_pod(self.spec, self.known, self.engine.settings.ports, &mut warnings);
        let belonging = if self.again {
            // Decided on the first pass; its variables are there.
            Belonging { joining: Joining::Own, cluster: None }
        } else {
            let clusters = self.engine.clusters.as_ref();
            belonging(&self.dkron, &self.options, self.request, clusters, Pointer::of("/metadata"))?
        };
        let mut edit = self.common(Role::Agent, &mut warnings)?;
        let mut variables: Vec<(&str, Value<'_>)> = Vec::new();
        if let Joining::By { variable, value } = &belonging.joining {
            account::doubt_discovery(self.spec, &mut warnings);
            variables.push((variable, Value::Text(value)));
        }
        let cluster = belonging.cluster;
        let servers = cluster.as_ref().map(|known| format!("{}.{}.svc", known.service, self.request.namespace));
        variables.extend(cluster.as_ref().map(|known| (env::CLUSTER, Value::Text(&known.name))));
        variables.extend(servers.as_deref().map(|servers| (env::SERVERS, Value::Text(servers))));
        self.variables(&mut edit, variables, None);
        Ok(self.finish(edit, &[(label::INJECTED, "true")], warnings))
    }

    /// Account, volumes, command, mounts, containers, grace: what servers and agents share.
    fn common(&self, role: Role, warnings: &mut Vec<Warning>) -> Result<Edit, Rejection> {
        let at = Pointer::of("/spec");
        let container = &self.dkron.container;
        let entry = if container.wrapped { None } else { Some(entry_point(&self.dkron, &self.options)?) };
        if !self.again {
            volumes::free(self.spec, &at, &self.dkron)?;
        }
        let mut edit = Edit::default();
        // Removals first: their list indexes hold only while nothing was inserted.
        account::swap(&mut edit, self.spec, &at, role, warnings);
        volumes::add(&mut edit, self.spec, &at, role == Role::Server);
        volumes::mount(&mut edit, &self.dkron);
        if let Some(entry) = entry {
            edit.set(container.node, &container.path, "command", "container/command", &wrapped(&entry));
        }
        self.containers(&mut edit, role);
        let grace = self.options.grace.unwrap_or_default().to_string();
        raise_grace(&mut edit, self.spec, &at, &grace);
        Ok(edit)
    }

    fn containers(&self, edit: &mut Edit, role: Role) {
        let at = Pointer::of("/spec");
        let user = self.spec.get("securityContext").get("runAsUser").integer();
        let ours = Injected {
            options: &self.options,
            inherits_user: user.is_some_and(|user| user != 0),
            dkron_port: self.changed_dkron_port(),
        };
        let text = self.engine.containers(&ours);
        let (inits, mains) = (self.spec.get("initContainers"), self.spec.get("containers"));
        let native = self.options.sidecar_mode == Some(SidecarMode::Native);
        let there = |name| volumes::named(inits.items(), name) || volumes::named(mains.items(), name);
        let install = !there(injected::INSTALL);
        let label = role == Role::Server && !there(injected::LABEL_UPDATER);
        let place = |list: &str, name: &str| format!("{list}/{name}");
        if inits.is_null() {
            let mut items = Vec::new();
            if install {
                items.push((place("initContainers", injected::INSTALL), text.install.clone()));
            }
            if label && native {
                items.push((place("initContainers", injected::LABEL_UPDATER), text.label_updater.clone()));
            }
            edit.append(self.spec, &at, "initContainers", items);
        } else {
            let list = at.key("initContainers");
            if install {
                // First: it needs nothing, and another init container may already be wrapped dkron one day.
                edit.add(list.index(0), place("initContainers", injected::INSTALL), text.install.as_str());
            }
            if label && native {
                // Last: the user's own init containers need no label and are not to wait for it.
                edit.add(list.end(), place("initContainers", injected::LABEL_UPDATER), text.label_updater.as_str());
            }
        }
        if label && !native {
            let updater = (place("containers", injected::LABEL_UPDATER), text.label_updater.clone());
            edit.append(self.spec, &at, "containers", vec![updater]);
        }
    }

    /// dkron's HTTP port, where it is known and not the usual one.
    fn changed_dkron_port(&self) -> Option<u16> {
        changed(self.dkron.container.http_port(&self.dkron.flags)?, port::DKRON_HTTP)
    }

    fn size(&self, identity: &Identity, bare: bool, warnings: &mut Vec<Warning>) -> Result<Option<u32>, Rejection> {
        // A set's own number stands in its annotation since the StatefulSet pass; bare pods have no replicas to ask.
        let otherwise = match (bare, identity.ordinal) {
            (true, Some(_)) => Some(3),
            (true, None) => Some(1),
            (false, _) => None,
        };
        let sources = Sources {
            annotation: self.said.initial_cluster_size,
            default: self.engine.settings.options.initial_cluster_size,
            replicas: None,
        };
        Ok(size(&self.dkron, sources, warnings)?.or(otherwise))
    }

    /// Variables of every dkron container, and those that the role adds.
    fn variables<'v>(&self, edit: &mut Edit, more: Vec<(&'v str, Value<'v>)>, storage: Option<Storage>) {
        let settings = &self.engine.settings;
        let grace = self.spec.get("terminationGracePeriodSeconds").integer().unwrap_or(30);
        let grace = grace.max(self.options.grace.unwrap_or_default().into()).to_string();
        let wrapper_port = changed(settings.ports.wrapper, port::WRAPPER).map(|port| port.to_string());
        let dkron_port = self.changed_dkron_port().map(|port| port.to_string());
        let mut all = vec![
            (env::POD_NAME, Value::Field("metadata.name")),
            (env::POD_IP, Value::Field("status.podIP")),
            (env::STATEFULSET_NAMESPACE, Value::Field("metadata.namespace")),
            (env::ROLE, Value::Text(self.known.as_str())),
            (env::GRACE, Value::Text(&grace)),
        ];
        all.extend(storage.map(|storage| {
            let text = match storage {
                Storage::Persistent => "persistent",
                Storage::Ephemeral => "ephemeral",
            };
            (env::STORAGE, Value::Text(text))
        }));
        all.extend(self.options.cluster_domain.as_deref().map(|domain| (env::CLUSTER_DOMAIN, Value::Text(domain))));
        all.extend(wrapper_port.as_deref().map(|port| (env::WRAPPER_PORT, Value::Text(port))));
        all.extend(dkron_port.as_deref().map(|port| (env::DKRON_HTTP_PORT, Value::Text(port))));
        all.extend(more);
        environment::add(edit, &self.dkron, &all);
    }

    fn finish(&self, mut edit: Edit, labels: &[(&str, &str)], warnings: Vec<Warning>) -> Verdict {
        let at = Pointer::of("/metadata");
        edit.object(self.request.object, &Pointer::root(), "metadata");
        edit.merge(self.meta, &at, "labels", labels);
        if self.again {
            // The record of the first pass stays; what somebody took out in between is only put back.
            return Verdict::of(Decision::Patch(edit.into_patch()), Vec::new());
        }
        let status = edit.record(&self.dkron.container.name);
        edit.merge(self.meta, &at, "annotations", &[(annotation::STATUS, &status)]);
        Verdict::of(Decision::Patch(edit.into_patch()), warnings)
    }
}

/// JSON of the wrapped command. `args` of the container follow it, as they followed the original.
fn wrapped(entry: &EntryPoint) -> String {
    let mut words = vec![path::WRAPPER.to_owned(), "run".into()];
    match entry {
        EntryPoint::Words(original) => {
            words.push("--".into());
            words.extend(original.iter().cloned());
        }
        EntryPoint::Find => words.extend(["--find-dkron".into(), "--".into()]),
    }
    serde_json::Value::from(words).to_string()
}
