//! Where the configuration comes from: flags in all their forms, variables, files, and which of them wins.

use libtest_mimic::Failed;

use super::Check;
use super::node::{Ground, Node, seconds, until};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("takes lists in every form", 3, 4, lists),
    ("reads YAML, JSON and TOML", 3, 4, files),
    ("prefers flag to variable to file", 3, 4, precedence),
    ("finds its file in ./config", 3, 4, default_place),
    ("goes on without the file that it was given", 3, 4, no_file),
];

/// The tags of a node that serves HTTP.
fn tags(node: &Node) -> Result<serde_json::Value, Failed> {
    if !node.serves(seconds(8)) {
        return Err(format!("no HTTP:\n{}", node.log()).into());
    }
    let tags = || node.get("/v1").map(|answer| answer.json()["tags"].clone()).filter(|tags| !tags["port"].is_null());
    Ok(until(seconds(3), tags).ok_or("no tags")?)
}

/// Every form holds the own address, without which the node never serves.
fn lists(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let (nobody, interval) = (ground.address(99), ["--server", "--retry-interval=1s"]);
    let own = |host: u8| ground.address(host);
    let forms: [(u8, Vec<String>, Option<String>); 6] = [
        (1, vec![format!("--retry-join={nobody}"), format!("--retry-join={}", own(1))], None),
        (2, vec![format!("--retry-join={nobody},{}", own(2))], None),
        (3, vec!["--retry-join".to_owned(), format!("\"{nobody}\",\"{}\"", own(3))], None),
        (4, vec![], Some(format!("{nobody},{}", own(4)))),
        (
            5,
            vec!["--config".to_owned(), ground.write("a.yml", &format!("retry-join:\n- {nobody}\n- {}\n", own(5)))],
            None,
        ),
        (
            6,
            vec!["--config".to_owned(), ground.write("b.yml", &format!("retry-join: \"{nobody},{}\"\n", own(6)))],
            None,
        ),
    ];
    for (host, words, variable) in forms {
        let words: Vec<&str> = interval.into_iter().chain(words.iter().map(String::as_str)).collect();
        let variables: Vec<(&str, &str)> = variable.iter().map(|value| ("DKRON_RETRY_JOIN", value.as_str())).collect();
        let node = ground.start_with(host, host, &words, &variables);
        assert!(node.serves(seconds(8)), "{words:?} {variables:?}:\n{}", node.log());
        assert_eq!(node.member(&node.name)["Status"], 1);
    }
    // A variable is split at commas only.
    let words = [format!("{nobody} {}", own(7))];
    let node = ground.start_with(7, 7, &interval, &[("DKRON_RETRY_JOIN", &words[0])]);
    assert!(!node.serves(seconds(3)));
    Ok(())
}

fn files(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let written = [
        (
            "a.yaml",
            "server: true\nSERVER-unknown: 1\nregion: here\nbootstrap-expect: 1\ntags:\n  who: me\n  count: 3\n",
        ),
        (
            "b.json",
            r#"{"server": true, "region": "here", "bootstrap-expect": "1", "tags": {"who": "me", "count": "3"}}"#,
        ),
        ("c.toml", "server = true # yes\nregion = 'here'\nbootstrap-expect = 1\n[tags]\nwho = \"me\"\ncount = \"3\"\n"),
    ];
    for (host, (name, text)) in (1..).zip(written) {
        let node = ground.start(host, host, &["--config", &ground.write(name, text)]);
        let tags = tags(&node)?;
        for (tag, value) in [("region", "here"), ("expect", "1"), ("who", "me"), ("count", "3"), ("server", "true")] {
            assert_eq!(tags[tag], value, "{name}: {tags}");
        }
    }
    Ok(())
}

fn precedence(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let file =
        ground.write("a.yml", "server: true\nregion: file\ndatacenter: file\ntags:\n  from: file\n  only: file\n");
    let variables = [("DKRON_REGION", "variable"), ("DKRON_DATACENTER", "variable")];
    let node = ground.start_with(1, 1, &["--config", &file, "--datacenter=flag", "--tag=from=flag"], &variables);
    let tags = tags(&node)?;
    assert_eq!((&tags["dc"], &tags["region"]), (&"flag".into(), &"variable".into()));
    // Tags of flags replace those of the file, all of them.
    assert_eq!((&tags["from"], tags["only"].is_null()), (&"flag".into(), true), "{tags}");
    Ok(())
}

fn default_place(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    std::fs::create_dir(ground.path("config"))?;
    ground.write("config/dkron.yml", "server: true\nregion: found\n");
    assert_eq!(tags(&ground.start(1, 1, &[]))?["region"], "found");
    Ok(())
}

fn no_file(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let missing = ground.path("missing.yml").display().to_string();
    let broken = ground.write("broken.yml", "server: [\n");
    for (host, path) in [(1, missing), (2, broken)] {
        let node = ground.start(host, host, &["--server", "--config", &path]);
        assert_eq!(tags(&node)?["region"], "global");
        assert!(node.log().contains("No valid config found: Applying default values."), "{}", node.log());
    }
    Ok(())
}
