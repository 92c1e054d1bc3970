//! `deploy/` holds what `dkron-ha manifests` renders, so that `kubectl apply -k deploy` and the program never disagree.
//!
//! `dkron-ha manifests --directory deploy` writes it anew.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries.map(|path| (name(&path), fs::read_to_string(&path).expect("reads"))).collect()
}

#[test]
fn deploy_is_what_the_program_renders() {
    let rendered = tempfile::tempdir().expect("a folder");
    let command = Command::new(env!("CARGO_BIN_EXE_dkron-ha"))
        .args(["manifests", "--directory"])
        .arg(rendered.path())
        .output()
        .expect("dkron-ha runs");
    assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"));
    let rendered = files(rendered.path());
    assert_eq!(kept.keys().collect::<Vec<_>>(), rendered.keys().collect::<Vec<_>>());
    for (name, text) in &rendered {
        assert_eq!(&kept[name], text, "{name} differs: dkron-ha manifests --directory deploy");
    }
}

/// Runs `dkron-ha` and gives its exit code and what it said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dkron-ha")).args(arguments).output().expect("dkron-ha runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_secret_of_somebody_else_is_mounted_and_not_rendered() {
    let rendered = tempfile::tempdir().expect("a folder");
    let into = rendered.path().to_string_lossy().into_owned();
    assert_eq!(run(&["manifests", "--certificates=files", "--directory", &into]).0, Some(0));
    let files = files(rendered.path());
    assert!(files["deployment.yaml"].contains("secretName: dkron-ha-tls"));
    assert!(!files.contains_key("secret.yaml") && !files.contains_key("role.yaml"), "{:?}", files.keys());
    let (code, said) = run(&["manifests", "--certificates=self", "--cert-dir", &into]);
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
