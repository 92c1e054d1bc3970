//! Words and variables that dkron gets, for every form of a command.

use super::*;
use crate::init::settings::SaidRole;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(k, v)| (k.into(), v.into())))
}

fn settings(environment: &Environment) -> Settings {
    Settings::read(environment).expect("settings")
}

fn split(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn shell(script: &str) -> Vec<OsString> {
    ["sh", "-c", script].map(OsString::from).to_vec()
}

fn prepared(words: &[OsString], launch: &Launch, variables: &[(&str, &str)]) -> Prepared {
    let environment = environment(variables);
    prepare(words, launch, &settings(&environment), &environment)
}

fn founding() -> Launch {
    Launch::Server { join: vec!["a-0.".into(), "a-2.".into()], expect: Some(3) }
}

fn joining() -> Launch {
    Launch::Server { join: vec!["a-0.".into(), "a-2.".into()], expect: None }
}

#[test]
fn flags_of_an_exec_command_are_replaced() {
    let written = "dkron agent --server --bootstrap-expect=2 --retry-join provider=k8s --retry-max=3 --log-level=info";
    let founded = prepared(&split(written), &founding(), &[("POD_IP", "10.0.0.2")]);
    let expected = "dkron agent --server --log-level=info --retry-interval=1s --retry-join=a-0. --retry-join=a-2. \
                    --bootstrap-expect=3 --bind-addr=10.0.0.2:8946";
    assert_eq!(founded.words, split(expected));
    assert_eq!(founded.set, []);

    let joined = prepared(&split(written), &joining(), &[("POD_IP", "10.0.0.2")]);
    let expected = "dkron agent --server --log-level=info --retry-interval=1s --retry-join=a-0. --retry-join=a-2. \
                    --bind-addr=10.0.0.2:8946";
    assert_eq!(joined.words, split(expected));
}

#[test]
fn variables_do_not_bring_back_what_was_taken_out() {
    let joined = prepared(&split("dkron agent --server"), &joining(), &[("DKRON_BOOTSTRAP_EXPECT", "3")]);
    for name in ["DKRON_BOOTSTRAP_EXPECT", "DKRON_JOIN", "DKRON_RETRY_JOIN", "DKRON_RETRY_MAX"] {
        assert!(joined.unset.iter().any(|unset| unset == name), "{name}");
    }
}

#[test]
fn a_server_alone_gets_no_peers() {
    let alone = Launch::Server { join: Vec::new(), expect: Some(1) };
    let prepared = prepared(&split("dkron agent --server --retry-join=a"), &alone, &[]);
    assert_eq!(prepared.words, split("dkron agent --server --bootstrap-expect=1"));
}

#[test]
fn a_shell_string_gets_the_same_through_variables() {
    let words = shell("exec dkron agent --server --bootstrap-expect=2");
    let founded = prepared(&words, &founding(), &[("POD_IP", "10.0.0.2"), ("DKRON_JOIN", "x")]);
    assert_eq!(founded.words, words);
    let set = [
        ("DKRON_RETRY_INTERVAL", "1s"),
        ("DKRON_RETRY_JOIN", "a-0.,a-2."),
        ("DKRON_BOOTSTRAP_EXPECT", "3"),
        ("DKRON_BIND_ADDR", "10.0.0.2:8946"),
    ];
    assert_eq!(founded.set, set.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(founded.unset, ["DKRON_JOIN", "DKRON_RETRY_MAX"]);

    let joined = prepared(&words, &joining(), &[]);
    assert!(joined.unset.contains(&"DKRON_BOOTSTRAP_EXPECT".to_owned()));
}

#[test]
fn the_bind_address_is_the_pods_unless_the_user_chose_one() {
    // (flag, variable, POD_IP, what is bound to)
    let table = [
        ("", "", "10.0.0.2", Some("10.0.0.2:8946")),
        ("", "", "fd00::2", Some("[fd00::2]:8946")),
        ("", "", "", None),
        ("--bind-addr=10.9.9.9:9000", "", "10.0.0.2", Some("10.9.9.9:9000")),
        ("--bind-addr 10.9.9.9", "", "10.0.0.2", Some("10.9.9.9")),
        ("--bind-addr={{GetInterfaceIP\"eth0\"}}:8946", "", "10.0.0.2", Some("{{GetInterfaceIP\"eth0\"}}:8946")),
        ("", "10.9.9.9:9000", "10.0.0.2", None),
        // All addresses are no choice that works; the port is.
        ("--bind-addr=0.0.0.0:9000", "", "10.0.0.2", Some("10.0.0.2:9000")),
        ("--bind-addr=[::]:8946", "", "fd00::2", Some("[fd00::2]:8946")),
        ("--bind-addr=0.0.0.0", "", "10.0.0.2", Some("10.0.0.2:8946")),
        ("--bind-addr=:9000", "", "10.0.0.2", Some("10.0.0.2:9000")),
        ("", "0.0.0.0:9000", "10.0.0.2", Some("10.0.0.2:9000")),
        ("--bind-addr=0.0.0.0:9000", "", "", Some("0.0.0.0:9000")),
    ];
    for (flag, variable, pod_ip, expected) in table {
        let variables = [("DKRON_BIND_ADDR", variable), ("POD_IP", pod_ip)];
        let words = split(&format!("dkron agent {flag}"));
        let prepared = prepared(&words, &joining(), &variables);
        let found = match Form::of(&prepared.words) {
            Form::Flags(arguments) => arguments.value("bind-addr").map(str::to_owned),
            Form::Opaque(_) => None,
        };
        assert_eq!(found.as_deref(), expected, "{flag} {variable} {pod_ip}");
        // A variable that the user chose and nothing replaced is left to dkron.
        let taken = prepared.unset.iter().any(|name| name == "DKRON_BIND_ADDR");
        assert_eq!(taken, expected.is_some() && !flag.contains("10.9") && !flag.contains("{{") && !pod_ip.is_empty());
    }
}

#[test]
fn an_agent_joins_by_default_only() {
    let join = [("DKRON_HA_ROLE", "agent"), ("DKRON_HA_JOIN", "provider=k8s label_selector=\"a=b\"")];
    assert_eq!(settings(&environment(&join)).role, SaidRole::Agent);
    let set =
        |words: &[OsString], more: &[(&str, &str)]| prepared(words, &Launch::Agent, &[&join[..], more].concat()).set;
    let given = vec![("DKRON_RETRY_JOIN".to_owned(), "provider=k8s label_selector=\"a=b\"".to_owned())];
    assert_eq!(set(&split("dkron agent"), &[]), given);
    assert_eq!(set(&shell("dkron agent"), &[("DKRON_RETRY_JOIN", "")]), given);
    assert_eq!(set(&split("dkron agent --join=a"), &[]), []);
    assert_eq!(set(&shell("dkron agent --retry-join a"), &[]), []);
    assert_eq!(set(&split("dkron agent"), &[("DKRON_RETRY_JOIN", "a")]), []);
    assert_eq!(set(&split("dkron agent"), &[("DKRON_JOIN", "a")]), []);
    assert_eq!(prepared(&split("dkron agent"), &Launch::Agent, &[]).set, []);
}

#[test]
fn links_of_services_never_reach_dkron() {
    for launch in [Launch::AsWritten, Launch::Agent, founding()] {
        let prepared = prepared(&split("dkron agent"), &launch, &[("DKRON_RPC_PORT", "tcp://10.0.0.9:80")]);
        assert!(prepared.unset.contains(&"DKRON_RPC_PORT".to_owned()), "{launch:?}");
    }
}
