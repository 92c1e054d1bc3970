//! Broken states that a replica may find at its start, or that befall it later: each heals without a person, so that in the end every
//! replica is ready and a client with the live bundle verifies what is served.

use std::time::Duration;

use dkron_ha::certs::Authority;
use dkron_ha::certs::issue::LEAF_LIFE;
use dkron_ha::certs::keeper::{AUTHORITY_NAME, KEPT_LIFE};
use dkron_ha::certs::keyring::{CERTIFICATE, Data, KEY, PREVIOUS};
use dkron_ha::certs::sight::{Entry, Live};

use crate::api::{Api, HOST};
use crate::cluster::Cluster;
use crate::replica::wall;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing here needs longer; an API server that refuses is not counted.
const HEALED_WITHIN: Duration = Duration::from_secs(90);

/// Changes what is there.
type Damage = fn(&mut Cluster);

/// An authority that was made so long after the beginning of the played time, negative: before.
fn authority(days: i64, life: Duration) -> Authority {
    let now = wall(Duration::ZERO, days * 24 * 60 * 60);
    Authority::create(AUTHORITY_NAME, now, life).expect("an authority")
}

fn put(cluster: &mut Cluster, parts: &[(&str, &str)]) {
    let parts = parts.iter().map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec()));
    let data: Data = parts.collect();
    cluster.edit(|api| api.edit_secret(|stored| stored.data.extend(data)));
}

fn put_authority(cluster: &mut Cluster, authority: &Authority) {
    put(cluster, &[(CERTIFICATE, authority.pem()), (KEY, &authority.key_pem()), (PREVIOUS, "")]);
}

fn bundles(cluster: &mut Cluster, text: &str) {
    cluster.edit(|api| api.edit_bundles(|_, bundle| *bundle = text.into()));
}

/// Before any replica starts.
const AT_THE_START: &[(&str, Damage)] = &[
    ("nothing there yet", |_| ()),
    ("Secret empty", |c| put(c, &[])),
    ("Secret holds something else", |c| put(c, &[("password", "x")])),
    ("Secret of rubbish", |c| put(c, &[(CERTIFICATE, "rubbish"), (KEY, "rubbish"), (PREVIOUS, "rubbish")])),
    ("certificate without key", |c| put(c, &[(CERTIFICATE, authority(0, KEPT_LIFE).pem())])),
    ("key without certificate", |c| put(c, &[(KEY, &authority(0, KEPT_LIFE).key_pem())])),
    ("key of another certificate", |c| {
        put(c, &[(CERTIFICATE, authority(0, KEPT_LIFE).pem()), (KEY, &authority(0, KEPT_LIFE).key_pem())]);
    }),
    ("certificate cut in half", |c| {
        let one = authority(0, KEPT_LIFE);
        put(c, &[(CERTIFICATE, &one.pem()[..one.pem().len() / 2]), (KEY, &one.key_pem())]);
    }),
    ("certificate of a server, not of an authority", |c| {
        let leaf = authority(0, KEPT_LIFE).sign(&[HOST.into()], wall(Duration::ZERO, 0), LEAF_LIFE).expect("a leaf");
        put(c, &[(CERTIFICATE, &leaf.certificate_pem), (KEY, &leaf.key_pem)]);
    }),
    ("authority expired", |c| put_authority(c, &authority(-400, KEPT_LIFE))),
    ("authority not valid yet", |c| put_authority(c, &authority(400, KEPT_LIFE))),
    ("authority with three days left", |c| put_authority(c, &authority(-362, KEPT_LIFE))),
    ("authority due for renewal", |c| put_authority(c, &authority(-250, KEPT_LIFE))),
    ("predecessors of rubbish", |c| {
        put_authority(c, &authority(0, KEPT_LIFE));
        put(c, &[(PREVIOUS, "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")]);
    }),
    ("Secret of a type with rules of its own", |c| {
        put(c, &[("tls.crt", "x")]);
        c.api.strict = true;
    }),
    ("Secret immutable and useless", |c| {
        put(c, &[(KEY, "rubbish")]);
        c.edit(|api| api.edit_secret(|stored| stored.immutable = true));
    }),
    ("caBundle of rubbish", |c| bundles(c, "rubbish")),
    ("caBundle of a foreign authority", |c| {
        let foreign = Authority::create("somebody else", wall(Duration::ZERO, 0), KEPT_LIFE).expect("an authority");
        bundles(c, foreign.pem());
    }),
    ("caBundle of an authority whose Secret is gone", |c| bundles(c, authority(0, KEPT_LIFE).pem())),
    ("registration not there, made later", |c| {
        c.api.registration = None;
        c.run_for(Duration::from_secs(20));
        c.edit(Api::install);
    }),
    ("registration without webhooks, filled later", |c| {
        let filled = c.api.registration.clone();
        c.api.registration = Some(Live { version: c.api.next(), entries: Vec::new() });
        c.run_for(Duration::from_secs(20));
        c.edit(|api| api.registration = filled.map(|live| Live { version: api.next(), ..live }));
    }),
];

/// While two replicas serve and all is well.
const LATER: &[(&str, Damage)] = &[
    ("Secret deleted", |c| c.edit(|api| api.secret = None)),
    ("Secret deleted again and again", |c| {
        for _ in 0..10 {
            c.edit(|api| api.secret = None);
            c.run_for(Duration::from_secs(2));
        }
    }),
    ("key in the Secret overwritten", |c| put(c, &[(KEY, "rubbish")])),
    ("Secret replaced by another authority", |c| put_authority(c, &authority(0, KEPT_LIFE))),
    ("predecessor taken out before the leaves have changed", |c| {
        c.edit(|api| api.secret = None);
        c.run_for(Duration::from_secs(5));
        put(c, &[(PREVIOUS, "")]);
    }),
    ("caBundle emptied", |c| bundles(c, "")),
    ("caBundle emptied again and again", |c| {
        for _ in 0..10 {
            bundles(c, "");
            c.run_for(Duration::from_secs(1));
        }
    }),
    ("caBundle emptied in one of two webhooks", |c| {
        c.edit(|api| api.edit_bundles(|at, bundle| bundle.truncate(bundle.len() * at)));
    }),
    ("only the predecessor left in caBundle", |c| {
        let before = String::from_utf8(c.api.bundle()).expect("text");
        c.edit(|api| api.secret = None);
        c.run_for(Duration::from_secs(60));
        bundles(c, &before);
    }),
    ("registration deleted and installed again", |c| {
        c.edit(|api| api.registration = None);
        c.run_for(Duration::from_secs(7));
        c.edit(Api::install);
    }),
    ("a webhook more, of another host", |c| {
        c.edit(|api| {
            let version = api.next();
            let live = api.registration.as_mut().expect("a registration");
            live.version = version;
            live.entries.push(Entry { name: "more".into(), host: "192.0.2.7".into(), bundle: Vec::new() });
        });
    }),
    ("two more replicas at once, the Secret just gone", |c| {
        c.edit(|api| api.secret = None);
        c.start_replica(0);
        c.start_replica(0);
    }),
    ("clock of a replica an hour ahead, and it makes the authority", |c| {
        c.replicas[0].skew = 3_600;
        c.replicas[1].cut_off = true;
        c.edit(|api| api.secret = None);
        c.run_for(Duration::from_secs(70));
        c.replicas[1].cut_off = false;
    }),
    ("clock of a replica an hour behind, and it makes the authority", |c| {
        c.replicas[0].skew = -3_600;
        c.replicas[1].cut_off = true;
        c.edit(|api| api.secret = None);
        c.run_for(Duration::from_secs(70));
        c.replicas[1].cut_off = false;
    }),
    ("API server away for an hour, the Secret gone when it is back", |c| {
        c.edit(|api| api.away = true);
        c.run_for(Duration::from_secs(3_600));
        c.edit(|api| {
            api.away = false;
            api.secret = None;
        });
    }),
    ("API server lets nothing be written for an hour", |c| {
        c.api.read_only = true;
        bundles(c, "");
        c.run_for(Duration::from_secs(3_600));
        c.api.read_only = false;
    }),
    ("API server away until after the leaf has expired", |c| {
        c.edit(|api| api.away = true);
        c.run_for(Duration::from_secs(5));
        c.now += 8 * DAY;
        c.skip_until_due(Duration::ZERO);
        c.edit(|api| api.away = false);
    }),
    ("suspended until after the leaf has expired", |c| {
        c.now += 8 * DAY;
        c.skip_until_due(Duration::ZERO);
    }),
    ("suspended until after the authority has expired", |c| {
        c.now += 400 * DAY;
        c.skip_until_due(Duration::ZERO);
    }),
];

#[test]
fn every_broken_state_heals_without_a_person() {
    let mut longest = Duration::ZERO;
    let at_the_start = AT_THE_START.iter().map(|(name, damage)| (name, damage, false));
    let later = LATER.iter().map(|(name, damage)| (name, damage, true));
    let states: Vec<_> = at_the_start.chain(later).collect();
    for (name, damage, is_later) in &states {
        let mut cluster = Cluster::new(Api::installed(), 1, 7);
        if *is_later {
            (0..2).for_each(|_| cluster.start_replica(0));
            cluster.until_well(HEALED_WITHIN).expect("a good start");
            cluster.run_for(Duration::from_secs(60));
            damage(&mut cluster);
        } else {
            // Those that wait for something need somebody who waits.
            if name.contains("later") {
                (0..2).for_each(|_| cluster.start_replica(0));
            }
            damage(&mut cluster);
            if cluster.replicas.is_empty() {
                (0..2).for_each(|_| cluster.start_replica(0));
            }
        }
        let took = cluster.until_well(HEALED_WITHIN);
        let took = took.unwrap_or_else(|| panic!("{name}: not healed: {}", cluster.api.shown()));
        // And it stays so: a successor takes its place, and then nobody writes any more.
        cluster.run_for(Duration::from_secs(200));
        let versions = cluster.versions();
        cluster.run_for(Duration::from_secs(300));
        assert!(cluster.is_well(), "{name}: not well any more: {}", cluster.api.shown());
        assert_eq!(cluster.versions(), versions, "{name}: Secret or registration are still being written");
        println!("{:>6.1} s  {}{name}", took.as_secs_f64(), if *is_later { "later: " } else { "" });
        longest = took.max(longest);
    }
    println!("{} broken states healed, the slowest in {:.1} s", states.len(), longest.as_secs_f64());
    assert!(states.len() >= 20);
}
