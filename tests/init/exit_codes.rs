//! The table of exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::wrapped::{Wrapped, write_program};

#[test]
fn the_childs_own_code_is_passed_on() {
    for code in [0, 1, 42, 64, 126, 255] {
        let ended = Wrapped::shell(&format!("exit {code}")).ended();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(
            ended.stderr,
            format!(
                "dkron-ha: starting the command as it is written\ndkron-ha: dkron ended with code {code}; orphans reaped: 0\n"
            )
        );
    }
}

#[test]
fn a_child_killed_by_a_signal_gives_128_and_its_number() {
    for (signal, number) in [("HUP", 1), ("INT", 2), ("ABRT", 6), ("KILL", 9), ("SEGV", 11), ("PIPE", 13), ("TERM", 15)]
    {
        // `ulimit`: no core files in the way.
        let ended = Wrapped::shell(&format!("ulimit -c 0; kill -{signal} $$; sleep 60")).ended();
        assert_eq!(ended.code, Some(128 + number), "{signal}: {}", ended.stderr);
    }
}

#[test]
fn what_is_not_found_gives_127_and_what_cannot_be_executed_126() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str, mode: u32| {
        let path = directory.path().join(name);
        write_program(&path, text, mode);
        path.to_str().expect("text").to_owned()
    };
    let table = [
        ("no-such-program-anywhere".to_owned(), 127, "not found"),
        (directory.path().join("nothing").to_str().expect("text").to_owned(), 127, "not found"),
        (file("orphaned-script", "#!/no/such/interpreter\n", 0o755), 127, "interpreter"),
        (file("plain", "#!/bin/sh\n", 0o644), 126, "not an executable file"),
        (file("no-program", "neither script nor program", 0o755), 126, "cannot execute"),
        (directory.path().to_str().expect("text").to_owned(), 126, "not an executable file"),
    ];
    for (program, code, text) in table {
        let ended = Wrapped::run(&[&program, "agent"]).ended();
        assert_eq!(ended.code, Some(code), "{program}: {}", ended.stderr);
        assert!(ended.stderr.contains(text) && ended.stderr.contains(&program), "{}", ended.stderr);
    }
}

#[test]
fn a_command_line_that_cannot_be_read_gives_64() {
    for arguments in [&[][..], &["start"], &["install"], &["run"], &["run", "--"], &["run", "sh"]] {
        let ended = Wrapped::with(arguments).ended();
        assert_eq!(ended.code, Some(64), "{arguments:?}");
        assert!(ended.stderr.starts_with("dkron-ha: ") && ended.stderr.contains("--help"), "{}", ended.stderr);
    }
}

#[test]
fn a_variable_that_cannot_be_meant_gives_78_before_anything_runs() {
    let ended = Wrapped::shell("echo ran").env("INITIAL_CLUSTER_SIZE", "three").ended();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
    assert!(ended.stderr.contains("INITIAL_CLUSTER_SIZE=\"three\""), "{}", ended.stderr);
}

#[test]
fn help_and_version_go_to_stdout() {
    let help = Wrapped::with(&["--help"]).ended();
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("--find-dkron"));
    let version = Wrapped::with(&["--version"]).ended();
    assert_eq!(version.stdout, format!("dkron-ha-init {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn dkron_is_found_along_the_path_and_runs_in_its_own_place() {
    if ["/usr/local/bin/dkron", "/opt/local/dkron/dkron", "/usr/bin/dkron"]
        .iter()
        .any(|place| Path::new(place).exists())
    {
        println!("skipped: this machine has a dkron of its own");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let dkron = directory.path().join("dkron");
    write_program(&dkron, "#!/bin/sh\necho \"$0 $*\"\n", 0o644);
    let wrapped = || Wrapped::with(&["run", "--find-dkron", "--", "agent", "--ui"]);
    let path = format!("/no/such/place:{}:/usr/bin:/bin", directory.path().display());

    assert_eq!(wrapped().env("PATH", &path).ended().code, Some(126));

    fs::set_permissions(&dkron, fs::Permissions::from_mode(0o755)).expect("its mode");
    let found = wrapped().env("PATH", &path).ended();
    assert_eq!((found.code, found.stdout), (Some(0), format!("{} agent --ui\n", dkron.display())));

    let missing = wrapped().env("PATH", "/no/such/place").ended();
    assert_eq!(missing.code, Some(127));
    for told in [
        "/usr/local/bin/dkron",
        "/opt/local/dkron/dkron",
        "/usr/bin/dkron",
        "/no/such/place/dkron",
        "dkron-ha.io/command",
    ] {
        assert!(missing.stderr.contains(told), "{told}: {}", missing.stderr);
    }
}
