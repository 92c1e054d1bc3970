//! A set of three servers in a namespace of its own. Nobody runs their containers, so the label updater of each runs here, with a
//! token of its pod, beside a dkron and a wrapper that are played.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use dkron_ha::contract::label::SERVER_OF;
use dkron_ha::contract::object::SERVER_ACCOUNT;
use dkron_ha::contract::path::{NOTICES, STATE};
use dkron_ha::init::clock;
use dkron_ha::init::notices::Notices;
use dkron_ha::init::procedure::Saying;
use serde_json::json;
use tempfile::TempDir;

use crate::audit::Requests;
use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::labels::{Labels, Said};
use crate::namespace::Namespace;
use crate::played::Played;
use crate::scenarios::SERVERS;
use crate::updater::{Surroundings, Updater};
use crate::wire::Wire;

pub const COUNT: usize = 3;

/// A set with everything beside it.
pub struct Servers<'c> {
    cluster: &'c Cluster,
    pub namespace: Namespace,
    /// Between all updaters and the API server.
    pub wire: Wire,
    pub labels: Labels,
    pub members: Vec<Server>,
    leader: Arc<Mutex<Option<usize>>>,
}

/// One pod.
pub struct Server {
    pub name: String,
    /// What is mounted into the label updater.
    pub directory: TempDir,
    pub dkron: Played,
    pub wrapper: Played,
    /// What the wrapper has to tell people.
    said: Arc<Mutex<Notices>>,
    /// `None` while its container does not run.
    pub updater: Option<Updater>,
}

impl Server {
    /// The wrapper has said this, so that people must know it.
    pub fn says(&self, saying: &Saying) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).hear(saying, clock::now().at);
    }

    /// The process, which must run.
    pub fn updater(&self) -> Result<&Updater> {
        self.updater.as_ref().with_context(|| format!("the label updater of {} does not run", self.name))
    }
}

impl<'c> Servers<'c> {
    /// Applies the set, waits for its pods, and starts the updater of each. Nobody leads yet.
    pub fn start(cluster: &'c Cluster, stem: &str) -> Result<Self> {
        let namespace = cluster.opted_in(stem)?;
        namespace.apply(SERVERS)?;
        namespace.pods("dkron", COUNT)?;
        let config = namespace.kubectl.config()?;
        let place = config["clusters"][0]["cluster"]["server"].as_str().context("no server in the kubeconfig")?;
        let place: SocketAddr = place.trim_start_matches("https://").parse().context("where the API server is")?;
        let labels = Labels::follow(&namespace.kubectl, &namespace.name, &format!("{SERVER_OF}=dkron"))?;
        let leader = Arc::default();
        let members = (0..COUNT).map(|ordinal| server(&namespace.name, ordinal, &leader)).collect::<Result<_>>()?;
        let mut servers = Self { cluster, namespace, wire: Wire::to(place)?, labels, members, leader };
        for ordinal in 0..COUNT {
            servers.start_updater(ordinal)?;
        }
        servers.labels.until(CONTROLLERS_ACT_WITHIN, |said| *said == expected(None))?;
        Ok(servers)
    }

    /// dkron of this one leads from now on, or nobody.
    pub fn lead(&self, leader: Option<usize>) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = leader;
    }

    /// Waits until the labels name this leader and no other.
    pub fn until_labelled(&self, leader: Option<usize>, deadline: Duration) -> Result<std::time::Instant> {
        let expected = expected(leader);
        self.labels.until(deadline, |said| *said == expected)
    }

    /// As the kubelet does for a new container: a token of the pod as it is now, and the process.
    pub fn start_updater(&mut self, ordinal: usize) -> Result<()> {
        let member = self.members.get(ordinal).context("no such server")?;
        let directory = member.directory.path();
        let uid = self.namespace.get("pod", &member.name)?["metadata"]["uid"].as_str().map(str::to_owned);
        let uid = uid.context("a pod without uid")?;
        let bound = ["--bound-object-kind=Pod", &format!("--bound-object-name={}", member.name)];
        self.write_token(directory, &[bound[0], bound[1], &format!("--bound-object-uid={uid}")])?;
        fs::copy(self.authority()?, directory.join("ca.crt")).context("mounting the authority")?;
        let around = Surroundings {
            pod: &member.name,
            namespace: &self.namespace.name,
            api_server: self.wire.port(),
            dkron: member.dkron.port,
            wrapper: member.wrapper.port,
            directory,
        };
        let updater = Updater::start(&around)?;
        self.members[ordinal].updater = Some(updater);
        Ok(())
    }

    /// Has a token made for the account, bound as these flags say, and puts it where the pod finds it.
    pub fn write_token(&self, directory: &Path, flags: &[&str]) -> Result<()> {
        let arguments = [&["create", "token", SERVER_ACCOUNT, "--duration=1h"], flags].concat();
        let token = self.namespace.run(&arguments)?.stdout;
        // As the kubelet does it: whole, or not yet.
        let (new, file) = (directory.join("token.new"), directory.join("token"));
        fs::write(&new, token.trim()).and_then(|()| fs::rename(&new, &file)).context("mounting a token")
    }

    /// Everything that the updaters asked of the API server so far.
    pub fn requests(&self) -> Result<Requests> {
        self.cluster.control_plane().audit().requests(&self.namespace.name, SERVER_ACCOUNT)
    }

    fn authority(&self) -> Result<String> {
        let config = self.namespace.kubectl.config()?;
        let authority = config["clusters"][0]["cluster"]["certificate-authority"].as_str().map(str::to_owned);
        authority.context("no authority in the kubeconfig")
    }
}

/// Labels of the whole set while this one leads.
pub fn expected(leader: Option<usize>) -> Said {
    (0..COUNT).map(|ordinal| (name(ordinal), Some(leader == Some(ordinal)))).collect()
}

fn name(ordinal: usize) -> String {
    format!("dkron-{ordinal}")
}

fn server(namespace: &str, ordinal: usize, leader: &Arc<Mutex<Option<usize>>>) -> Result<Server> {
    let leader = Arc::clone(leader);
    let dkron = Played::start(move |_| {
        let leads = *leader.lock().unwrap_or_else(PoisonError::into_inner) == Some(ordinal);
        if leads { (200, "\"I am a leader\"".into()) } else { (404, "\"I am a follower\"".into()) }
    })?;
    let said = Arc::new(Mutex::new(Notices::new(namespace.into(), name(ordinal).into(), clock::now().at)));
    let state = json!({"namespace": namespace, "pod": name(ordinal), "formed": true}).to_string();
    let tells = Arc::clone(&said);
    let wrapper = Played::start(move |path| match path {
        STATE => (200, state.clone()),
        NOTICES => match serde_json::to_string(&*tells.lock().unwrap_or_else(PoisonError::into_inner)) {
            Ok(text) => (200, text),
            Err(error) => (500, error.to_string()),
        },
        path if path.starts_with("/probe/") => (200, "this server takes part".into()),
        _ => (404, String::new()),
    })?;
    Ok(Server { name: name(ordinal), directory: tempfile::tempdir()?, dkron, wrapper, said, updater: None })
}
