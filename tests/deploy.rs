//! `deploy/` holds what `dkron-ha manifests` renders, so that `kubectl apply -k deploy` and the program never disagree.
//!
//! `dkron-ha manifests --directory deploy` writes it anew.

use std::collections::BTreeMap;
use std::fs;
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
