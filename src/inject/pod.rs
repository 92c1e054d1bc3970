//! The Pod pass: everything that makes dkron highly available.

use super::agent::{Joining, joining};
use super::annotations::Said;
use super::container::Container;
use super::containers::{Injected, changed};
use super::edit::{Edit, quoted};
use super::entry_point::{EntryPoint, entry_point};
use super::environment::{self, Value};
use super::identity::{self, Identity};
use super::owner::{Owner, owner};
use super::recognise::{Dkron, Recognised, recognise};
use super::role::{Known, role};
use super::stateful_set::{is_injected, raise_grace};
use super::verdict::{Decision, Rejection, Verdict, Warning};
use super::{Engine, Request, account, opted, probes, size, spread, storage, volumes};
use crate::code;
use crate::contract::{annotation, env, injected, label, path, port};
use crate::json::{Node, Pointer};
use crate::options::{Options, Role, SidecarMode, Storage};

/// The pod under review.
struct Pod<'r, 'n> {
    engine: &'r Engine,
    request: &'r Request<'n>,
    meta: &'n Node<'n>,
    spec: &'n Node<'n>,
    options: Options,
    owner: Owner,
    known: Known,
    dkron: Dkron<'n>,
    /// It carries our status already: names are ours, and what is there stays as it is.
    again: bool,
}

/// Decides about a Pod.
pub fn pod<'n>(engine: &Engine, request: &'n Request<'n>) -> Result<Verdict, Rejection> {
    let meta = request.object.get("metadata");
    let spec = request.object.get("spec");
    if opted(meta.get("labels")) == Some(false) || meta.get("annotations").has(annotation::MIRROR_POD) {
        return Ok(Verdict::skip());
    }
    let wanted = opted(meta.get("labels")) == Some(true);
    let at_annotations = Pointer::of("/metadata/annotations");
    let said = Said::of(meta.get("annotations"), &at_annotations);
    let options = said.options.clone().over(&engine.settings.options);
    let recognised = recognise(spec, &Pointer::of("/spec"), &options, wanted)?;
    let dkron = match recognised {
        Recognised::Dkron(dkron) => dkron,
        Recognised::Nothing => return Ok(Verdict::skip()),
        Recognised::OpaqueCommand(container) => return Ok(opaque(&container)),
    };
    if runs_windows(spec) {
        return Ok(Verdict::skip_because(code::WINDOWS, "a pod for Windows nodes is left as it is"));
    }
    // Only now: a stray annotation of another workload is not ours to refuse.
    said.strictly()?;
    let known = role(&dkron, &options);
    let owner = owner(meta);
    let again = meta.get("annotations").has(annotation::STATUS);
    let pod = Pod { engine, request, meta, spec, options, owner, known, dkron, again };
    match pod.part()? {
        Part::Leave(code, text) => Ok(Verdict::skip_because(code, text)),
        Part::Server(identity) => pod.server(&identity),
        Part::Agent => pod.agent(),
    }
}

/// A container with a dkron image whose command cannot be seen through is left alone, audibly.
pub fn opaque(container: &Container<'_>) -> Verdict {
    let text =
        format!("container {:?} runs no visible dkron agent; label dkron-ha.io/inject=true wraps it", container.name);
    Verdict::skip_because(code::NO_AGENT_COMMAND, text)
}

fn runs_windows(spec: &Node<'_>) -> bool {
    spec.get("os").get("name").str().as_deref() == Some("windows")
        || spec.get("nodeSelector").get("kubernetes.io/os").str().as_deref() == Some("windows")
}

/// What the pod is in its cluster.
enum Part {
    Server(Identity),
    Agent,
    Leave(code::Code, String),
}

impl Pod<'_, '_> {
    fn part(&self) -> Result<Part, Rejection> {
        let may_serve = self.known != Known::Certain(Role::Agent);
        match &self.owner {
            Owner::StatefulSet(name) if may_serve => {
                if !is_injected(self.meta) {
                    let text =
                        format!("StatefulSet {name} is older than the opt-in: kubectl rollout restart sts/{name}");
                    return Ok(Part::Leave(code::SET_NOT_STAMPED, text));
                }
                let (_, ordinal) = Identity::of_bare_pod(&self.request.name());
                Ok(Part::Server(self.identity(name.clone(), ordinal)))
            }
            Owner::None if self.known == Known::Certain(Role::Server) || may_serve && self.is_numbered() => {
                let name = self.request.name();
                identity::usable(&name, Pointer::of("/metadata/name"))?;
                let (cluster, ordinal) = Identity::of_bare_pod(&name);
                Ok(Part::Server(self.identity(cluster, ordinal)))
            }
            Owner::Other(owner) if self.known == Known::Certain(Role::Server) => {
                let text = format!("a dkron server owned by {owner} has no stable name and is left as it is");
                Ok(Part::Leave(code::OWNER_WITHOUT_NAMES, text))
            }
            _ => Ok(Part::Agent),
        }
    }

    fn is_numbered(&self) -> bool {
        Identity::of_bare_pod(&self.request.name()).1.is_some()
    }

    fn identity(&self, cluster: String, ordinal: Option<u32>) -> Identity {
        let subdomain = self.spec.get("subdomain").str().filter(|name| !name.is_empty());
        // A pod's DNS name comes from its subdomain; the annotation only fills an empty one.
        let service = subdomain.map(std::borrow::Cow::into_owned).or_else(|| self.options.service.clone());
        Identity { service: service.unwrap_or_else(|| cluster.clone()), cluster, ordinal }
    }

    fn server(&self, identity: &Identity) -> Result<Verdict, Rejection> {
        let mut warnings = self.doubts();
        let mut edit = self.common(Role::Server, &mut warnings)?;
        let bare = matches!(self.owner, Owner::None);
        let at = Pointer::of("/spec");

        let size = self.size(identity, bare, &mut warnings)?;
        let start = self.meta.get("annotations").get(annotation::ORDINALS_START).str();
        let start = start.and_then(|text| text.parse().ok()).unwrap_or(0);
        let size_text = size.map(|size| size.to_string());
        let peers = size.map(|size| identity.peers(&self.request.namespace, start, size));
        let mut variables: Vec<(&str, Value<'_>)> = Vec::new();
        variables.extend(size_text.as_deref().map(|size| (env::INITIAL_CLUSTER_SIZE, Value::Text(size))));
        variables.push((env::STATEFULSET_NAME, Value::Text(&identity.cluster)));
        variables.extend(peers.as_deref().map(|peers| (env::PEERS, Value::Text(peers))));
        variables.push((env::CLUSTER, Value::Text(&identity.cluster)));
        self.variables(&mut edit, variables, storage::storage(&self.dkron, self.spec, &self.options));

        probes::redirect(&mut edit, &self.dkron, self.engine.settings.ports.wrapper, &mut warnings);
        probes::drop_leaving_hook(&mut edit, &self.dkron, &mut warnings);
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

    fn agent(&self) -> Result<Verdict, Rejection> {
        let mut warnings = self.doubts();
        let joining =
            joining(&self.dkron, &self.options, self.request, self.engine.clusters.as_ref(), Pointer::of("/metadata"))?;
        let mut edit = self.common(Role::Agent, &mut warnings)?;
        let mut variables: Vec<(&str, Value<'_>)> = Vec::new();
        if let Joining::By { variable, value, cluster } = &joining {
            variables.push((variable, Value::Text(value)));
            variables.push((env::CLUSTER, Value::Text(cluster)));
        }
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
        let dkron_port = self.dkron.container.http_port(&self.dkron.flags);
        let user = self.spec.get("securityContext").get("runAsUser").integer();
        let ours = Injected {
            options: &self.options,
            inherits_user: user.is_some_and(|user| user != 0),
            dkron_port: dkron_port.and_then(|port| changed(port, port::DKRON_HTTP)),
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

    fn size(&self, identity: &Identity, bare: bool, warnings: &mut Vec<Warning>) -> Result<Option<u32>, Rejection> {
        // A set's own number stands in its annotation since the StatefulSet pass; bare pods have no replicas to ask.
        let otherwise = match (bare, identity.ordinal) {
            (true, Some(_)) => Some(3),
            (true, None) => Some(1),
            (false, _) => None,
        };
        Ok(size::size(&self.dkron, &self.options, None, warnings)?.or(otherwise))
    }

    /// Variables of every dkron container, and those that the role adds.
    fn variables<'v>(&self, edit: &mut Edit, more: Vec<(&'v str, Value<'v>)>, storage: Option<Storage>) {
        let settings = &self.engine.settings;
        let grace = self.spec.get("terminationGracePeriodSeconds").integer().unwrap_or(30);
        let grace = grace.max(self.options.grace.unwrap_or_default().into()).to_string();
        let wrapper_port = changed(settings.ports.wrapper, port::WRAPPER).map(|port| port.to_string());
        let dkron_port = self.dkron.container.http_port(&self.dkron.flags);
        let dkron_port = dkron_port.and_then(|port| changed(port, port::DKRON_HTTP)).map(|port| port.to_string());
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

    /// Warnings that hold for any pod.
    fn doubts(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.spec.get("hostNetwork").bool() == Some(true) {
            let text = "hostNetwork: one dkron pod a node, and ports 8947 and 8948 must be free there";
            warnings.push(Warning::new(code::HOST_NETWORK, text));
        }
        if self.known == Known::AtRunTime {
            let text = "dkron's configuration decides server or agent; annotation dkron-ha.io/role says it for sure";
            warnings.push(Warning::new(code::ROLE_AT_RUN_TIME, text));
        }
        warnings
    }

    fn finish(&self, mut edit: Edit, labels: &[(&str, &str)], warnings: Vec<Warning>) -> Verdict {
        let at = Pointer::of("/metadata");
        edit.object(self.request.object, &Pointer::root(), "metadata");
        edit.merge(self.meta, &at, "labels", labels);
        if self.again {
            // The record of the first pass stays; what somebody took out in between is only put back.
            return Verdict { decision: Decision::Patch(edit.into_patch()), warnings: Vec::new() };
        }
        let status = edit.record(&self.dkron.container.name);
        edit.merge(self.meta, &at, "annotations", &[(annotation::STATUS, &status)]);
        Verdict { decision: Decision::Patch(edit.into_patch()), warnings }
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
