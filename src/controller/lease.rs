//! The Lease in the webhook's own namespace: one replica acts at a time.

use std::future::Future;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use super::election::{Election, GIVES_UP, HOLDS, PACE, Seen, Turn};
use crate::contract::object;

/// Does `act` while this replica holds the lease, and begins anew whenever it has got it again; for ever.
pub async fn while_held<F: Future<Output = ()>>(client: Client, namespace: &str, own: &str, act: impl Fn() -> F) {
    let leases = Api::<Lease>::namespaced(client, namespace);
    let mut election = Election::new(own);
    loop {
        until_held(&leases, &mut election).await;
        tracing::info!(own, "this replica is the controller now");
        tokio::select! {
            () = until_lost(&leases, &mut election) => tracing::warn!(own, "another replica is the controller now, or nobody can say"),
            () = act() => {}
        }
    }
}

/// Gives the lease back, so that another replica need not wait until it has run out.
pub async fn give_back(client: Client, namespace: &str, own: &str) {
    let leases = Api::<Lease>::namespaced(client, namespace);
    let given = async {
        let Some(mut lease) = leases.get_opt(object::INSTALLATION).await? else { return Ok(false) };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(own) {
            return Ok(false);
        }
        spec.holder_identity = Some(String::new());
        leases.replace(object::INSTALLATION, &PostParams::default(), &lease).await.map(|_| true)
    };
    match timeout(PACE, given).await {
        Ok(Ok(true)) => tracing::info!(own, "the lease of the controller is given back"),
        Ok(Ok(false)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the lease of the controller is not given back: it runs out"),
        Err(_) => tracing::warn!("the lease of the controller is not given back in time: it runs out"),
    }
}

async fn until_held(leases: &Api<Lease>, election: &mut Election) {
    let mut told = false;
    loop {
        match step(leases, election).await {
            Ok(true) => return,
            Ok(false) => told = false,
            Err(error) if !std::mem::replace(&mut told, true) => tracing::warn!(%error, "the lease cannot be had"),
            Err(error) => tracing::debug!(%error, "the lease cannot be had"),
        }
        sleep(PACE).await;
    }
}

async fn until_lost(leases: &Api<Lease>, election: &mut Election) {
    let mut renewed = Instant::now();
    while renewed.elapsed() < GIVES_UP {
        sleep(PACE).await;
        let begun = Instant::now();
        match timeout(PACE, step(leases, election)).await {
            Ok(Ok(true)) => renewed = begun,
            Ok(Ok(false)) => return,
            Ok(Err(error)) => tracing::debug!(%error, "the lease is not renewed"),
            Err(_) => tracing::debug!("the lease is not renewed in time"),
        }
    }
}

/// Looks at the lease and writes it where it is our turn. Tells whether it is ours.
async fn step(leases: &Api<Lease>, election: &mut Election) -> Result<bool, kube::Error> {
    let Some(mut lease) = leases.get_opt(object::INSTALLATION).await? else {
        let metadata = ObjectMeta { name: Some(object::INSTALLATION.into()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(taken(LeaseSpec::default(), election.own(), true)) };
        return lost_race(leases.create(&PostParams::default(), &lease).await);
    };
    let turn = election.turn(&seen(&lease), Instant::now());
    if turn == Turn::Wait {
        return Ok(false);
    }
    lease.spec = Some(taken(lease.spec.unwrap_or_default(), election.own(), turn == Turn::Take));
    lost_race(leases.replace(object::INSTALLATION, &PostParams::default(), &lease).await)
}

/// Whoever else wrote first has it.
fn lost_race(outcome: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match outcome {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

fn seen(lease: &Lease) -> Seen {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        holder: spec.and_then(|spec| spec.holder_identity.clone()),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holds: seconds.map_or(HOLDS, Duration::from_secs),
    }
}

fn taken(before: LeaseSpec, own: &str, anew: bool) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    let mut spec = LeaseSpec {
        holder_identity: Some(own.into()),
        lease_duration_seconds: i32::try_from(HOLDS.as_secs()).ok(),
        renew_time: Some(now.clone()),
        ..before
    };
    if anew {
        spec.acquire_time = Some(now);
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
    }
    spec
}
