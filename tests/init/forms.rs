//! The forms of a command: whichever it is, dkron gets what was decided, and its role is known.

use std::fs;

use crate::server::{Server, leading};
use crate::wrapped::Wrapped;

const BIND: &str = "--bind-addr=127.0.0.10:8946";

const TAG: &str = "--tag=rpc_addr=127.0.0.10:6868";

/// Where dkron is found for its other subcommands too.
fn path(server: &Server) -> String {
    format!("{}:/usr/bin:/bin", server.path("").display())
}

#[test]
fn flags_in_a_shell_string_are_exchanged() {
    let mut server = Server::among_peers(0, &[]);
    let script = format!(
        "exec {} agent --server --bootstrap-expect=2 {} --retry-join \"a b\"",
        server.words[0],
        server.data_dir_flag()
    );
    server.words = vec!["/bin/sh".into(), "-c".into(), script];
    let _peer = server.peer(1, &leading(1));
    server.desired(3, &[0, 1]);
    let wrapped = server.wrapped(&[0, 1]).env("PATH", path(&server)).env("DKRON_BOOTSTRAP_EXPECT", "2");
    let (told, _) = server.told(wrapped.start());
    let (data, config) = (server.data_dir_flag(), server.config_flag());
    let join = "--retry-join=127.0.0.11";
    assert_eq!(told, ["agent", "--server", &data, "--retry-interval=1s", join, BIND, &config, TAG]);
}

#[test]
fn a_script_in_a_file_gets_variables() {
    let mut server = Server::among_peers(0, &[]);
    let script = server.path("start.sh");
    fs::write(&script, format!("exec {} agent --server --bootstrap-expect=2", server.words[0])).expect("a script");
    server.words = vec!["/bin/sh".into(), script.to_str().expect("text").into()];
    let _peer = server.peer(1, &leading(1));
    server.desired(3, &[0, 1]);
    let data = server.path("data").display().to_string();
    let wrapped = server.wrapped(&[0, 1]).env("PATH", path(&server)).env("DKRON_DATA_DIR", &data);
    let (mut told, _) = server.told(wrapped.env("DKRON_BOOTSTRAP_EXPECT", "2").start());
    told.sort();
    let expected = [
        "--bootstrap-expect=2",
        "--server",
        "DKRON_BIND_ADDR=127.0.0.10:8946",
        &format!("DKRON_DATA_DIR={data}"),
        "DKRON_RETRY_INTERVAL=1s",
        "DKRON_RETRY_JOIN=127.0.0.11",
        "DKRON_TAG=rpc_addr=127.0.0.10:6868",
        "agent",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_server_that_only_its_flags_show_is_known() {
    let auto = |server: &Server| server.wrapped(&[0]).env("DKRON_HA_ROLE", "auto");
    let by_flag = Server::alone(&["--server"]).with_data_dir();
    let (told, _) = by_flag.told(auto(&by_flag).start());
    assert!(told.contains(&"--bootstrap-expect=1".to_owned()), "{told:?}");

    let by_variable = Server::alone(&[]).with_data_dir();
    let (told, _) = by_variable.told(auto(&by_variable).env("DKRON_SERVER", "1").start());
    assert!(told.contains(&"--bootstrap-expect=1".to_owned()), "{told:?}");
    let (told, _) = by_variable.told(auto(&by_variable).env("DKRON_SERVER", "false").start());
    assert_eq!(told, ["agent", &by_variable.data_dir_flag(), TAG, "DKRON_SERVER=false"]);
}

#[test]
fn an_agent_starts_as_it_is_and_joins_as_it_was_told() {
    let agent = Server::alone(&["--node-name=x"]);
    let join = "provider=k8s namespace=n label_selector=\"dkron-ha.io/server-of=a\"";
    let wrapped = || -> Wrapped { agent.wrapped(&[0]).env("DKRON_HA_ROLE", "agent").env("DKRON_HA_JOIN", join) };
    let (told, _) = agent.told(wrapped().start());
    assert_eq!(told, ["agent", "--node-name=x", TAG, &format!("DKRON_RETRY_JOIN={join}")]);
    let (told, _) = agent.told(wrapped().env("DKRON_RETRY_JOIN", "own").start());
    assert_eq!(told, ["agent", "--node-name=x", TAG, "DKRON_RETRY_JOIN=own"]);
    // Its role may stand in dkron's own words alone.
    let (told, said) = agent.told(wrapped().env("DKRON_HA_ROLE", "auto").start());
    assert_eq!(told, ["agent", "--node-name=x", TAG, &format!("DKRON_RETRY_JOIN={join}")]);
    assert!(said.contains("starting an agent\n"), "{said}");
}
