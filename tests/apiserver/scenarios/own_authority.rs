//! The authority that the webhook keeps by itself, with the rights that it is installed with: from nothing to ready, and healed of what
//! people do to it, while reviews go on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::object::{AUTHORITY_SECRET, BUNDLE_MANAGER, INSTALLATION};
use serde_json::{Value, json};

use super::access::{LEASES, ensure_rights, of_the_webhook};
use super::plain::server_pod;
use crate::cluster::Cluster;
use crate::figures::Row;
use crate::kept::{self, HEALED_WITHIN, Kept};
use crate::kubectl::Kubectl;
use crate::service::Service;
use crate::wait::wait_until;

/// Between two reviews: until the API server has noticed that its connection is gone.
const PAUSE: Duration = Duration::from_millis(100);

pub fn two_replicas_at_once_make_one_authority_and_are_ready(cluster: &Cluster) -> Result<()> {
    kept::with(cluster, |kept| {
        let begun = Instant::now();
        kept.until_ready()?;
        let took = begun.elapsed();
        let secret = kept.secret()?;
        for key in ["ca.crt", "ca.key"] {
            ensure!(secret[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}: {secret}");
        }
        let bundles = kept.bundles()?;
        ensure!(bundles.len() == 4 && bundles.iter().all(|bundle| secret["ca.crt"] == bundle.as_str()), "{bundles:?}");
        owns_the_bundle_only(kept)?;
        has_the_documented_rights_only(cluster)?;
        let namespace = cluster.opted_in("own-authority")?;
        namespace.wait_until_opted_in()?;
        applied_again_nothing_changes(kept)?;
        ensure!(kept.bundles()? == bundles, "apply or diff has changed caBundle");
        an_old_registration_is_a_conflict(kept)?;
        Row::new("a fresh installation", "two replicas that start at once have one authority and are ready")
            .shows("ready after", format!("{:.1} s", took.as_secs_f64()))
            .finish()
    })
}

/// As `docs/install.md` lists them.
fn has_the_documented_rights_only(cluster: &Cluster) -> Result<()> {
    let everywhere = &of_the_webhook("get list watch patch");
    let at_home = [&everywhere[..], &[LEASES, ("secrets", "create get update delete")]].concat();
    ensure_rights(cluster, (INSTALLATION, INSTALLATION), "default", everywhere)?;
    ensure_rights(cluster, (INSTALLATION, INSTALLATION), INSTALLATION, &at_home)
}

/// Field by field, as the API server has it.
fn owns_the_bundle_only(kept: &Kept<'_>) -> Result<()> {
    let shown = ["get", "mutatingwebhookconfiguration", INSTALLATION, "-o=json", "--show-managed-fields"];
    let live = kept.run(&shown, None)?.json()?;
    let managers = live["metadata"]["managedFields"].as_array().context("no managed fields")?;
    let own = managers.iter().find(|manager| manager["manager"] == BUNDLE_MANAGER).context("not a manager")?;
    let webhooks = own["fieldsV1"]["f:webhooks"].as_object().context("owns no webhooks")?;
    let expected = json!({".": {}, "f:clientConfig": {"f:caBundle": {}}, "f:name": {}});
    ensure!(own["operation"] == "Apply" && webhooks.len() == 4, "{own}");
    ensure!(webhooks.values().all(|owned| *owned == expected), "{own}");
    ensure!(own["fieldsV1"].as_object().is_some_and(|fields| fields.len() == 1), "{own}");
    Ok(())
}

/// In all four ways in which people and tools compare and apply.
fn applied_again_nothing_changes(kept: &Kept<'_>) -> Result<()> {
    let manifest = Some(kept.registration.as_str());
    let again = kept.run(&["apply", "-f=-"], manifest)?;
    ensure!(again.stdout.ends_with(" unchanged\n"), "{again}");
    let diff = kept.run(&["diff", "-f=-"], manifest)?;
    ensure!(diff.stdout.is_empty(), "{diff}");
    kept.run(&["apply", "--server-side", "--force-conflicts", "-f=-"], manifest)?;
    let diff = kept.run(&["diff", "--server-side", "--force-conflicts", "-f=-"], manifest)?;
    ensure!(diff.stdout.is_empty(), "{diff}");
    let all = kept.run(&["diff", "-f=-"], Some(&kept.rendered))?;
    ensure!(all.stdout.is_empty(), "{all}");
    Ok(())
}

/// What keeps a replica that was slow from taking back what another one has published.
fn an_old_registration_is_a_conflict(kept: &Kept<'_>) -> Result<()> {
    let live = kept.live()?;
    let old = live["metadata"]["resourceVersion"].as_str().context("no version")?.to_owned();
    kept.run(&["annotate", "mutatingwebhookconfiguration", INSTALLATION, "example.com/note=x"], None)?;
    let webhook = json!({"name": live["webhooks"][0]["name"], "clientConfig": {"caBundle": "eA=="}});
    let applied = json!({"apiVersion": live["apiVersion"], "kind": live["kind"], "webhooks": [webhook],
        "metadata": {"name": INSTALLATION, "resourceVersion": old}});
    let manager = format!("--field-manager={BUNDLE_MANAGER}");
    let flags = ["--server-side", "--force-conflicts", &manager];
    let said = kept.cluster.kubectl().apply(&applied.to_string(), &flags)?.refused()?;
    ensure!(said.contains("the object has been modified"), "{said}");
    kept.run(&["annotate", "mutatingwebhookconfiguration", INSTALLATION, "example.com/note-"], None)?;
    Ok(())
}

pub fn readiness_names_what_is_missing(cluster: &Cluster) -> Result<()> {
    kept::with(cluster, |kept| {
        kept.until_ready()?;
        kept.run(&["delete", "mutatingwebhookconfiguration", INSTALLATION], None)?;
        wait_until("both replicas to say what is missing", HEALED_WITHIN, || {
            let says = |replica: &kept::Replica| {
                replica
                    .readiness()
                    .is_ok_and(|(status, text)| (status, text.trim()) == (503, "there is no registration"))
            };
            Ok(kept.replicas.iter().all(says).then_some(()))
        })?;
        let series = "dkron_ha_not_ready{reason=\"registration_absent\"}";
        ensure!(kept.replicas[0].metric(series)? == 1, "the metric says nothing");
        kept.run(&["apply", "-f=-"], Some(&kept.registration.clone()))?;
        let begun = Instant::now();
        kept.until_ready()?;
        ensure!(kept.replicas[0].metric(series)? == 0, "the metric still says so");
        Row::new("the registration deleted and applied again", "readiness names what is missing; ready again by itself")
            .shows("ready after", format!("{:.1} s", begun.elapsed().as_secs_f64()))
            .finish()
    })
}

pub fn what_people_damage_heals_while_reviews_go_on(cluster: &Cluster) -> Result<()> {
    kept::with(cluster, |kept| {
        kept.until_ready()?;
        let namespace = cluster.opted_in("own-authority")?;
        namespace.wait_until_opted_in()?;
        let healed = |kept: &Kept<'_>, before: &[String]| {
            wait_until("caBundle to be put back", HEALED_WITHIN, || Ok((kept.bundles()? == before).then_some(())))
        };
        let foreign = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
        for (what, text) in [("caBundle emptied", ""), ("caBundle replaced by rubbish", foreign)] {
            let before = kept.bundles()?;
            let reviewed = while_reviewing(&namespace.kubectl, &kept.service, || {
                kept.overwrite_bundles(text)?;
                healed(kept, &before)
            })?;
            kept.until_ready()?;
            reviewed.row(what, "is put back by itself").finish()?;
        }
        let reviewed = while_reviewing(&namespace.kubectl, &kept.service, || {
            let patch = json!({"data": {"ca.key": "eA=="}}).to_string();
            kept.run(&["patch", "secret", AUTHORITY_SECRET, "-n", INSTALLATION, "-p", &patch], None)?;
            until_the_successor_signs(kept)
        })?;
        reviewed
            .row("the key in the Secret overwritten", "no review is lost")
            .claim(reviewed.lost.is_empty(), &reviewed.faults())
            .finish()?;
        let reviewed = while_reviewing(&namespace.kubectl, &kept.service, || {
            kept.run(&["delete", "secret", AUTHORITY_SECRET, "-n", INSTALLATION], None)?;
            until_the_successor_signs(kept)
        })?;
        kept.until_ready()?;
        reviewed
            .row("the Secret deleted: a new authority", "no review is lost while it takes over")
            .claim(reviewed.lost.is_empty(), &reviewed.faults())
            .finish()
    })
}

/// Waits until the Secret has another authority and no successor any more, and each replica serves by it.
fn until_the_successor_signs(kept: &Kept<'_>) -> Result<()> {
    let swapped = "dkron_ha_certificate_reloads_total{result=\"swapped\"}";
    let before = kept.bundles()?;
    let leaves: Vec<u64> = kept.replicas.iter().map(|replica| replica.metric(swapped)).collect::<Result<_>>()?;
    wait_until("the successor to sign", HEALED_WITHIN, || {
        let secret = kept.secret()?;
        let is_alone = secret["ca.crt"].is_string() && secret["next.crt"].is_null() && kept.bundles()? != before;
        let mut newer = true;
        for (replica, before) in kept.replicas.iter().zip(&leaves) {
            newer &= replica.metric(swapped)? > *before;
        }
        Ok((is_alone && newer).then_some(()))
    })
}

/// What became of reviews.
struct Reviewed {
    took: Duration,
    count: usize,
    lost: Vec<String>,
}

impl Reviewed {
    fn row(&self, scenario: &'static str, must: &'static str) -> Row {
        Row::new(scenario, must)
            .shows("healed after", format!("{:.1} s", self.took.as_secs_f64()))
            .shows("reviews", format!("{}, {} lost", self.count, self.lost.len()))
    }

    fn faults(&self) -> String {
        self.lost.first().cloned().unwrap_or_default()
    }
}

/// Does something while pods are sent to the API server, each on a connection of its own; nothing of them is stored.
fn while_reviewing(kubectl: &Kubectl, service: &Service, act: impl FnOnce() -> Result<()>) -> Result<Reviewed> {
    let (over, count) = (AtomicBool::default(), AtomicUsize::default());
    let pod = server_pod("reviewed-0");
    thread::scope(|scope| {
        let reviewing = scope.spawn(|| -> Result<Vec<String>> {
            let mut lost = Vec::new();
            while !over.load(Ordering::SeqCst) {
                service.cut();
                thread::sleep(PAUSE);
                let created = kubectl.run(&["create", "--dry-run=server", "-o=json", "-f=-"], Some(&pod))?;
                count.fetch_add(1, Ordering::SeqCst);
                let injected = created.json().is_ok_and(|pod: Value| crate::look::is_injected(&pod));
                if !injected {
                    lost.push(format!("{created}"));
                }
            }
            Ok(lost)
        });
        let begun = Instant::now();
        let outcome = act();
        let took = begun.elapsed();
        // A few more, of the world as it is now.
        let target = count.load(Ordering::SeqCst) + 4;
        let more =
            wait_until("more reviews", HEALED_WITHIN, || Ok((count.load(Ordering::SeqCst) >= target).then_some(())));
        over.store(true, Ordering::SeqCst);
        let lost = reviewing.join().map_err(|_| anyhow::anyhow!("reviewing panicked"))??;
        outcome.and(more)?;
        Ok(Reviewed { took, count: count.load(Ordering::SeqCst), lost })
    })
}
