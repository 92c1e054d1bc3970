//! Accounts that pods need: an object whose account is only just being made waits here, within its time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::review::Account;

/// The controller makes accounts within a fraction of a second. An API server waits for an answer for 3 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// The accounts that there are, kept by a watch. Nobody is waited for before a first complete list has come, since nobody would
/// know then whether it is worth it.
#[derive(Clone, Debug)]
pub struct Accounts(watch::Receiver<Option<BTreeSet<Account>>>);

impl Accounts {
    /// What `known` says, and will say.
    pub fn new(known: watch::Receiver<Option<BTreeSet<Account>>>) -> Self {
        Self(known)
    }

    /// Waits until `account` is there, until `deadline` at most.
    ///
    /// # Errors
    /// [`Refusal::NoAccount`] where it does not come.
    pub async fn wait(&self, account: &Account, deadline: Instant) -> Result<(), Refusal> {
        let there = |known: &Option<BTreeSet<Account>>| known.as_ref().is_none_or(|known| known.contains(account));
        let mut known = self.0.clone();
        let end = deadline.min(Instant::now() + PATIENCE);
        match timeout_at(end, known.wait_for(there)).await {
            // The watch is gone: nobody knows.
            Ok(_) => Ok(()),
            Err(_) => Err(Refusal::NoAccount(account.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(namespace: &str) -> Account {
        Account { namespace: namespace.into(), name: "dkron-ha-server" }
    }

    #[tokio::test]
    async fn an_account_that_is_being_made_is_waited_for_and_no_longer_than_it_makes_sense() {
        let (tell, known) = watch::channel(None);
        let accounts = Accounts::new(known);
        let (a, b) = (account("a"), account("b"));
        let far = Instant::now() + Duration::from_secs(600);
        assert_eq!(accounts.wait(&a, far).await, Ok(()), "nobody knows yet");

        tell.send_replace(Some(BTreeSet::from([a.clone()])));
        assert_eq!(accounts.wait(&a, far).await, Ok(()));
        let begun = Instant::now();
        let near = begun + Duration::from_millis(50);
        assert_eq!(accounts.wait(&b, near).await, Err(Refusal::NoAccount(b.clone())));
        assert!(Instant::now() >= near);
        assert!(accounts.wait(&b, far).await.is_err());
        assert!(Instant::now() < far && begun.elapsed() >= PATIENCE);

        let waiting = tokio::spawn({
            let (accounts, b) = (accounts.clone(), b.clone());
            async move { accounts.wait(&b, far).await }
        });
        tell.send_replace(Some(BTreeSet::from([a, b])));
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }
}
