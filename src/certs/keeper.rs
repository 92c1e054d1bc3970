//! The decision of `--certificates=self`: given the Secret, the registration and the time, what is to be done next.
//!
//! Every replica decides for itself; none leads. What keeps them from harming each other:
//!
//! - The Secret is written under conditions (made only where there is none, replaced only as it was read). Whoever comes second reads.
//! - Who has not seen the registration yet leaves the Secret alone: it would drop what others serve by.
//! - The bundle follows from the Secret alone, and is published only over the registration that was read before that Secret.
//! - A new authority is trusted before it signs: it waits in the Secret as the successor until the live registration has vouched for
//!   it for [`SETTLE`](super::settling::SETTLE). So a replica that starts meanwhile signs with the one that everybody knows.
//! - A leaf is served only once the live registration vouches for it, and one of another authority only after the same time, unless
//!   the present one is not trusted any more.
//! - An authority whose certificates are in use stays in the bundle, and is put back where somebody has taken it out of the Secret.
//!   Who makes the Secret anew ranks what the registration trusts and it has never seen before what it knows: others serve by that.
//! - How long something has been trusted is measured by the clock that nobody sets.
//!
//! Pure but for keys, which are made of the system's randomness.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::CertificateDer;

use super::issue::{Authority, LEAF_LIFE};
use super::keyring::{Data, Keyring};
use super::leaf::{KeepError, Signed};
use super::patience::Patience;
use super::restore::Credential;
use super::settling::Settling;
use super::sight::{Live, Sight, hosts};
use super::validity::{Jitter, Standing, Validity};
use super::world::{Secret, Step, Stored, Why, World};
use super::{Bundle, Moment, Pair, unix_seconds};

/// Common name of the authorities that are made here.
pub const AUTHORITY_NAME: &str = "dkron-ha authority";
/// Life of such an authority.
pub const KEPT_LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Between two looks while all is well.
const LOOK: Duration = Duration::from_secs(60);
/// Between two looks while the API server would not trust us.
const LOOK_SOON: Duration = Duration::from_secs(5);
/// The shortest wait.
const BREATH: Duration = Duration::from_millis(100);

/// What one replica knows from one look to the next.
pub struct Keeper {
    service: String,
    namespace: String,
    jitter: Jitter,
    /// Made at the start, and kept if there is no other yet.
    spare: Arc<Authority>,
    /// As last read and found usable.
    keyring: Option<Keyring>,
    served: Signed,
    /// A newer leaf that is not served yet.
    candidate: Option<Signed>,
    /// The candidate's authority, while the live registration trusts it.
    settling: Settling,
    /// The successor, likewise.
    ripening: Settling,
    /// The live registration has trusted what is served at some time.
    was_trusted: bool,
    /// What the registration trusted of ours when it was first seen: what other replicas may serve by.
    met: Option<Bundle>,
    /// Version of the Secret that was last seen; empty if there was none.
    secret: Option<String>,
    rewritten: Patience,
    /// The bundle that the live registration was last seen to carry.
    carried: Option<String>,
    overwritten: Patience,
    /// Version of a Secret that the API server would not let us replace.
    stuck: Option<String>,
}

impl Keeper {
    /// A replica that starts, for the Service `service` in `namespace`. From the first moment there is a leaf to serve, which nobody
    /// trusts yet.
    ///
    /// # Errors
    /// [`KeepError`] without randomness.
    pub fn new(service: &str, namespace: &str, now: SystemTime, jitter: Jitter) -> Result<Self, KeepError> {
        let spare = Arc::new(Authority::create(AUTHORITY_NAME, now, KEPT_LIFE)?);
        let names = hosts(service, namespace, &Sight::Absent);
        let served = Signed::new(&spare, names, now)?;
        Ok(Self {
            service: service.into(),
            namespace: namespace.into(),
            jitter,
            spare,
            keyring: None,
            served,
            candidate: None,
            settling: Settling::default(),
            ripening: Settling::default(),
            was_trusted: false,
            met: None,
            secret: None,
            rewritten: Patience::default(),
            carried: None,
            overwritten: Patience::default(),
            stuck: None,
        })
    }

    /// What is to be served.
    pub fn served(&self) -> &Arc<Pair> {
        &self.served.pair
    }

    /// From when to when the kept authority holds, once it is known.
    pub fn authority(&self) -> Option<Validity> {
        self.keyring.as_ref().map(|keyring| keyring.authority().validity())
    }

    /// The API server would not replace the Secret of this version, whatever its data.
    pub fn refused(&mut self, version: &str) {
        self.stuck = Some(version.into());
    }

    /// What to do next. [`Step::Serve`] counts as done.
    ///
    /// # Errors
    /// [`KeepError`] where nothing can be signed; what is served stays.
    pub fn next(&mut self, world: &World, now: Moment) -> Result<Step, KeepError> {
        self.notice(world, now.steady);
        self.meet(&world.sight, now.wall);
        let why = match &world.secret {
            Secret::Present(stored) => self.learn(stored, &world.sight, now)?,
            Secret::Unread | Secret::Absent => None,
        };
        self.prepare(&world.sight, now.wall)?;
        if let Some(pair) = self.take_over(&world.sight, now) {
            return Ok(Step::Serve(pair));
        }
        // An authority that is only to be replaced goes on being published, so that a Secret which cannot be written harms nobody.
        let is_usable = matches!(why, None | Some(Why::Due | Why::Ripe));
        if let (Secret::Present(_), Some(live), true) = (&world.secret, world.sight.live(), is_usable)
            && !self.forgets(live, now.wall)
            && let Some(step) = self.publish(live, now.steady)
        {
            return Ok(step);
        }
        let rewrite = self.rewrite(world, why, now.wall)?;
        Ok(rewrite.filter(|_| self.rewritten.pause(now.steady).is_zero()).unwrap_or_else(|| self.wait(world, now)))
    }

    /// Counts what others change.
    fn notice(&mut self, world: &World, now: Instant) {
        let version = match &world.secret {
            Secret::Unread => return,
            Secret::Absent => String::new(),
            Secret::Present(stored) => stored.version.clone(),
        };
        if self.secret.replace(version.clone()).is_some_and(|before| before != version) {
            self.rewritten.note(now);
        }
    }

    /// Notes what the registration trusts.
    fn meet(&mut self, sight: &Sight, now: SystemTime) {
        let Some(live) = sight.live() else { return };
        self.was_trusted |= live.vouch(&self.served.pair, now).is_ok();
        let holds = |one: &&CertificateDer<'_>| {
            Credential::read(one).is_ok_and(|read| read.validity.at(now) == Standing::Valid)
        };
        self.met.get_or_insert_with(|| ours(live).certificates().iter().filter(holds).cloned().collect());
    }

    /// Takes the Secret in, unless there is something wrong with it.
    fn learn(&mut self, stored: &Stored, sight: &Sight, moment: Moment) -> Result<Option<Why>, KeepError> {
        let now = moment.wall;
        let keyring = match Keyring::read(&stored.data) {
            Ok(keyring) => keyring,
            Err(error) => return Ok(Some(Why::Unusable(error))),
        };
        let holds = |authority: &Arc<Authority>| authority.validity().at(now) == Standing::Valid;
        if !holds(keyring.authority()) {
            let Some(promoted) = keyring.promoted().filter(|next| holds(next.authority())) else {
                return Ok(Some(Why::NotNow));
            };
            self.keyring = Some(promoted);
            return Ok(Some(Why::Ripe));
        }
        let authority = keyring.authority();
        let known = self.keyring.as_ref().map(|known| known.authority().certificate());
        if known != Some(authority.certificate()) && self.served.by != *authority.certificate() {
            let probe = Signed::new(authority, self.hosts(sight), now)?;
            if let Err(distrust) = probe.is_sound(now) {
                return Ok(Some(Why::Unsound(Arc::new(distrust))));
            }
            self.candidate = Some(probe);
        }
        let validity = authority.validity();
        let is_due = unix_seconds(now + LEAF_LIFE) > validity.not_after || validity.is_due(now, self.jitter);
        let next = keyring.next().filter(|next| holds(next)).map(|next| next.certificate().clone());
        self.keyring = Some(keyring);
        let trusts = |live: &Live, next| live.entries.iter().all(|entry| Bundle::read(&entry.bundle).contains(next));
        Ok(match (next, sight.live()) {
            (None, _) => is_due.then_some(Why::Due),
            (Some(next), Some(live)) if trusts(live, &next) => {
                self.ripening.holds(&next, moment.steady).then_some(Why::Ripe)
            }
            (Some(_), _) => {
                self.ripening.breaks();
                None
            }
        })
    }

    /// Signs a leaf in time, and whenever the present one is of another authority or lacks a host.
    fn prepare(&mut self, sight: &Sight, now: SystemTime) -> Result<(), KeepError> {
        let Some(keyring) = &self.keyring else { return Ok(()) };
        let authority = keyring.authority();
        let hosts = self.hosts(sight);
        let is_fresh = |leaf: &Signed| leaf.is_fresh(authority, &hosts, now, self.jitter);
        if is_fresh(&self.served) {
            self.candidate = None;
        } else if !self.candidate.as_ref().is_some_and(is_fresh) && authority.validity().at(now) == Standing::Valid {
            self.candidate = Some(Signed::new(authority, hosts, now)?);
        }
        Ok(())
    }

    fn hosts(&self, sight: &Sight) -> Vec<String> {
        hosts(&self.service, &self.namespace, sight)
    }

    /// The candidate, if it may be served now.
    fn take_over(&mut self, sight: &Sight, now: Moment) -> Option<Arc<Pair>> {
        let (Some(candidate), Some(live)) = (&self.candidate, sight.live()) else {
            self.settling.breaks();
            return None;
        };
        if live.vouch(&candidate.pair, now.wall).is_err() {
            self.settling.breaks();
            return None;
        }
        let is_settled = self.settling.holds(&candidate.by, now.steady) || candidate.by == self.served.by;
        // Others may be called meanwhile: a replica that was never trusted has no reason to hurry with an authority that is new to all.
        let is_strange = self.met.as_ref().is_some_and(|met| !met.is_empty() && !met.contains(&candidate.by));
        let is_news = is_strange || self.keyring.as_ref().is_some_and(Keyring::is_new);
        let may_wait = live.vouch(&self.served.pair, now.wall).is_ok() || !self.was_trusted && is_news;
        if may_wait && !is_settled {
            return None;
        }
        self.served = self.candidate.take()?;
        Some(Arc::clone(&self.served.pair))
    }

    /// Whether the bundle of the Secret lacks what clients now trust us by.
    fn forgets(&self, live: &Live, now: SystemTime) -> bool {
        let lacks = |keyring: &Keyring| !keyring.bundle().contains(&self.served.by);
        self.keyring.as_ref().is_some_and(lacks) && live.vouch(&self.served.pair, now).is_ok()
    }

    /// The bundle into the registration, unless it is there, or somebody else keeps overwriting it.
    fn publish(&mut self, live: &Live, now: Instant) -> Option<Step> {
        let bundle = self.keyring.as_ref()?.bundle().pem();
        if live.carries(&bundle) {
            self.carried = Some(bundle);
            return None;
        }
        if self.carried.take().is_some_and(|carried| carried == bundle) {
            self.overwritten.note(now);
        }
        let entries = live.entries.iter().map(|entry| entry.name.clone()).collect();
        let publish = Step::Publish { version: live.version.clone(), entries, bundle };
        self.overwritten.pause(now).is_zero().then_some(publish)
    }

    /// The Secret anew, where it has to be.
    fn rewrite(&self, world: &World, why: Option<Why>, now: SystemTime) -> Result<Option<Step>, KeepError> {
        // Who has not seen yet what is trusted cannot keep it so.
        if matches!(world.sight, Sight::Unread(_)) {
            return Ok(None);
        }
        let stored = match &world.secret {
            Secret::Unread => return Ok(None),
            Secret::Absent => {
                let data = written(&self.successor(&world.sight, now)?, Data::new());
                return Ok(Some(Step::Create { data }));
            }
            Secret::Present(stored) => stored,
        };
        let (keyring, why) = match (why, world.sight.live(), &self.keyring) {
            (Some(Why::Ripe), _, Some(keyring)) => (keyring.promoted().unwrap_or_else(|| keyring.clone()), Why::Ripe),
            (Some(why), ..) => (self.successor(&world.sight, now)?, why),
            (None, Some(live), Some(keyring)) if self.forgets(live, now) => {
                let previous = [&self.served.by].into_iter().chain(keyring.previous()).cloned();
                let mended = Keyring::new(Arc::clone(keyring.authority()), previous);
                (mended.with_next(keyring.next().cloned()), Why::Forgotten)
            }
            _ => return Ok(None),
        };
        let version = stored.version.clone();
        if stored.immutable || self.stuck.as_ref() == Some(&version) {
            return Ok(Some(Step::Discard { uid: stored.uid.clone(), version, why }));
        }
        Ok(Some(Step::Replace { version, data: written(&keyring, stored.data.clone()), why }))
    }

    /// A new authority: as the successor of the one that was known, where that still holds, else in its place. Before it all by which
    /// anybody may still be trusted: what we serve by, what we knew, and what the live registration trusts of ours, since other
    /// replicas may serve by that.
    fn successor(&self, sight: &Sight, now: SystemTime) -> Result<Keyring, KeepError> {
        let is_first = self.keyring.is_none() && self.met.as_ref().is_none_or(Bundle::is_empty);
        let new = if is_first {
            Arc::clone(&self.spare)
        } else {
            Arc::new(Authority::create(AUTHORITY_NAME, now, KEPT_LIFE)?)
        };
        let in_use = sight.vouch(&self.served.pair, now).is_ok().then(|| self.served.by.clone());
        let known = self.keyring.as_ref();
        let before: Vec<_> = known
            .map(|known| [known.authority().certificate()].into_iter().chain(known.previous()).cloned().collect())
            .unwrap_or_default();
        let live = sight.live().map(ours).unwrap_or_default();
        // What we do not know came after what we do: others serve by it, and we have missed it.
        let missed = newest_first(live.certificates().iter().filter(|one| !before.contains(one)).cloned().collect());
        // Whatever their dates: it may be our clock that is wrong, and one that is over harms nobody.
        let previous = in_use.into_iter().chain(missed).chain(before);
        let known = known.map(Keyring::authority).filter(|known| known.validity().at(now) == Standing::Valid);
        Ok(match known {
            Some(known) => Keyring::new(Arc::clone(known), previous).with_next(Some(new)),
            None if is_first => Keyring::new(new, previous),
            // Others may be called meanwhile by what nobody has the key of any more.
            None => Keyring::new(Arc::clone(&new), previous).with_next(Some(new)),
        })
    }

    /// Until something is due.
    fn wait(&self, world: &World, now: Moment) -> Step {
        let Moment { wall, steady } = now;
        let is_well = world.sight.vouch(&self.served.pair, wall).is_ok();
        let look = if is_well { LOOK.saturating_sub(self.jitter.of_duration(LOOK / 3)) } else { LOOK_SOON };
        let due = self.served.pair.validity().due(self.jitter).saturating_sub(unix_seconds(wall));
        let due = u64::try_from(due).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let settled = [&self.settling, &self.ripening].into_iter().filter_map(|settling| settling.left(steady));
        let settled = settled.filter(|left| !left.is_zero());
        let pauses =
            [self.rewritten.pause(steady), self.overwritten.pause(steady)].into_iter().filter(|one| !one.is_zero());
        let first = [Some(look), due].into_iter().flatten().chain(settled).chain(pauses).min();
        Step::Wait(first.unwrap_or(look).max(BREATH))
    }
}

/// What the registration trusts of authorities that were made here.
fn ours(live: &Live) -> Bundle {
    let all = live.entries.iter().flat_map(|entry| Bundle::read(&entry.bundle).certificates().to_vec());
    all.filter(|one| Credential::read(one).is_ok_and(|read| read.name == AUTHORITY_NAME)).collect()
}

/// The latest made first, as well as the clocks of those who made them agree.
fn newest_first(mut authorities: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    authorities.sort_by_key(|one| Reverse(Credential::read(one).map_or(i64::MIN, |read| read.validity.not_before)));
    authorities
}

fn written(keyring: &Keyring, mut data: Data) -> Data {
    keyring.write(&mut data);
    data
}
