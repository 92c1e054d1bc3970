//! The text that Prometheus reads.

use std::collections::BTreeSet;

use super::super::answer::tests::snapshot;
use super::*;

#[test]
fn every_sample_belongs_to_a_family_that_is_told_once_before_it() {
    let page = text(&snapshot());
    assert!(page.ends_with('\n'));
    let (mut family, mut families, mut samples) = (String::new(), BTreeSet::new(), BTreeSet::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("words");
            assert!(name.starts_with("dkron_ha_wrapper_") && words.ends_with('.'), "{line}");
            assert!(families.insert(name.to_owned()), "{name} twice");
            name.clone_into(&mut family);
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert_eq!(lines.next(), Some(format!("# TYPE {name} {kind}").as_str()));
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a value");
        assert_eq!(sample.split('{').next(), Some(family.as_str()), "{line}");
        assert!(value.parse::<u64>().is_ok(), "{line}");
        assert!(samples.insert(sample.to_owned()), "{sample} twice");
    }
    assert!(families.len() > 15, "{families:?}");
}

#[test]
fn what_happened_and_how_it_is_are_counted() {
    let mut snapshot = snapshot();
    let page = text(&snapshot);
    let expected = [
        "live 1",
        "ready 1",
        "dkron_starts_total 2",
        "dkron_deaths_total 1",
        "orphans_reaped_total 7",
        "hand_overs_total{outcome=\"ok\"} 3",
        "hand_overs_total{outcome=\"failed\"} 0",
        "info{version=\"0.1.0\",namespace=\"n\",cluster=\"a\",pod=\"a-0\",node=\"the \\\"first\\\" \\\\ of\\nall\"} 1",
        "phase{phase=\"serving\"} 1",
        "phase{phase=\"waiting\"} 0",
        "dkron_up 1",
        "leads 0",
        "leader_known 1",
        "voter_seconds 61",
        "raft_servers{voter=\"true\"} 2",
        "raft_servers{voter=\"false\"} 1",
        "serf_servers{status=\"alive\"} 1",
        "serf_servers{status=\"failed\"} 0",
    ];
    for line in expected {
        assert!(page.contains(&format!("\ndkron_ha_wrapper_{line}\n")), "{line} in\n{page}");
    }
    snapshot.state = None;
    snapshot.health.ready = Err("no".into());
    let page = text(&snapshot);
    assert!(page.contains("\ndkron_ha_wrapper_ready 0\n") && !page.contains("phase"), "{page}");
}
