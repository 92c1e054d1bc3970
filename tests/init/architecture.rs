//! What `src/init` may use.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates of the small program: what std lacks of signals and processes, and JSON.
const CRATES: [&str; 6] = ["std", "rustix", "nix", "signal_hook", "serde", "serde_json"];

/// Modules of this crate that hold nothing but names.
const MODULES: [&str; 2] = ["contract", "code"];

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// First two segments of every `use` and every `crate::` path.
fn used(text: &str) -> Vec<(String, String)> {
    let segment = |path: &str| -> String { path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let uses = text.lines().filter_map(|line| line.trim_start().trim_start_matches("pub ").strip_prefix("use "));
    let inline = text.match_indices("crate::").map(|(at, _)| &text[at..]);
    uses.chain(inline)
        .map(|path| {
            let (first, rest) = path.split_once("::").unwrap_or((path, ""));
            (segment(first), segment(rest))
        })
        .collect()
}

/// Whether `mod.rs` names a module that lies in its own folder.
fn is_beside(file: &Path, name: &str) -> bool {
    let folder = file.with_file_name(name);
    folder.is_dir() || folder.with_extension("rs").exists()
}

#[test]
fn the_small_program_uses_names_and_a_few_crates_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/init");
    let files = files(&root);
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        let in_tests = file.ends_with("tests.rs");
        for (first, second) in used(&fs::read_to_string(&file).expect("text")) {
            let allowed = match first.as_str() {
                "crate" => MODULES.contains(&second.as_str()) || (in_tests && second == "init"),
                "super" | "self" => true,
                // Own modules, which `mod.rs` uses by their names.
                name => CRATES.contains(&name) || is_beside(&file, name),
            };
            assert!(allowed, "{}: {first}::{second}", file.display());
        }
    }
}

#[test]
fn decisions_do_no_io() {
    let pure = [
        "invocation",
        "command/arguments",
        "command/effective",
        "command/environment",
        "command/form",
        "command/launch",
        "command/peers",
        "command/said",
        "command/script",
        "command/settings",
        "command/version",
        "config/flow",
        "config/format",
        "config/json",
        "config/merge",
        "config/root",
        "config/search",
        "config/toml",
        "config/values",
        "config/yaml",
    ];
    let edges = [
        "std::fs",
        "std::io",
        "std::process",
        "std::thread",
        "Instant",
        "SystemTime",
        "std::env",
        "TcpStream",
        "kill_",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/init");
    // These are pure as a whole; the tests of the procedure lie in a folder below.
    let entries = ["procedure", "agent"].map(|folder| fs::read_dir(root.join(folder)).expect("a directory"));
    let entries = entries.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let wholes: Vec<_> = entries.filter(|path| path.is_file()).collect();
    assert!(wholes.len() > 20, "{wholes:?}");
    for path in pure.iter().map(|name| root.join(name).with_extension("rs")).chain(wholes) {
        let text = fs::read_to_string(&path).expect("text");
        for edge in edges {
            assert!(!text.contains(edge), "{} uses {edge}", path.display());
        }
    }
}
