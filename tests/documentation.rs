//! What the documentation says is what the program does: codes, options, names, examples, links.

use dkron_ha::code::{self, Code};
use dkron_ha::init::procedure::{Saying, Waiting, Why};
use dkron_ha::inject::{Engine, NoClusters};
use dkron_ha::install::guard_message;
use dkron_ha::options::{Options, TABLE};
use dkron_ha::review::Reviewer;
use dkron_ha::settings::Settings;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl AsRef<Path>) -> String {
    let file = root().join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All files with an ending below a folder of the repository, what is built and what is hidden left out.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.is_file() && name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no *{ending} in {folder}");
    found
}

/// A file of Rust without its comments and its tests.
fn program(text: &str) -> String {
    let program = text.split("#[cfg(test)]\nmod ").next().expect("a first part");
    program.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// A Markdown text without what stands between fences.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect()
}

/// Texts between double quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// Whether `text` holds `name`, and not as a part of a longer one.
fn mentions(text: &str, name: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || "_-/".contains(c);
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(|c| joins(c) || c == '.');
        let after = text[at + name.len()..].chars().next().is_some_and(joins);
        !before && !after
    })
}

/// Every place where `start` occurs, with what follows it as long as `goes_on`.
fn words<'t>(text: &'t str, start: &'t str, goes_on: fn(char) -> bool) -> impl Iterator<Item = &'t str> {
    text.match_indices(start).map(move |(at, _)| {
        let rest = &text[at + start.len()..];
        let length = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
        &text[at..at + start.len() + length]
    })
}

/// Cells of the Markdown table whose head begins with `head`.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with(head)).skip(2).take_while(|line| line.starts_with('|'));
    // A bar within a cell is escaped.
    let cells = |row: &str| {
        let row = row.replace("\\|", "\u{1}");
        row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    rows.map(cells).collect()
}

/// The sections of `docs/codes.md`: heading, and everything below it.
fn sections() -> Vec<(String, String)> {
    let text = read("docs/codes.md");
    let sections = text.split("\n## ").skip(1).map(|section| section.split_once('\n').expect("a heading and a text"));
    sections.map(|(heading, text)| (heading.to_owned(), text.to_owned())).collect()
}

#[test]
fn every_code_has_its_section_and_every_section_its_code() {
    let line = |heading: String, title: &str| format!("{heading}: {title}");
    let codes: Vec<_> = code::ALL.iter().map(|code| line(code.to_string(), &format!("**{}**", code.title()))).collect();
    let written = sections().into_iter();
    let written: Vec<_> =
        written.map(|(heading, text)| line(heading, text.trim().lines().next().unwrap_or(""))).collect();
    assert_eq!(written, codes);
}

#[test]
fn every_section_says_what_happens_why_and_what_to_do() {
    for (heading, text) in sections() {
        let number: u16 = heading.trim_start_matches("DKHA-").parse().expect("a number");
        let begins: &[&str] = match number {
            ..100 => &["Refused."],
            100..200 => &["Warning", "Left alone."],
            200..300 => &["HTTP 500."],
            300..400 => &["At run time."],
            _ => panic!("{heading}: which kind of code is it?"),
        };
        let first = text.trim().split("\n\n").nth(1).unwrap_or_default();
        assert!(begins.iter().any(|begin| first.starts_with(begin)), "{heading}: {first}");
        for part in ["\n**Why.** ", "\n**Mend.** ", "\n```console\n"] {
            assert_eq!(text.matches(part).count(), 1, "{heading}: {part:?}");
        }
    }
}

#[test]
fn numbers_ascend_and_titles_differ() {
    assert!(code::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
    let titles: BTreeSet<_> = code::ALL.iter().map(|code| code.title()).collect();
    assert_eq!(titles.len(), code::ALL.len());
}

#[test]
fn every_code_is_raised() {
    let names: Vec<_> = read("src/code.rs")
        .lines()
        .filter_map(|line| Some(line.split_once(" = ")?.0.trim().to_owned()))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert_eq!(names.len(), code::ALL.len(), "{names:?}");
    let others = files("src", ".rs").into_iter().filter(|file| !file.ends_with("src/code.rs"));
    let source: String = others.map(|file| program(&read(file))).collect();
    let dead: Vec<_> = names.iter().filter(|name| !mentions(&source, &format!("code::{name}"))).collect();
    assert!(dead.is_empty(), "raised nowhere: {dead:?}");
}

#[test]
fn examples_are_what_the_program_prints() {
    let said = said();
    let mut ran = 0;
    for (heading, text) in sections() {
        let example =
            text.split("```console\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("an example");
        let (command, output) = match example.strip_prefix("$ dkron-ha ") {
            Some(rest) => rest.split_once('\n').expect("an output"),
            None => ("", example),
        };
        assert!(output.contains(&format!("{heading}: ")), "{heading}: {output}");
        if !command.is_empty() {
            let run =
                Command::new(env!("CARGO_BIN_EXE_dkron-ha")).args(command.split(' ')).current_dir(root()).output();
            let printed = String::from_utf8(run.expect("runs").stderr).expect("UTF-8");
            assert!(output.lines().all(|line| printed.lines().any(|have| have == line)), "{heading}: {printed}");
            ran += 1;
        } else if !heading.starts_with("DKHA-2") {
            // Our own faults cannot be brought about from outside.
            let message = &output[output.find("DKHA-").expect("a code")..];
            assert!(said.contains(message), "{heading}: not among {said:#?}");
        }
    }
    assert!(ran * 2 > code::ALL.len(), "only {ran} examples were run");
}

/// What the engine says of objects that are in no manifest of the corpus.
fn said() -> BTreeSet<String> {
    let container = |words: &[&str]| json!({"name": "dkron", "image": "dkron/dkron:4.0.9", "args": words});
    let pod_of_set = || {
        let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "controller": true});
        let meta = json!({"name": "dkron-0", "labels": {"dkron-ha.io/injected": "true", "dkron-ha.io/server-of": "dkron"},
            "annotations": {"dkron-ha.io/colour": "blue"}, "ownerReferences": [owner]});
        let spec = json!({"containers": [container(&["agent", "--server"])]});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    };
    let set = |annotation: &str, value: &str, containers: Value| {
        let template = json!({"metadata": {"annotations": {annotation: value}}, "spec": {"containers": containers}});
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "dkron"},
            "spec": {"podManagementPolicy": "OrderedReady", "serviceName": "dkron", "replicas": 3, "template": template}})
    };
    let servers = json!([container(&["agent", "--server"])]);
    let mut sized = servers.clone();
    sized[0]["env"] = json!([{"name": "INITIAL_CLUSTER_SIZE", "value": "5"}]);
    let objects = [
        (pod_of_set(), Value::Null),
        (set("image", "", container(&["agent", "--server"])), Value::Null),
        (set("image", "new", servers.clone()), set("image", "old", servers)),
        (set("dkron-ha.io/initial-cluster-size", "3", sized), Value::Null),
    ];
    let engine = Engine::new(Settings::default(), Box::new(NoClusters));
    let answers = objects.into_iter().map(|(object, old)| {
        let (group, kind) = if object["kind"] == "Pod" { ("", "Pod") } else { ("apps", "StatefulSet") };
        let request = json!({"uid": "u", "namespace": "billing", "operation": if old.is_null() { "CREATE" } else { "UPDATE" },
            "kind": {"group": group, "version": "v1", "kind": kind}, "object": object, "oldObject": old});
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let answer = engine.review(review.to_string().as_bytes()).expect("an answer");
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")["response"].take()
    });
    let lines = |response: Value| {
        let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
        warnings.into_iter().chain([response["status"]["message"].clone()])
    };
    let answers = answers.flat_map(lines).filter_map(|line| line.as_str().map(str::to_owned));
    // What the API server says for us.
    answers.chain(said_at_run_time()).chain([guard_message()]).collect()
}

/// What the wrapper says under a code, with the values of the examples.
fn said_at_run_time() -> impl Iterator<Item = String> {
    let sayings = [
        Saying::Waiting(Waiting::DiskOfAnother("billing/old".into())),
        Saying::NoLeader(Duration::from_secs(120)),
        Saying::Starting(Why::Vote, None),
        Saying::Holding(1, 2),
    ];
    sayings.into_iter().map(|saying| saying.to_string())
}

#[test]
fn every_option_has_its_row_and_every_row_its_option() {
    let rows = table(&read("docs/reference.md"), "| name | allowed | variable |");
    let written: Vec<_> = rows.iter().map(|row| row[..3].to_vec()).collect();
    let options =
        TABLE.iter().map(|row| [format!("`{}`", row.name), row.allowed.into(), format!("`{}`", row.variable())]);
    assert_eq!(written, options.map(|row| row.to_vec()).collect::<Vec<_>>());
    let Options { grace, cpu_request, cpu_limit, memory_request, memory_limit, image_pull_policy, .. } =
        Options::builtin();
    let built_in = [
        ("grace", grace.map(|seconds| seconds.to_string())),
        ("image-pull-policy", image_pull_policy),
        ("cpu-request", cpu_request),
        ("cpu-limit", cpu_limit),
        ("memory-request", memory_request),
        ("memory-limit", memory_limit),
    ];
    for (name, value) in built_in {
        let row = rows.iter().find(|row| row[0] == format!("`{name}`")).expect("a row");
        let value = format!("`{}`", value.expect("a value"));
        assert!(row[4].starts_with(&value), "{name}: built in is {value}, written is {}", row[4]);
    }
}

#[test]
fn every_shared_name_is_in_the_reference() {
    let page = read("docs/reference.md");
    let source = program(&read("src/contract.rs"));
    let mut names: Vec<&str> = source.lines().flat_map(quoted).collect();
    let ports = source.lines().filter_map(|line| line.split_once(": u16 = ")?.1.strip_suffix(';'));
    names.extend(ports);
    assert!(names.len() > 50, "only {names:?}");
    let missing: Vec<_> = names.iter().filter(|name| **name != "dkron-ha.io" && !mentions(&page, name)).collect();
    assert!(missing.is_empty(), "src/contract.rs has, docs/reference.md has not: {missing:?}");
}

#[test]
fn names_in_the_documentation_exist() {
    let contract = program(&read("src/contract.rs"));
    let source: String =
        [files("src", ".rs"), files("tests", ".rs"), files("tests", "run")].into_iter().flatten().map(read).collect();
    let variables: Vec<String> = TABLE.iter().map(dkron_ha::options::Row::variable).collect();
    for file in files("", ".md") {
        let text = prose(&read(&file));
        for name in words(&text, "dkron-ha.io/", |c| c.is_ascii_lowercase() || c == '-') {
            let short = name.trim_start_matches("dkron-ha.io/");
            let known = short.is_empty() || TABLE.iter().any(|row| row.name == short);
            assert!(known || contract.contains(&format!("\"{name}\"")), "{}: {name}", file.display());
        }
        for name in
            words(&text, "DKRON_HA_", |c| c.is_ascii_uppercase() || c == '_').filter(|name| !name.ends_with('_'))
        {
            let known = variables.iter().any(|variable| variable == name) || mentions(&source, name);
            assert!(known, "{}: {name}", file.display());
        }
    }
}

#[test]
fn every_flag_of_serve_is_in_the_reference() {
    let help = Command::new(env!("CARGO_BIN_EXE_dkron-ha")).args(["serve", "--help"]).output().expect("runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let flags: Vec<_> = lines.flat_map(|line| words(line, "--", |c| c.is_ascii_lowercase() || c == '-')).collect();
    assert!(flags.len() > TABLE.len(), "{flags:?}");
    let page = read("docs/reference.md");
    for flag in flags {
        let of_an_option = TABLE.iter().any(|row| flag == format!("--{}", row.name));
        let usual = ["--help", "--version"].contains(&flag);
        assert!(of_an_option || usual || page.contains(&format!("`{flag}`")), "{flag}");
    }
}

#[test]
fn every_metric_is_in_the_reference() {
    let page = read("docs/reference.md");
    for file in ["src/server/metrics.rs", "src/label/metrics.rs"] {
        let source = program(&read(file));
        let first = |text: &str| quoted(text).next().expect("a text").to_owned();
        let prefix = first(source.split("with_prefix(").nth(1).expect("a prefix"));
        let names: Vec<_> = source.split("registry.register(").skip(1).map(first).collect();
        assert!(names.len() > 2, "{names:?}");
        for name in names {
            let name = format!("`{prefix}_{name}");
            assert!(["`", "_total`", "_info`"].iter().any(|end| page.contains(&format!("{name}{end}"))), "{name}");
        }
    }
}

#[test]
fn links_lead_somewhere() {
    let mut followed = 0;
    for file in files("", ".md") {
        let text = prose(&read(&file));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().expect("a folder").join(path) };
            assert!(target.exists(), "{}: {link}", file.display());
            if !anchor.is_empty() {
                assert!(anchors(&read(&target)).contains(anchor), "{}: no heading for {link}", file.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "only {followed} links");
    let anchors = anchors(&read("docs/codes.md"));
    let lost = |code: &&Code| !anchors.contains(code.anchor().trim_start_matches("docs/codes.md#"));
    assert_eq!(code::ALL.iter().find(lost), None, "the anchor that messages name");
}

/// Anchors of the headings, as the usual renderers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings =
        headings.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}
