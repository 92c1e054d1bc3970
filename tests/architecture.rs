//! The arrows of the tree: who uses whom, who does I/O, and what files look like.
//!
//! `src/lib.rs` lists the modules from top to bottom and says which do I/O; `docs/architecture.md` says who may use whom.
//! Code is read as text: imports and paths, without comments and without tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Modules that decide and do nothing else.
const PURE: [&str; 11] = [
    "install",
    "rehearsal",
    "documents",
    "review",
    "inject",
    "json",
    "settings",
    "options",
    "quantity",
    "code",
    "contract",
];

/// What such a module has no business with.
const EDGES: [&str; 15] = [
    "tokio",
    "hyper",
    "rustls",
    "kube",
    "axum",
    "rustix",
    "signal_hook",
    "std::net",
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "std::env",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// What PID 1 of other people's containers is not to carry.
const HEAVY: [&str; 9] = ["tokio", "hyper", "rustls", "kube", "k8s_openapi", "axum", "clap", "tracing", "reqwest"];

/// Where the Kubernetes API is spoken.
const OF_KUBERNETES: [&str; 6] =
    ["src/watches/", "src/label/", "src/clusters/", "src/controller/", "src/registration/", "src/cli/serve.rs"];

const LONGEST_FILE: usize = 400;

/// Names that say nothing about what is in a file.
const NAMELESS: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

struct Source {
    /// From the root of the repository, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The part of the library that it belongs to; `None` for the roots of the crates.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let roots = ["lib.rs", "main.rs"].contains(&inside) || inside.starts_with("bin/");
        let first = inside.split('/').next()?;
        (!roots).then(|| first.trim_end_matches(".rs"))
    }

    /// How many `super::` lead to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// What is compiled into the program, comments left out.
    fn production(&self) -> String {
        if self.path.ends_with("/tests.rs") {
            return String::new();
        }
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
        let program = &lines[..tests.unwrap_or(lines.len())];
        program.iter().filter(|line| !line.starts_with("//")).copied().collect::<Vec<_>>().join("\n")
    }

    /// Modules of the crate that it names.
    fn uses(&self) -> BTreeSet<String> {
        let of_crate = |path: &String| {
            let parts: Vec<&str> = path.split("::").collect();
            let above = parts.iter().take_while(|part| **part == "super").count();
            let at = if parts[0] == "crate" { 1 } else { above };
            (parts[0] == "crate" || above >= self.depth()).then(|| parts.get(at).copied().unwrap_or("*").to_owned())
        };
        paths(&self.production()).iter().filter_map(of_crate).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                let path = path.strip_prefix(root()).expect("inside").to_string_lossy().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 10, "only {} files in {folder}", found.len());
    found
}

/// All paths of two segments or more, imported or written out, braces taken apart.
fn paths(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = code;
    while let Some(at) = rest.find(is_name) {
        rest = path(&rest[at..], "", &mut found);
    }
    found
}

fn path<'t>(text: &'t str, prefix: &str, found: &mut BTreeSet<String>) -> &'t str {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let whole = format!("{prefix}{}", &text[..end]);
    let rest = &text[end..];
    match rest.strip_prefix("::") {
        Some(next) if next.starts_with(is_name) => path(next, &format!("{whole}::"), found),
        Some(next) if next.starts_with('{') => group(&next[1..], &format!("{whole}::"), found),
        Some(next) if next.starts_with('*') => {
            found.insert(format!("{whole}::*"));
            next
        }
        _ => {
            found.extend((!prefix.is_empty()).then_some(whole));
            rest
        }
    }
}

fn group<'t>(mut text: &'t str, prefix: &str, found: &mut BTreeSet<String>) -> &'t str {
    while let Some(first) = text.chars().next() {
        text = match first {
            '}' => return &text[1..],
            // The new name of what stands before it is no path.
            'a' if text.starts_with("as ") => text[3..].trim_start_matches(is_name),
            first if is_name(first) => path(text, prefix, found),
            first => &text[first.len_utf8()..],
        };
    }
    text
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a path begins with `edge`; of a crate also its relatives, such as `tokio_rustls` of `tokio`.
fn begins(path: &str, edge: &str) -> bool {
    path.strip_prefix(edge)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || !edge.contains("::") && rest.starts_with('_'))
}

/// Rows of the Markdown table below `heading` in `text`, cells trimmed, `prefix` taken off each line.
fn table(text: &str, heading: &str, prefix: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(prefix)).skip_while(|line| *line != heading);
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Modules from top to bottom, and whether they do I/O.
fn modules() -> Vec<(String, bool)> {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let rows = table(&text, "| module | what it is | may do I/O |", "//! ");
    rows.iter().map(|row| (row[0].trim_matches(['[', ']', '`']).to_owned(), row[2] == "yes")).collect()
}

/// Who may use whom.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md");
    // Names stand between backticks.
    let names = |cell: &String| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = table(&text, "| module | may use |", "");
    rows.iter().map(|row| (row[0].trim_matches('`').to_owned(), names(&row[1]))).collect()
}

#[test]
fn the_map_shows_every_module() {
    let listed: BTreeSet<String> = modules().into_iter().map(|(name, _)| name).collect();
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let declared = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(listed, declared.map(str::to_owned).collect(), "the table at the head of src/lib.rs");
    assert_eq!(listed, allowed().into_keys().collect(), "the table of docs/architecture.md");
}

#[test]
fn arrows_point_downwards() {
    let order: Vec<String> = modules().into_iter().map(|(name, _)| name).collect();
    let place = |name: &String| order.iter().position(|module| module == name).expect("a module of src/lib.rs");
    for (module, uses) in allowed() {
        let upwards: Vec<_> = uses.iter().filter(|used| place(used) <= place(&module)).collect();
        assert!(upwards.is_empty(), "docs/architecture.md: {module} -> {upwards:?} points upwards in src/lib.rs");
    }
}

#[test]
fn modules_use_what_they_may() {
    let allowed = allowed();
    for source in sources("src") {
        let Some(module) = source.module() else { continue };
        let may = &allowed[module];
        let uses = source.uses();
        let wrong: Vec<_> = uses.iter().filter(|used| *used != module && !may.contains(*used)).collect();
        assert!(wrong.is_empty(), "{}: {module} may not use {wrong:?}", source.path);
    }
}

#[test]
fn each_program_starts_in_its_own_module() {
    let starts = [("src/main.rs", "dkron_ha::cli"), ("src/bin/dkron-ha-init.rs", "dkron_ha::init")];
    for (file, module) in starts {
        let text = fs::read_to_string(root().join(file)).expect("a program");
        let source = Source { path: file.into(), text };
        for path in paths(&source.production()).iter().filter(|path| begins(path, "dkron_ha")) {
            assert!(begins(path, module), "{file}: {path}");
        }
    }
}

#[test]
fn decisions_do_no_io() {
    let pure: Vec<String> = modules().into_iter().filter(|(_, io)| !io).map(|(name, _)| name).collect();
    assert_eq!(pure, PURE, "the column of src/lib.rs");
    let allowed = allowed();
    for module in PURE {
        let wrong: Vec<_> = allowed[module].iter().filter(|used| !PURE.contains(&used.as_str())).collect();
        assert!(wrong.is_empty(), "docs/architecture.md: {module} does no I/O and may use {wrong:?}");
    }
    for source in sources("src").iter().filter(|source| source.module().is_some_and(|name| PURE.contains(&name))) {
        let paths = paths(&source.production());
        let wrong: Vec<_> = paths.iter().filter(|path| EDGES.iter().any(|edge| begins(path, edge))).collect();
        assert!(wrong.is_empty(), "{} does no I/O: {wrong:?}", source.path);
    }
}

#[test]
fn the_small_program_stays_small() {
    let may = &allowed()["init"];
    assert!(may.iter().all(|used| used == "code" || used == "contract"), "docs/architecture.md: init may use {may:?}");
    let of_init = |source: &&Source| source.module() == Some("init") || source.path.starts_with("src/bin/");
    for source in sources("src").iter().filter(of_init) {
        let paths = paths(&source.production());
        let wrong: Vec<_> = paths.iter().filter(|path| HEAVY.iter().any(|heavy| begins(path, heavy))).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", source.path);
    }
}

#[test]
fn the_kubernetes_client_has_its_places() {
    for source in sources("src") {
        let paths = paths(&source.production());
        let speaks = paths.iter().any(|path| begins(path, "kube") || begins(path, "k8s_openapi"));
        let may = OF_KUBERNETES.iter().any(|place| source.path.starts_with(place));
        assert!(may || !speaks, "{} uses kube", source.path);
    }
}

#[test]
fn files_are_short_and_named_and_say_what_they_are() {
    let mut faults = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            faults.push(format!("{} has {lines} lines", source.path));
        }
        let mut parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
        if parts.any(|part| NAMELESS.contains(&part)) {
            faults.push(format!("{} has a name that says nothing", source.path));
        }
        if source.path.starts_with("src/") && !source.text.starts_with("//! ") {
            faults.push(format!("{} does not begin with what it is", source.path));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_form_of_a_path_is_seen() {
    let text = "use crate::{server::{Config, tls}, json::Node as Tree};\n\
        // use crate::cli;\n\
        use super::super::label::run;\n\
        use super::sibling;\n\
        use std::{fs, time::{Duration, Instant}};\n\
        fn a() -> crate::certs::Pair { tokio_rustls::go::<crate::client::Client>(std::fs::read) }\n\
        #[cfg(test)]\nmod tests {\n    use crate::cli::main;\n}\n";
    let source = Source { path: "src/inject/pod.rs".into(), text: text.into() };
    assert_eq!(source.uses(), ["certs", "client", "json", "label", "server"].map(str::to_owned).into());
    let paths = paths(&source.production());
    let edges = EDGES.iter().filter(|edge| paths.iter().any(|path| begins(path, edge)));
    assert_eq!(edges.copied().collect::<Vec<_>>(), ["tokio", "std::fs", "std::time::Instant"]);
    let glob = Source { path: "src/inject/mod.rs".into(), text: "use crate::*;\nuse super::server;".into() };
    assert_eq!(glob.uses(), ["*", "server"].map(str::to_owned).into());
}
