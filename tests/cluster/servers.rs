//! The servers of a dkron cluster in a namespace: what is done to them, and what is seen of them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dkron_ha::contract::label::{LEADER, SERVER_OF};
use dkron_ha::contract::port::DKRON_HTTP;
use serde_json::{Value, json};

use crate::client::jobs::{self, EACH_SECOND, Executions, Ticks};
use crate::client::{self, raft};
use crate::images::DKRON;
use crate::installed::Cluster;
use crate::kubernetes::command::Output;
use crate::kubernetes::kubectl::Kubectl;
use crate::kubernetes::wait::{Overdue, wait_until};

/// For one answer of dkron.
const PATIENCE: Duration = Duration::from_secs(2);

/// When waiting for a leader is given up.
const LED_WITHIN: Duration = Duration::from_secs(15);

/// What the manifests of the corpus call their namespace.
const ANY: &str = "billing";

/// The image of those that are older.
const OLDER: &str = "dkron/dkron:3.2.1";

/// A server's pod at one moment.
#[derive(Clone, Debug)]
pub struct Server {
    pub name: String,
    pub uid: String,
    pub address: Option<Ipv4Addr>,
    pub ready: bool,
    pub leads: bool,
    pub terminating: bool,
    /// Restarts of dkron's container.
    pub restarts: u64,
    /// As stored.
    pub pod: Value,
}

/// All servers of one set, or of bare pods of one name.
pub struct Servers<'c> {
    pub cluster: &'c Cluster,
    /// An administrator's whose default namespace this is.
    pub kubectl: Kubectl,
    pub namespace: String,
    /// The set, and the dkron cluster.
    pub set: String,
    /// When it was applied.
    pub applied: Instant,
}

impl<'c> Servers<'c> {
    /// Applies a namespace that is opted in together with a manifest, as one file: nothing is waited for.
    pub fn apply(cluster: &'c Cluster, stem: &str, manifest: &str) -> Result<Self> {
        Self::apply_labelled(cluster, stem, manifest, &[])
    }

    /// The same, the namespace with more labels.
    pub fn apply_labelled(cluster: &'c Cluster, stem: &str, manifest: &str, labels: &[(&str, &str)]) -> Result<Self> {
        let namespace = cluster.name(stem);
        let kubectl = cluster.kubectl().in_namespace(&namespace)?;
        let manifest = manifest.replace(ANY, &namespace).replace(OLDER, DKRON);
        let all = format!("{}\n---\n{manifest}", Cluster::opted_in(&namespace, labels));
        let applied = Instant::now();
        kubectl.apply(&all, &[])?.ok()?;
        Ok(Self { cluster, kubectl, namespace, set: "dkron".to_owned(), applied })
    }

    /// The same servers, called otherwise than `dkron`.
    pub fn called(self, set: &str) -> Self {
        Self { set: set.to_owned(), ..self }
    }

    /// `kubectl` with these arguments, which has to end with 0.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.kubectl.run(arguments, None)?.ok()
    }

    /// Every pod of the cluster's servers.
    pub fn all(&self) -> Result<Vec<Server>> {
        let pods = self.kubectl.list_json("pods", &self.namespace)?;
        let ours = pods.into_iter().filter(|pod| pod["metadata"]["labels"][SERVER_OF] == self.set.as_str());
        Ok(ours.map(server).collect())
    }

    /// The one of this name.
    pub fn server(&self, name: &str) -> Result<Server> {
        self.all()?.into_iter().find(|server| server.name == name).with_context(|| format!("no pod {name}"))
    }

    /// The one that has the label, once one has: a machine that is busy may elect another one at any moment, whose label comes a moment
    /// later. How long nobody answered as the leader is what [`Watcher`](crate::watcher::Watcher) tells.
    pub fn leader(&self) -> Result<Server> {
        wait_until("a pod with the label of the leader", LED_WITHIN, || {
            Ok(self.all()?.into_iter().find(|server| server.leads))
        })
    }

    /// Any that does not.
    pub fn follower(&self) -> Result<Server> {
        self.all()?.into_iter().find(|server| !server.leads).context("no pod without the label of the leader")
    }

    /// Waits until exactly this many servers are ready, one leads, and raft has these as voters, at their addresses, and nobody else.
    pub fn until_whole(&self, count: usize, within: Duration) -> Result<()> {
        let mut lacking = String::new();
        let waited = wait_until(&format!("{count} servers in {}", self.namespace), within, || {
            let lacks = self.lacks(count)?;
            lacking = lacks.clone().unwrap_or_default();
            Ok(lacks.is_none().then_some(()))
        });
        match waited {
            Err(error) if error.is::<Overdue>() => bail!("{error}: {lacking}"),
            waited => waited,
        }
    }

    /// What keeps it from being whole.
    fn lacks(&self, count: usize) -> Result<Option<String>> {
        let all = self.all()?;
        if all.len() != count || !all.iter().all(|server| server.ready && !server.terminating) {
            let seen = |server: &Server| (server.name.clone(), server.ready, server.terminating);
            return Ok(Some(format!("(name, ready, terminating): {:?}", all.iter().map(seen).collect::<Vec<_>>())));
        }
        let [leader] = all.iter().filter(|server| server.leads).collect::<Vec<_>>()[..] else {
            return Ok(Some("not one leader is labelled".to_owned()));
        };
        let expected: BTreeMap<_, _> =
            all.iter().filter_map(|server| Some((server.name.clone(), format!("{}:6868", server.address?)))).collect();
        match raft::list(&self.cluster.parts.dkron, leader.address.context("a leader without an address")?) {
            Ok(list) if list.iter().all(|server| server.voter) && list.len() == count => {
                let found: BTreeMap<_, _> = list.into_iter().map(|server| (server.id, server.address)).collect();
                Ok((found != expected).then(|| format!("raft: {found:?}")))
            }
            Ok(list) => Ok(Some(format!("raft: {list:?}"))),
            Err(error) => Ok(Some(format!("{error:#}"))),
        }
    }

    /// `kubectl delete pod` with these flags, until there is another one of its name, and all three servers are a cluster again.
    pub fn replace(&self, before: &Server, flags: &[&str], within: Duration) -> Result<Duration> {
        let begun = Instant::now();
        self.delete(before, flags)?;
        wait_until(&format!("another {} to be ready", before.name), within, || {
            let back = self.all()?.into_iter().any(|now| now.name == before.name && now.uid != before.uid && now.ready);
            Ok(back.then_some(()))
        })?;
        self.until_whole(3, within)?;
        Ok(begun.elapsed())
    }

    /// Waits until each pod is of the newest template.
    pub fn until_rolled_out(&self, within: Duration) -> Result<()> {
        wait_until("all pods to be of the newest template", within, || {
            let set = self.kubectl.get_json("statefulset", &self.namespace, &self.set)?;
            let status = &set["status"];
            let seen = status["observedGeneration"] == set["metadata"]["generation"];
            let newest = &status["updateRevision"];
            let all = self.all()?;
            let rolled =
                all.iter().all(|server| server.pod["metadata"]["labels"]["controller-revision-hash"] == *newest);
            Ok((seen && rolled && !all.is_empty()).then_some(()))
        })
    }

    /// Waits until dkron's container of each of these pods is another one than before.
    pub fn until_other_containers(&self, before: &[Server], within: Duration) -> Result<()> {
        let dkron = |server: &Server| {
            let statuses = server.pod["status"]["containerStatuses"].as_array().into_iter().flatten();
            statuses.filter(|one| one["name"] == "dkron").map(|one| one["containerID"].to_string()).collect::<String>()
        };
        let old: Vec<String> = before.iter().map(dkron).collect();
        wait_until("other containers", within, || {
            let new: Vec<String> = self.all()?.iter().map(dkron).collect();
            Ok((!new.is_empty() && new.iter().all(|one| !one.is_empty() && !old.contains(one))).then_some(()))
        })
    }

    /// `kubectl delete pod` with these flags; nothing is waited for.
    pub fn delete(&self, server: &Server, flags: &[&str]) -> Result<()> {
        self.run(&[&["delete", "pod", &server.name, "--wait=false"], flags].concat())?;
        Ok(())
    }

    /// Creates a job that runs on any one server each second.
    pub fn job_each_second(&self, name: &str) -> Result<()> {
        jobs::create(self.leader_service()?, name, EACH_SECOND, "true", &json!({"server": "true:1"}))
    }

    /// Adds what the leader has recorded of a job.
    pub fn executions(&self, name: &str, known: &mut Executions) -> Result<()> {
        jobs::executions(self.leader_service()?, name, known)
    }

    /// What became of a job of each second.
    pub fn ticks(&self, name: &str) -> Result<Ticks> {
        let mut executions = Executions::new();
        self.executions(name, &mut executions)?;
        Ticks::of(&executions)
    }

    /// Address of the Service that leads to the leader, once it does.
    pub fn leader_service(&self) -> Result<Ipv4Addr> {
        let name = format!("{}-leader", self.set);
        let service = wait_until("the leader's Service", Duration::from_secs(30), || {
            self.kubectl.find("service", &self.namespace, &name)
        })?;
        let address: Ipv4Addr =
            service["spec"]["clusterIP"].as_str().context("a Service without an address")?.parse()?;
        // kube-proxy hears of the leader up to a second after its label is written.
        wait_until("the leader's Service to lead somewhere", Duration::from_secs(30), || {
            Ok(TcpStream::connect_timeout(&(address, DKRON_HTTP).into(), Duration::from_secs(1)).ok())
        })?;
        Ok(address)
    }

    /// Waits until so many servers and agents are alive for the leader.
    pub fn until_members(&self, count: usize, within: Duration) -> Result<()> {
        let leader = self.leader_service()?;
        wait_until(&format!("{count} members that are alive"), within, || {
            let Ok(answer) = client::get((leader, DKRON_HTTP), "/v1/members", PATIENCE) else { return Ok(None) };
            let members = answer.json()?;
            let alive = members.as_array().into_iter().flatten().filter(|member| member["Status"] == 1).count();
            Ok((alive == count).then_some(()))
        })
    }
}

fn server(pod: Value) -> Server {
    let metadata = &pod["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    Server {
        name: text(&metadata["name"]),
        uid: text(&metadata["uid"]),
        address: pod["status"]["podIP"].as_str().and_then(|address| address.parse().ok()),
        ready: conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True"),
        leads: metadata["labels"][LEADER] == "true",
        terminating: !metadata["deletionTimestamp"].is_null(),
        restarts: statuses.filter_map(|one| one["restartCount"].as_u64()).sum(),
        pod,
    }
}
