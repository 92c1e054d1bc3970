//! The table of `tests/manifests/README.md` and the golden verdicts say the same codes.

use crate::{manifests, stem};
use std::collections::BTreeSet;
use std::path::Path;

/// The table names it only where it is the point: nearly every set brings it.
const UNNAMED: &str = "DKHA-104";

#[test]
fn the_table_names_the_codes_of_each_verdict() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |path: &Path| std::fs::read_to_string(path).expect("reads");
    let table = read(&tests.join("manifests/README.md"));
    let mut faults = Vec::new();
    for file in manifests() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(row) = table.lines().find(|line| line.starts_with(&format!("| `{name}` |"))) else {
            faults.push(format!("{name}: no row"));
            continue;
        };
        let expected = codes(row.rsplit('|').nth(1).unwrap_or_default());
        let seen = codes(&read(&tests.join(format!("golden/{}.txt", stem(&file)))));
        let missing: Vec<_> = expected.difference(&seen).collect();
        let unsaid: Vec<_> = seen.difference(&expected).filter(|code| *code != UNNAMED).collect();
        if !(missing.is_empty() && unsaid.is_empty()) {
            faults.push(format!("{name}: expected and not seen {missing:?}, seen and not expected {unsaid:?}"));
        }
    }
    assert!(faults.is_empty(), "{} rows:\n{}", faults.len(), faults.join("\n"));
}

fn codes(text: &str) -> BTreeSet<String> {
    text.match_indices("DKHA-").map(|(at, _)| text[at..].chars().take(8).collect()).collect()
}
