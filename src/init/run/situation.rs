//! Everything that is known before anything is started.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::contract::label;

use super::super::agent;
use super::super::command::{
    Effective, Environment, Form, Prepared, Said, SaidRole, Settings, Word, absolute, cluster_domain, flag, generation,
    is_dkron, joined_hosts, peer_names,
};
use super::super::config::{self, UserFile};
use super::super::disk::{DataDir, DesiredFile, desired};
use super::super::exit::Exit;
use super::super::find;
use super::super::log::line;
use super::super::procedure::{Disk, Generation, Launch, Me, Name, Storage};
use super::super::tools;
use super::super::watch::look::Ports;
use super::super::watch::servers::Question;
use super::Failure;

/// What the machine calls itself.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// Another text at each reading.
const UUID: &str = "/proc/sys/kernel/random/uuid";

/// Where the kubelet writes the search list of the cluster.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Kubernetes' own grace period, where the webhook did not write another.
const GRACE: Duration = Duration::from_secs(30);

/// What is known before anything is started.
#[derive(Debug)]
pub struct Situation {
    /// What the webhook wrote.
    pub settings: Settings,
    /// The file to execute.
    pub program: PathBuf,
    environment: Environment,
    /// The whole command with its first word.
    words: Vec<OsString>,
    /// dkron's configuration file.
    config: UserFile,
    effective: Effective,
    /// dkron itself, for its other subcommands.
    dkron: Option<PathBuf>,
    domain: Option<String>,
}

impl Situation {
    /// Looks at everything.
    pub fn survey(find_dkron: bool, words: Vec<OsString>) -> Result<Self, Failure> {
        let environment = Environment::of(std::env::vars_os());
        let settings = Settings::read(&environment).map_err(Failure::with(Exit::Settings))?;
        let (program, words) = locate(find_dkron, words)?;
        let form = Form::of(&words, &environment);
        let config = UserFile::load(form.value(flag::CONFIG), environment.get("HOME"));
        let said = Said { form: &form, environment: &environment, config: &config.values };
        let effective = Effective::read(&said, settings.pod_name.as_deref());
        let dkron = dkron_in(&form, &program);
        let domain = settings.cluster_domain.clone().or_else(|| cluster_domain(&fs::read_to_string(RESOLV_CONF).ok()?));
        Ok(Self { settings, program, environment, words, config, effective, dkron, domain })
    }

    /// Tells what is worth telling.
    pub fn tell(&self) {
        let links = self.environment.service_links();
        if !links.is_empty() {
            line(format_args!("kept from dkron, as Services made them: {}", links.join(", ")));
        }
    }

    /// A server, of a cluster whose servers are known.
    pub fn is_server_of_a_cluster(&self) -> bool {
        let known = !self.settings.peers.is_empty() || self.settings.size == Some(1);
        known && self.is_server()
    }

    fn is_server(&self) -> bool {
        match self.settings.role {
            SaidRole::Server => true,
            SaidRole::Agent => false,
            SaidRole::Auto | SaidRole::Nothing => self.effective.server == Some(true),
        }
    }

    /// An agent, by the webhook's word or where that could not tell by dkron's own.
    pub fn is_agent(&self) -> bool {
        match self.settings.role {
            SaidRole::Agent => true,
            SaidRole::Auto => self.effective.server == Some(false),
            SaidRole::Server | SaidRole::Nothing => false,
        }
    }

    /// What the life of an agent is told of it, and whom it is to ask.
    pub fn agent(&self) -> (agent::Me, Question) {
        let settings = &self.settings;
        let joined = self.with_said(|said| [said.values(flag::RETRY_JOIN), said.values(flag::JOIN)].concat());
        let mut hosts = joined_hosts(&joined);
        let (mut sure, mut home) = (!hosts.is_empty(), None);
        if hosts.is_empty()
            && let Some((namespace, cluster)) = settings.namespace.as_deref().zip(settings.cluster.as_deref())
        {
            hosts.extend(settings.servers.as_deref());
            home = Some(agent::Home { namespace: namespace.into(), cluster: cluster.into() });
            // By another selector it may join others, and this cluster is merely the only one that the webhook knew.
            let selector = format!("{}={cluster}\"", label::SERVER_OF);
            let added = settings.join.iter().filter(|_| joined.is_empty());
            sure = joined.iter().chain(added).any(|join| join.contains(&selector));
        }
        let node = self.agents_node();
        if node.is_none() {
            // Whoever does not know its name would hear that nobody has it.
            hosts.clear();
        }
        let hosts: Vec<Name> = hosts.into_iter().map(|host| absolute(host, self.domain.as_deref()).into()).collect();
        let node = node.unwrap_or_default();
        let me = agent::Me { node: Name::clone(&node), ip: settings.pod_ip, asks: !hosts.is_empty(), sure, home };
        (me, Question { hosts, ports: self.ports(), node })
    }

    /// dkron's node name of a server: its pod's, where nobody said another one.
    fn node(&self) -> Name {
        self.effective.node.as_deref().or(self.settings.pod_name.as_deref()).unwrap_or_default().into()
    }

    /// dkron's node name of an agent, as it was said, or as dkron takes it: that of the machine, which on the node's own network is the node's.
    /// `None` where somebody said it and it cannot be read, or where a script in a file may have said anything.
    fn agents_node(&self) -> Option<Name> {
        let named = self.with_said(|said| match (said.form, said.value(flag::NODE_NAME)) {
            (Form::Opaque(_), _) | (_, Word::Unreadable) => None,
            (_, Word::Is(name)) => Some(Some(Name::from(name))),
            (_, Word::Absent) => Some(None),
        })?;
        let host =
            || fs::read_to_string(HOSTNAME).ok().map(|name| Name::from(name.trim())).filter(|name| !name.is_empty());
        named.or_else(host).or_else(|| self.settings.pod_name.as_deref().map(Name::from))
    }

    /// Where serf listens on this agent.
    pub fn serf(&self) -> SocketAddr {
        SocketAddr::new(self.settings.pod_ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), self.effective.serf_port)
    }

    /// Port of dkron's gRPC.
    pub fn rpc_port(&self) -> u16 {
        self.effective.rpc_port
    }

    /// Whether the container's probes may point here although the procedure is not followed.
    pub fn serves_probes(&self) -> bool {
        self.settings.role == SaidRole::Auto || self.is_server()
    }

    /// Ports of every server.
    pub fn ports(&self) -> Ports {
        Ports { wrapper: self.settings.wrapper_port, dkron: self.http_port() }
    }

    /// Port of dkron's HTTP API.
    pub fn http_port(&self) -> u16 {
        self.effective.http_port.unwrap_or(self.settings.dkron_port)
    }

    /// dkron itself, for its other subcommands.
    pub fn dkron(&self) -> Option<&Path> {
        self.dkron.as_deref()
    }

    /// dkron's data directory, where it can be known.
    pub fn data_dir(&self) -> Option<DataDir> {
        self.effective.data_dir.as_deref().map(DataDir::at)
    }

    /// The file that the label updater writes.
    pub fn desired(&self) -> Option<DesiredFile> {
        Some(DesiredFile::at(&self.settings.desired, desired::boot_id()?))
    }

    /// What the procedure is told of this server.
    pub fn me(&self, data_dir: Option<&DataDir>) -> Me {
        let settings = &self.settings;
        let name = |text: Option<&String>| Name::from(text.map_or("", String::as_str));
        let pod = name(settings.pod_name.as_ref());
        let (disk, marker) = match data_dir.map(DataDir::holds) {
            Some((disk, marker, error)) => {
                if let Some(error) = error {
                    line(error);
                }
                (disk, marker)
            }
            // Nobody knows what lies where.
            None => (Disk::Unknown, None),
        };
        let generation = if disk == Disk::Empty { Generation::Four } else { self.generation() };
        Me {
            namespace: name(settings.namespace.as_ref()),
            cluster: name(settings.cluster.as_ref()),
            node: self.node(),
            pod,
            ip: settings.pod_ip,
            peers: peer_names(&settings.peers, self.domain.as_deref()),
            size: settings.size,
            users_size: self.effective.expect,
            storage: settings.storage.unwrap_or(Storage::Persistent),
            generation,
            grace: settings.grace.unwrap_or(GRACE),
            rpc_port: self.effective.rpc_port,
            disk,
            marker,
            founding: fs::read_to_string(UUID).ok().map(|uuid| uuid.trim().into()),
        }
    }

    /// How dkron deals with addresses; asked only where it matters, since the question takes as long as a start.
    fn generation(&self) -> Generation {
        self.dkron.as_deref().and_then(tools::version).map_or(Generation::Four, |text| generation(&text))
    }

    /// The command as it is to run for a server. dkron's configuration is copied anew for each start.
    pub fn prepared(&self, launch: &Launch) -> Prepared {
        let copy = config::write(&self.settings.run, &self.config);
        let copy = copy.map_err(|why| line(format_args!("dkron's configuration stays as it is: {why}"))).ok();
        self.with_said(|said| Prepared::server(said, launch, copy.as_deref(), self.settings.pod_ip))
    }

    /// The command of anything else.
    pub fn prepared_as_it_is(&self) -> Prepared {
        self.with_said(|said| {
            if self.is_agent() {
                Prepared::agent(said, self.settings.join.as_deref(), self.settings.pod_ip)
            } else {
                Prepared::as_written(said)
            }
        })
    }

    fn with_said<T>(&self, ask: impl FnOnce(&Said<'_>) -> T) -> T {
        let form = Form::of(&self.words, &self.environment);
        ask(&Said { form: &form, environment: &self.environment, config: &self.config.values })
    }
}

/// The file to execute, and the whole command with its first word.
fn locate(find_dkron: bool, mut words: Vec<OsString>) -> Result<(PathBuf, Vec<OsString>), find::FindError> {
    let path = std::env::var_os("PATH");
    if find_dkron {
        let program = find::dkron(path.as_deref())?;
        words.insert(0, program.clone().into_os_string());
        return Ok((program, words));
    }
    Ok((find::program(&words[0], path.as_deref())?, words))
}

/// dkron in the command, or else wherever an image has it.
fn dkron_in(form: &Form<'_>, program: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH");
    let named = form.dkron().and_then(|word| find::program(word, path.as_deref()).ok());
    let itself = || is_dkron(program.as_os_str()).then(|| program.to_owned());
    named.or_else(itself).or_else(|| find::dkron(path.as_deref()).ok())
}
