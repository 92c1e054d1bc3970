//! An API server with one Secret and one registration, and the conditions under which they change.

use std::fmt::Write as _;

use dkron_ha::certs::Sight;
use dkron_ha::certs::keyring::Keyring;
use dkron_ha::certs::sight::{Entry, Live};
use dkron_ha::certs::world::{Secret, Step, Stored};

pub const SERVICE: &str = "dkron-ha";
pub const NAMESPACE: &str = "dkron-ha";
pub const HOST: &str = "dkron-ha.dkron-ha.svc";

/// Names of the webhooks.
pub const ENTRIES: [&str; 2] = ["pods.example", "sets.example"];

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Conflict,
    Invalid,
    Away,
}

/// What is stored.
#[derive(Clone, Default)]
pub struct Api {
    pub secret: Option<Stored>,
    pub registration: Option<Live>,
    revision: u64,
    /// Nobody answers.
    pub away: bool,
    /// Nothing may be written.
    pub read_only: bool,
    /// The Secret, as it is now, can be replaced by nothing: it is of a type with rules of its own.
    pub strict: bool,
}

impl Api {
    /// A registration as it is installed: without `caBundle`.
    pub fn installed() -> Self {
        let mut api = Self::default();
        api.install();
        api
    }

    pub fn install(&mut self) {
        let entry = |name: &&str| Entry { name: (*name).into(), host: HOST.into(), bundle: Vec::new() };
        let version = self.next();
        self.registration = Some(Live { version, entries: ENTRIES.iter().map(entry).collect() });
    }

    pub fn next(&mut self) -> String {
        self.revision += 1;
        self.revision.to_string()
    }

    pub fn sight(&self) -> Sight {
        if self.away {
            return Sight::Unread("away".into());
        }
        self.registration.clone().map_or(Sight::Absent, Sight::Seen)
    }

    pub fn secret(&self) -> Secret {
        if self.away {
            return Secret::Unread;
        }
        self.secret.clone().map_or(Secret::Absent, Secret::Present)
    }

    /// What the Secret holds, if it can be used.
    pub fn keyring(&self) -> Option<Keyring> {
        Keyring::read(&self.secret.as_ref()?.data).ok()
    }

    /// Whether there is a successor that the registration trusts.
    pub fn publishes_a_successor(&self) -> bool {
        let keyring = self.keyring().filter(|keyring| keyring.next().is_some());
        let carries = |live: &Live| keyring.is_some_and(|keyring| live.carries(&keyring.bundle().pem()));
        self.registration.as_ref().is_some_and(carries)
    }

    pub fn bundle(&self) -> Vec<u8> {
        self.registration
            .iter()
            .flat_map(|live| &live.entries)
            .map(|entry| entry.bundle.clone())
            .next()
            .unwrap_or_default()
    }

    /// Somebody edits the Secret.
    pub fn edit_secret(&mut self, edit: impl FnOnce(&mut Stored)) {
        let version = self.next();
        let uid = format!("uid-{version}");
        let stored = self.secret.get_or_insert_with(|| Stored { uid, ..Stored::default() });
        edit(stored);
        stored.version = version;
    }

    /// Somebody edits `caBundle` of each webhook, given its number.
    pub fn edit_bundles(&mut self, mut edit: impl FnMut(usize, &mut Vec<u8>)) {
        let version = self.next();
        if let Some(live) = &mut self.registration {
            live.version = version;
            live.entries.iter_mut().enumerate().for_each(|(at, entry)| edit(at, &mut entry.bundle));
        }
    }

    pub fn perform(&mut self, step: &Step) -> Result<(), Refusal> {
        if self.away || self.read_only {
            return Err(Refusal::Away);
        }
        match step {
            Step::Create { data } => {
                if self.secret.is_some() {
                    return Err(Refusal::Conflict);
                }
                self.edit_secret(|stored| stored.data.clone_from(data));
            }
            Step::Replace { version, data, .. } => {
                let immutable = self.matching(version, None)?.immutable;
                if immutable || self.strict {
                    return Err(Refusal::Invalid);
                }
                self.edit_secret(|stored| stored.data.clone_from(data));
            }
            Step::Discard { uid, version, .. } => {
                self.matching(version, Some(uid))?;
                self.secret = None;
                self.strict = false;
            }
            Step::Publish { version, entries, bundle } => {
                let live = self.registration.as_ref().ok_or(Refusal::Conflict)?;
                let names: Vec<_> = live.entries.iter().map(|entry| entry.name.clone()).collect();
                if live.version != *version || names != *entries {
                    return Err(Refusal::Conflict);
                }
                self.edit_bundles(|_, present| *present = bundle.clone().into_bytes());
            }
            Step::Serve(_) | Step::Wait(_) => {}
        }
        Ok(())
    }

    fn matching(&self, version: &str, uid: Option<&str>) -> Result<&Stored, Refusal> {
        let stored = self.secret.as_ref().ok_or(Refusal::Conflict)?;
        let same = stored.version == version && uid.is_none_or(|uid| stored.uid == uid);
        if same { Ok(stored) } else { Err(Refusal::Conflict) }
    }

    /// For messages.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        let secret = self.secret.as_ref().map(|stored| stored.version.clone());
        let keyring = self.keyring().map(|keyring| keyring.bundle().certificates().len());
        let _ = write!(text, "secret {secret:?} with {keyring:?} authorities");
        if let Some(live) = &self.registration {
            let _ = write!(text, ", registration {}", live.version);
        }
        text
    }
}
