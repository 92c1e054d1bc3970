//! Words and variables that dkron gets, for every form of a command.

use super::super::super::config::{Value, Values};
use super::super::super::procedure::Prepare;
use super::super::environment::Environment;
use super::super::form::Form;
use super::*;

fn split(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn opaque() -> Vec<OsString> {
    split("/start.sh --server")
}

/// What is said in a test, besides the command.
#[derive(Default)]
struct Around<'a> {
    variables: &'a [(&'a str, &'a str)],
    config: Values,
    merged: Option<&'a str>,
    pod_ip: &'a str,
}

fn with<T>(words: &[OsString], around: &Around<'_>, ask: impl FnOnce(&Said<'_>) -> T) -> T {
    let environment = Environment::of(around.variables.iter().map(|(k, v)| (k.into(), v.into())));
    let form = Form::of(words, &environment);
    ask(&Said { form: &form, environment: &environment, config: &around.config })
}

fn server(words: &[OsString], launch: &Launch, around: &Around<'_>) -> Prepared {
    with(words, around, |said| Prepared::server(said, launch, around.merged.map(Path::new), around.pod_ip.parse().ok()))
}

fn launch(join: &[&str], expect: Option<u32>) -> Launch {
    Launch { join: join.iter().map(|peer| (*peer).into()).collect(), expect, disk: Prepare::Keep }
}

fn founding() -> Launch {
    launch(&["a-0.", "a-2."], Some(3))
}

fn joining() -> Launch {
    launch(&["a-0.", "a-2."], None)
}

fn file(keys: &[(&str, Value)]) -> Values {
    Values::of(keys.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(), true)
}

fn scalar(text: &str) -> Value {
    Value::Scalar(text.to_owned())
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn flags_of_an_exec_command_are_replaced() {
    let written = "dkron agent --server --bootstrap-expect=2 --retry-join provider=k8s --retry-max=3 --log-level=info";
    let pod = Around { pod_ip: "10.0.0.2", ..Around::default() };
    let founded = server(&split(written), &founding(), &pod);
    let expected = "dkron agent --server --log-level=info --retry-interval=1s --retry-join=a-0. --retry-join=a-2. \
                    --bootstrap-expect=3 --bind-addr=10.0.0.2:8946";
    assert_eq!(founded.words, split(expected));
    assert_eq!(founded.set, []);

    let joined = server(&split(written), &joining(), &pod);
    let expected = "dkron agent --server --log-level=info --retry-interval=1s --retry-join=a-0. --retry-join=a-2. \
                    --bind-addr=10.0.0.2:8946 --tag=rpc_addr=10.0.0.2:6868";
    assert_eq!(joined.words, split(expected));
}

#[test]
fn flags_in_a_script_are_replaced_in_its_text() {
    let words = ["sh", "-c", "exec dkron agent --server --bootstrap-expect=2; exit 1", "x"].map(OsString::from);
    let founded = server(&words, &founding(), &Around { pod_ip: "10.0.0.2", ..Around::default() });
    let text = "exec dkron agent --server  '--retry-interval=1s' '--retry-join=a-0.' '--retry-join=a-2.' \
                '--bootstrap-expect=3' '--bind-addr=10.0.0.2:8946'; exit 1";
    assert_eq!(founded.words, ["sh", "-c", text, "x"].map(OsString::from));
    assert_eq!(founded.set, []);
}

#[test]
fn variables_do_not_bring_back_what_was_taken_out() {
    let around = Around { variables: &[("DKRON_BOOTSTRAP_EXPECT", "3")], ..Around::default() };
    let joined = server(&split("dkron agent --server"), &joining(), &around);
    for name in ["DKRON_BOOTSTRAP_EXPECT", "DKRON_JOIN", "DKRON_RETRY_JOIN", "DKRON_RETRY_MAX"] {
        assert!(joined.unset.iter().any(|unset| unset == name), "{name}");
    }
}

#[test]
fn a_server_alone_gets_no_peers() {
    let prepared = server(&split("dkron agent --server --retry-join=a"), &launch(&[], Some(1)), &Around::default());
    assert_eq!(prepared.words, split("dkron agent --server --bootstrap-expect=1"));
}

#[test]
fn a_command_without_reach_gets_the_same_through_variables() {
    let around = Around { variables: &[("DKRON_JOIN", "x")], pod_ip: "10.0.0.2", ..Around::default() };
    let founded = server(&opaque(), &founding(), &around);
    assert_eq!(founded.words, opaque());
    let set = [
        ("DKRON_RETRY_INTERVAL", "1s"),
        ("DKRON_RETRY_JOIN", "a-0.,a-2."),
        ("DKRON_BOOTSTRAP_EXPECT", "3"),
        ("DKRON_BIND_ADDR", "10.0.0.2:8946"),
    ];
    assert_eq!(founded.set, pairs(&set));
    assert_eq!(founded.unset, ["DKRON_JOIN", "DKRON_RETRY_MAX"]);

    let joined = server(&opaque(), &joining(), &Around::default());
    assert!(joined.unset.contains(&"DKRON_BOOTSTRAP_EXPECT".to_owned()));
}

#[test]
fn the_merged_file_takes_the_place_of_the_users() {
    let around = Around { merged: Some("/run/dkron.yml"), ..Around::default() };
    let table = [
        ("dkron agent --server", "dkron agent --server --config=/run/dkron.yml"),
        ("dkron agent --config=/etc/a.yml --server", "dkron agent --server --config=/run/dkron.yml"),
        ("dkron --config /etc/a.yml agent --server", "dkron agent --server --config=/run/dkron.yml"),
    ];
    for (written, expected) in table {
        assert_eq!(server(&split(written), &launch(&[], None), &around).words, split(expected), "{written}");
    }
    let hidden = server(&opaque(), &launch(&[], None), &around);
    assert_eq!(hidden.words, opaque());
    assert!(!hidden.unset.contains(&"DKRON_CONFIG".to_owned()), "dkron knows no such variable");
    let unmerged = server(&split("dkron agent --config a.hcl"), &launch(&[], None), &Around::default());
    assert_eq!(unmerged.words, split("dkron agent --config a.hcl"));
}

#[test]
fn what_the_file_says_is_overruled() {
    let list = Value::List(vec!["x".into()]);
    let config = file(&[
        ("join", list.clone()),
        ("retry-join", list),
        ("bootstrap-expect", scalar("3")),
        ("retry-max", scalar("5")),
    ]);
    let around = Around { config, pod_ip: "10.0.0.2", ..Around::default() };
    let alone = server(&split("dkron agent --server"), &launch(&[], None), &around);
    let expected = "dkron agent --server --join= --retry-join= --retry-max=0 --bootstrap-expect=0 \
                    --bind-addr=10.0.0.2:8946 --tag=rpc_addr=10.0.0.2:6868";
    assert_eq!(alone.words, split(expected));

    let hidden = server(&opaque(), &launch(&[], None), &around);
    let set = [
        ("DKRON_TAG", "rpc_addr=10.0.0.2:6868"),
        ("DKRON_RETRY_JOIN", "10.0.0.2:8946"),
        ("DKRON_RETRY_MAX", "0"),
        ("DKRON_BOOTSTRAP_EXPECT", "0"),
        ("DKRON_BIND_ADDR", "10.0.0.2:8946"),
    ];
    assert_eq!(hidden.set, pairs(&set));
}

#[test]
fn a_file_that_cannot_be_read_is_overruled_too() {
    let around = Around { config: Values::unread(), pod_ip: "10.0.0.2", ..Around::default() };
    let joined = server(&split("dkron agent --server"), &joining(), &around);
    // It may say where to bind, with good reason.
    let expected = "dkron agent --server --join= --retry-interval=1s --retry-join=a-0. --retry-join=a-2. \
                    --retry-max=0 --bootstrap-expect=0";
    assert_eq!(joined.words, split(expected));
}

#[test]
fn the_bind_address_is_the_pods_unless_the_user_chose_one() {
    // (flag, variable, file, POD_IP, what is bound to)
    let table = [
        ("", "", "", "10.0.0.2", Some("10.0.0.2:8946")),
        ("", "", "", "fd00::2", Some("[fd00::2]:8946")),
        ("", "", "", "", None),
        ("--bind-addr=10.9.9.9:9000", "", "", "10.0.0.2", Some("10.9.9.9:9000")),
        ("--bind-addr 10.9.9.9", "", "", "10.0.0.2", Some("10.9.9.9")),
        ("--bind-addr={{GetPrivateIP}}:8946", "", "", "10.0.0.2", Some("{{GetPrivateIP}}:8946")),
        ("", "10.9.9.9:9000", "", "10.0.0.2", None),
        ("", "", "10.9.9.9:9000", "10.0.0.2", None),
        // All addresses are no choice that works; the port is.
        ("--bind-addr=0.0.0.0:9000", "", "", "10.0.0.2", Some("10.0.0.2:9000")),
        ("--bind-addr=[::]:8946", "", "", "fd00::2", Some("[fd00::2]:8946")),
        ("--bind-addr=::", "", "", "fd00::2", Some("[fd00::2]:8946")),
        ("--bind-addr=0.0.0.0", "", "", "10.0.0.2", Some("10.0.0.2:8946")),
        ("--bind-addr=:9000", "", "", "10.0.0.2", Some("10.0.0.2:9000")),
        ("", "0.0.0.0:9000", "", "10.0.0.2", Some("10.0.0.2:9000")),
        ("", "", "0.0.0.0:9000", "10.0.0.2", Some("10.0.0.2:9000")),
        ("", "10.9.9.9:9000", "0.0.0.0:9000", "10.0.0.2", None),
        ("--bind-addr=0.0.0.0:9000", "", "", "", Some("0.0.0.0:9000")),
    ];
    for (flag, variable, in_file, pod_ip, expected) in table {
        let config = if in_file.is_empty() { Values::default() } else { file(&[("bind-addr", scalar(in_file))]) };
        let around = Around { variables: &[("DKRON_BIND_ADDR", variable)], config, pod_ip, ..Around::default() };
        let prepared = server(&split(&format!("dkron agent {flag}")), &joining(), &around);
        let found = with(&prepared.words, &Around::default(), |said| match said.value("bind-addr") {
            Word::Is(address) => Some(address.to_owned()),
            _ => None,
        });
        assert_eq!(found.as_deref(), expected, "{flag} {variable} {in_file} {pod_ip}");
        // A variable that the user chose and nothing replaced is left to dkron.
        let taken = prepared.unset.iter().any(|name| name == "DKRON_BIND_ADDR");
        assert_eq!(taken, expected.is_some() && !flag.contains("10.9") && !flag.contains("{{") && !pod_ip.is_empty());
    }
}

#[test]
fn another_port_of_serf_is_told_to_the_others() {
    let pod = Around { pod_ip: "10.0.0.2", ..Around::default() };
    // (flags, advertised)
    let table = [
        ("--bind-addr=0.0.0.0:9000", Word::Is("10.0.0.2:9000")),
        ("--bind-addr=0.0.0.0:9000 --advertise-addr=1.2.3.4", Word::Is("1.2.3.4")),
        ("--bind-addr=0.0.0.0", Word::Absent),
        ("--bind-addr=10.0.0.9:9000", Word::Absent),
    ];
    for (flags, expected) in table {
        let prepared = server(&split(&format!("dkron agent {flags}")), &joining(), &pod);
        with(&prepared.words, &pod, |said| assert_eq!(said.value("advertise-addr"), expected, "{flags}"));
    }
}

#[test]
fn an_agent_joins_by_default_only() {
    let join = "provider=k8s label_selector=\"a=b\"";
    let set = |words: &[OsString], variables: &[(&str, &str)], config: Values| {
        let around = Around { variables, config, ..Around::default() };
        with(words, &around, |said| Prepared::agent(said, Some(join), None)).set
    };
    let given = pairs(&[("DKRON_RETRY_JOIN", join)]);
    let agent = split("dkron agent");
    assert_eq!(set(&agent, &[], Values::default()), given);
    assert_eq!(set(&opaque(), &[("DKRON_RETRY_JOIN", "")], Values::default()), given);
    assert_eq!(set(&split("dkron agent --join=a"), &[], Values::default()), []);
    assert_eq!(set(&split("/start.sh --retry-join a"), &[], Values::default()), []);
    assert_eq!(set(&agent, &[("DKRON_RETRY_JOIN", "a")], Values::default()), []);
    assert_eq!(set(&agent, &[("DKRON_JOIN", "a")], Values::default()), []);
    assert_eq!(set(&agent, &[], file(&[("retry-join", scalar("a"))])), []);
    assert_eq!(with(&agent, &Around::default(), |said| Prepared::agent(said, None, None)).set, []);
}

#[test]
fn others_can_call_an_agent_from_its_first_moment() {
    let agent = |words: &[OsString]| {
        with(words, &Around::default(), |said| Prepared::agent(said, None, "10.0.0.2".parse().ok()))
    };
    let flags = split("dkron agent --tag=a=b -- x");
    assert_eq!(agent(&flags).words, split("dkron agent --tag=a=b --tag=rpc_addr=10.0.0.2:6868 -- x"));
    let hidden = agent(&opaque());
    assert_eq!((hidden.words, hidden.set), (opaque(), pairs(&[("DKRON_TAG", "rpc_addr=10.0.0.2:6868")])));
}

#[test]
fn links_of_services_never_reach_dkron() {
    let around = Around { variables: &[("DKRON_RPC_PORT", "tcp://10.0.0.9:80")], ..Around::default() };
    let words = split("dkron agent");
    let prepared = [
        with(&words, &around, Prepared::as_written),
        with(&words, &around, |said| Prepared::agent(said, None, None)),
        server(&words, &founding(), &around),
        server(&opaque(), &founding(), &around),
    ];
    for prepared in prepared {
        assert!(prepared.unset.contains(&"DKRON_RPC_PORT".to_owned()));
    }
}
