//! The accounts that there are in all namespaces, for reviews that wait for one. Every replica knows them, whoever holds the lease.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::select;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;

use crate::contract::object;
use crate::review::Account;
use crate::watches::{Listed, Pauses};

/// Accounts by namespace. `None` until a first complete list of each has arrived.
pub type Known = Option<BTreeSet<Account>>;

/// Begins to watch, within a runtime, for as long as anybody holds the result.
pub fn accounts(client: &Client) -> watch::Receiver<Known> {
    let (tell, known) = watch::channel(None);
    tokio::spawn(follow(client.clone(), tell));
    known
}

async fn follow(client: Client, tell: watch::Sender<Known>) {
    let accounts = Api::<PartialObjectMeta<ServiceAccount>>::all(client);
    let of = |name: &'static str| {
        let called = Config::default().fields(&format!("metadata.name={name}"));
        watcher(accounts.clone(), called).backoff(Pauses::default()).map(move |event| (name, event)).boxed()
    };
    let mut events = select(of(object::SERVER_ACCOUNT), of(object::AGENT_ACCOUNT));
    let mut ledger = Ledger::default();
    while let Some((name, event)) = events.next().await {
        match event {
            Ok(event) => {
                if ledger.absorb(name, event) {
                    tell.send_replace(ledger.known());
                }
            }
            Err(error) => tracing::warn!(%error, name, "the watch of service accounts was interrupted"),
        }
        if tell.is_closed() {
            return;
        }
    }
}

/// What both watches have told, by the name of the account.
#[derive(Debug, Default)]
struct Ledger(BTreeMap<&'static str, Listed<BTreeSet<Account>>>);

impl Ledger {
    /// Takes one event in. Tells whether what is known may have changed.
    fn absorb(&mut self, name: &'static str, event: Event<PartialObjectMeta<ServiceAccount>>) -> bool {
        let account = |meta: &PartialObjectMeta<ServiceAccount>| Account {
            namespace: meta.namespace().unwrap_or_default(),
            name,
        };
        self.0.entry(name).or_default().absorb(
            event,
            |there, meta| _ = there.insert(account(meta)),
            |there, meta| _ = there.remove(&account(meta)),
        )
    }

    fn known(&self) -> Known {
        let of = |name| self.0.get(name)?.known();
        Some(of(object::SERVER_ACCOUNT)? | of(object::AGENT_ACCOUNT)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(namespace: &str) -> PartialObjectMeta<ServiceAccount> {
        let meta = serde_json::json!({ "metadata": { "name": "x", "namespace": namespace } });
        serde_json::from_value(meta).expect("metadata")
    }

    fn known(ledger: &Ledger) -> Option<Vec<String>> {
        Some(ledger.known()?.iter().map(|account| format!("{}/{}", account.namespace, account.name)).collect())
    }

    #[test]
    fn accounts_come_and_go_and_count_when_both_lists_are_complete() {
        let (server, agent) = (object::SERVER_ACCOUNT, object::AGENT_ACCOUNT);
        let mut ledger = Ledger::default();
        ledger.absorb(server, Event::Init);
        ledger.absorb(server, Event::InitApply(meta("a")));
        ledger.absorb(agent, Event::Init);
        ledger.absorb(server, Event::InitDone);
        assert_eq!(known(&ledger), None);
        ledger.absorb(agent, Event::InitDone);
        assert_eq!(known(&ledger), Some(vec!["a/dkron-ha-server".into()]));
        ledger.absorb(agent, Event::Apply(meta("b")));
        ledger.absorb(server, Event::Delete(meta("a")));
        assert_eq!(known(&ledger), Some(vec!["b/dkron-ha-agent".into()]));
        ledger.absorb(agent, Event::Init);
        assert_eq!(known(&ledger), Some(vec!["b/dkron-ha-agent".into()]), "until the new list is complete");
        ledger.absorb(agent, Event::InitDone);
        assert_eq!(known(&ledger), Some(vec![]));
    }
}
