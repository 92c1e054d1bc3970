//! `deploy/` holds what `dkron-ha manifests` renders, so that kustomize, Helm and the program never disagree. What the overlays and
//! the chart come to is compared where kubectl and helm are: `tests/apiserver/run rendered:: chart::`.
//!
//! `dkron-ha manifests --directory deploy/base` writes the base anew.

use dkron_ha::documents;
use dkron_ha::options::TABLE;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.map(|path| (name(&path), fs::read_to_string(&path).expect("reads"))).collect()
}

fn kept(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(folder)
}

/// The files of `manifests --directory` with these flags.
fn rendered(flags: &[&str]) -> BTreeMap<String, String> {
    let rendered = tempfile::tempdir().expect("a folder");
    let into = rendered.path().to_string_lossy().into_owned();
    let (code, said) = run(&[&["manifests", "--directory", &into], flags].concat());
    assert_eq!(code, Some(0), "{said}");
    files(rendered.path())
}

#[test]
fn the_base_is_what_the_program_renders() {
    let (kept, rendered) = (files(&kept("base")), rendered(&[]));
    assert_eq!(kept.keys().collect::<Vec<_>>(), rendered.keys().collect::<Vec<_>>());
    for (name, text) in &rendered {
        assert_eq!(&kept[name], text, "{name} differs: dkron-ha manifests --directory deploy/base");
    }
}

#[test]
fn what_cert_manager_is_asked_for_is_what_the_program_renders() {
    let asked = |files: BTreeMap<String, String>| {
        files.into_iter().filter(|(name, _)| name.starts_with("cert-manager-")).collect::<BTreeMap<_, _>>()
    };
    let rendered = asked(rendered(&["--certificates=cert-manager"]));
    assert_eq!(rendered.len(), 4);
    assert_eq!(asked(files(&kept("overlays/cert-manager"))), rendered);
}

#[test]
fn the_chart_is_of_this_version_and_holds_the_base_itself() {
    let chart = kept("helm/dkron-ha");
    for (link, folder) in [("objects", "base"), ("cert-manager", "overlays/cert-manager")] {
        let target = fs::canonicalize(chart.join(link)).expect("a link");
        assert_eq!(target, fs::canonicalize(kept(folder)).expect("a folder"), "{link}");
    }
    let text = fs::read_to_string(chart.join("Chart.yaml")).expect("Chart.yaml");
    for key in ["version", "appVersion"] {
        let line = format!("{key}: {}", env!("CARGO_PKG_VERSION"));
        assert!(text.lines().any(|have| have == line), "{line}");
    }
}

#[test]
fn the_chart_takes_every_value_that_it_has_and_every_setting_of_manifests() {
    let chart = kept("helm/dkron-ha");
    let schema = fs::read_to_string(chart.join("values.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("properties").keys().cloned().collect::<BTreeSet<_>>();

    let values = fs::read(chart.join("values.yaml")).expect("values");
    let values = documents::read(&values).expect("YAML").remove(0).json;
    let values = keys(&serde_json::from_str(&values).expect("JSON"));
    let mut known = keys(&schema["properties"]);
    assert!(known.remove("global"), "Helm's own");
    assert_eq!(known, values);

    // The image has values of its own.
    let of_pods = TABLE.iter().map(|row| row.name).filter(|name| !name.starts_with("image"));
    let ports = ["webhook-port", "admin-port", "wrapper-port", "label-port"];
    let settings: BTreeSet<_> = of_pods.chain(ports).map(str::to_owned).collect();
    assert_eq!(keys(&schema["properties"]["settings"]["properties"]), settings);
    assert_eq!(schema["properties"]["settings"]["additionalProperties"], false);
}

/// Runs `dkron-ha` and gives its exit code and what it said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dkron-ha")).args(arguments).output().expect("dkron-ha runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_secret_of_somebody_else_is_mounted_and_not_rendered() {
    let files = rendered(&["--certificates=files"]);
    assert!(files["deployment.yaml"].contains("secretName: dkron-ha-tls"));
    assert!(!files.contains_key("secret.yaml") && !files["role.yaml"].contains("secrets"), "{:?}", files.keys());
    let (code, said) = run(&["manifests", "--certificates=self", "--cert-dir", "."]);
    assert!(code == Some(1) && said.contains("--certificates=files"), "{said}");
}

#[test]
fn certificates_that_an_api_server_would_turn_away_are_not_rendered() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (right, wrong) = (place("right"), place("wrong"));
    assert_eq!(run(&["certs", &right, "--host", "dkron-ha.dkron-ha.svc"]).0, Some(0));
    assert_eq!(run(&["certs", &wrong]).0, Some(0));

    let out = place("out");
    assert_eq!(run(&["manifests", "--cert-dir", &right, "--directory", &out]).0, Some(0));
    let secret = fs::metadata(Path::new(&out).join("secret.yaml")).expect("the Secret");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600, "it holds a private key");

    let (code, said) = run(&["manifests", "--cert-dir", &wrong]);
    assert_eq!(code, Some(1));
    assert!(said.contains("dkron-ha.dkron-ha.svc"), "{said}");
    let (code, said) = run(&["manifests", "--cert-dir", &right, "--namespace", "other"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("dkron-ha.other.svc"), "{said}");
    fs::copy(Path::new(&wrong).join("tls.key"), Path::new(&right).join("tls.key")).expect("copies");
    assert_eq!(run(&["manifests", "--cert-dir", &right]).0, Some(1), "the key of another pair");
}
