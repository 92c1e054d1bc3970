//! `docs/wrapper.md` tells of everything that a user can meet: codes, variables, paths, files, metrics, and every line of the log.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use dkron_ha::contract::{env, path};
use dkron_ha::init::disk::desired;
use dkron_ha::init::notices::Notices;
use dkron_ha::init::procedure::{Desired, Marker, Moment, State};
use dkron_ha::init::watch::state::sighting;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read(file: &str) -> String {
    let file = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn page() -> String {
    read("docs/wrapper.md")
}

/// A file of Rust without its comments and its tests.
fn program(file: &str) -> String {
    let text = read(file);
    let program = text.split("#[cfg(test)]\nmod ").next().expect("a first part");
    program.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Texts between double quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// What a format string writes in any case: the parts around its braces.
fn fixed(format: &str) -> Vec<&str> {
    format.split('{').map(|part| part.split_once('}').map_or(part, |(_, fixed)| fixed)).collect()
}

/// Whether all parts occur in `line`, in their order.
fn holds(mut line: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| match line.find(part) {
        Some(at) => {
            line = &line[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Format strings of everything that is written to the log, as far as they have words of their own.
fn sayings() -> Vec<String> {
    let decided = program("src/init/procedure/saying.rs") + &program("src/init/agent/saying.rs");
    let elsewhere: String = ["report.rs", "run/agent.rs", "run/server.rs", "run/situation.rs"]
        .iter()
        .flat_map(|file| program(&format!("src/init/{file}")).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains(" line("))
        .collect::<Vec<_>>()
        .join("\n");
    let all = decided.lines().chain(elsewhere.lines()).flat_map(quoted);
    let has_words = |format: &&str| fixed(format).iter().any(|part| part.trim().len() >= 5);
    all.filter(has_words).map(str::to_owned).collect()
}

/// Lines of the page that show what the log says: the rows of its last section.
fn rows(page: &str) -> Vec<String> {
    let section = page.split("\n## Log lines\n").nth(1).expect("the section");
    section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

#[test]
fn every_line_of_the_log_is_explained_and_none_that_there_is_not() {
    let (sayings, rows) = (sayings(), rows(&page()));
    assert!(sayings.len() > 50, "{sayings:#?}");
    let missing: Vec<_> = sayings.iter().filter(|said| !rows.iter().any(|row| holds(row, &fixed(said)))).collect();
    assert!(missing.is_empty(), "in no row of docs/wrapper.md: {missing:#?}");
    // What stands for other words than the program's own, such as an error of the system.
    let of_others = ["/dkron-ha/desired.json", "/data/dkron-ha.json"];
    let stale = |row: &&String| {
        let cell = row[2..].split(" | ").next().expect("a first cell");
        !sayings.iter().any(|said| holds(cell, &fixed(said))) && !of_others.iter().any(|start| cell.contains(start))
    };
    let stale: Vec<_> = rows.iter().filter(stale).collect();
    assert!(stale.is_empty(), "said nowhere: {stale:#?}");
}

/// The examples of JSON on the page, read and written again, are what they were: every field is shown, and none that there is not.
fn same<T: Serialize + DeserializeOwned>(example: &Value) {
    let read: T = serde_json::from_value(example.clone()).expect("an example that can be read");
    assert_eq!(&serde_json::to_value(read).expect("JSON"), example);
}

#[test]
fn the_files_and_the_state_are_shown_as_they_are() {
    let page = page();
    let examples: Vec<&str> = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [desired_text, marker, state, member, notices] = examples[..] else { panic!("{} examples", examples.len()) };
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut desired = value(desired_text);
    let written = desired.as_object_mut().and_then(|fields| fields.remove("written")).expect("when it was written");
    let boot = written["boot"].as_str().expect("a text");
    desired::from_json(desired_text, boot, Moment(u64::MAX)).expect("what the wrapper believes");
    same::<Desired>(&desired);
    same::<Marker>(&value(marker));
    same::<State>(&value(state));
    same::<Notices>(&value(notices));
    let seen = sighting(IpAddr::from([10, 0, 0, 7]), member.as_bytes()).expect("what the wrapper of an agent reads");
    let shown = seen.member.expect("a member");
    let written = json!({"namespace": "billing", "cluster": "dkron", "led": seen.led, "member": shown});
    assert_eq!(written, value(member));
    let (notices, state) = (value(notices), value(state));
    for field in [&desired, &state, &notices].into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
        let told = page.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{field}`")));
        assert!(told, "no row tells of {field}");
    }
}

#[test]
fn every_event_has_its_row_and_every_row_its_event() {
    let source = program("src/init/notices.rs");
    let table = source.split("match saying {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the table");
    let kind = |call: &str| if call.ends_with("normal(") { "Normal" } else { "Warning" };
    let mut told = BTreeSet::new();
    for line in table.lines().filter(|line| line.contains('"')) {
        let (call, rest) = line.split_once('"').expect("a reason");
        assert!(["normal(", "warning(", "sort("].iter().any(|end| call.ends_with(end)), "{line}");
        assert!(!call.ends_with("sort(") || rest.contains("\", true, "), "{line}: which type is it?");
        told.insert(format!("| `{}` | {} |", quoted(line).next().expect("a reason"), kind(call)));
    }
    assert!(told.len() > 15, "{told:#?}");
    let page = page();
    let section = page.split("\n## Events\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let rows = section.split("| reason | type |").nth(1).expect("the table");
    let rows = rows.lines().filter(|line| line.starts_with("| `"));
    let written: BTreeSet<_> = rows.map(|row| row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|") + "|").collect();
    assert_eq!(written, told);
}

#[test]
fn every_metric_is_on_the_page() {
    let (page, source) = (page(), program("src/init/port/metrics.rs"));
    let prefix = quoted(source.split("PREFIX: &str = ").nth(1).expect("a prefix")).next().expect("a text").to_owned();
    let made = ["gauge(\"", "counter(\"", "family(\""];
    let names: BTreeSet<&str> =
        made.iter().flat_map(|call| source.split(call).skip(1)).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() > 15, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !page.contains(&format!("`{prefix}{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_page_names_every_code_variable_and_path() {
    let page = page();
    for code in ["64", "70", "73", "78", "126", "127", "128 + n"] {
        assert!(page.contains(&format!("| {code} |")), "exit code {code}");
    }
    let variables = [
        env::ROLE,
        env::SIZE,
        env::INITIAL_CLUSTER_SIZE,
        env::PEERS,
        env::POD_NAME,
        env::POD_IP,
        env::STATEFULSET_NAMESPACE,
        env::STATEFULSET_NAME,
        env::CLUSTER,
        env::STORAGE,
        env::GRACE,
        env::RUN,
        env::DESIRED,
        env::CLUSTER_DOMAIN,
        env::JOIN,
        env::SERVERS,
        env::WRAPPER_PORT,
        env::DKRON_HTTP_PORT,
    ];
    let paths = [
        path::STATE,
        path::NOTICES,
        path::MEMBER,
        path::PROBE_LIVE,
        path::PROBE_READY,
        path::PROBE_START,
        path::METRICS,
    ];
    for name in variables.into_iter().chain(paths).chain([path::RUN, path::DESIRED]) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    let phases = program("src/init/port/metrics.rs");
    let phases = phases.lines().filter(|line| line.contains("(Phase::")).flat_map(quoted);
    for phase in phases.chain(["empty", "state", "unknown"]) {
        assert!(page.contains(&format!("`{phase}`")), "{phase}");
    }
}
