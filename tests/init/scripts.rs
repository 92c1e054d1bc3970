//! Shell texts with exchanged flags, run by a real shell: dkron gets what it was meant to get, and everything else happens as
//! before.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use dkron_ha::init::command::{Environment, Form};

/// Start of a text that many people have in some form: wait for peers, look for a leader, leave on TERM.
const LIKE_A_CHART: &str = r#"
suffix="$SET.n.svc"
joins=""
n=0
while [ "$n" -lt "$SIZE" ]; do
  peer="$SET-$n.$suffix"
  [ "$peer" = "$(hostname).$suffix" ] || joins="$joins --retry-join=$peer"
  n=$((n + 1))
done
expect="--bootstrap-expect $SIZE"
false >/dev/null 2>&1 && expect=""
stop() {
  kill -TERM "$child"
  dkron raft remove-peer --peer-id="$(hostname)"
  exit 0
}
trap stop TERM
dkron agent --server $expect $joins --bind-addr="$SET:1" &
child=$!
wait "$child"
"#;

/// Runs `sh -c text` with a dkron that writes down its arguments; returns those, each call on a line, and what was printed.
fn run(directory: &Path, text: &str) -> (String, String) {
    let told = directory.join("told");
    let _ = fs::remove_file(&told);
    let path = format!("{}:/usr/bin:/bin", directory.display());
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text).env_clear().env("PATH", path).env("SET", "a").env("SIZE", "2").env("TOLD", &told);
    let output = command.output().expect("a shell");
    let printed = String::from_utf8(output.stdout).expect("text");
    (fs::read_to_string(told).expect("dkron was run"), printed)
}

#[test]
fn a_shell_gives_dkron_the_exchanged_flags() {
    let directory = tempfile::tempdir().expect("a directory");
    let dkron = directory.path().join("dkron");
    fs::write(&dkron, "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done >>\"$TOLD\"; echo >>\"$TOLD\"\n")
        .expect("dkron");
    fs::set_permissions(&dkron, fs::Permissions::from_mode(0o755)).expect("executable");
    let out = ["join", "retry-join", "bootstrap-expect"];
    let appended = ["--retry-join=a-1.a.", "--bind-addr=[fd00::1]:8946", "--bootstrap-expect=0"].map(str::to_owned);
    let new = "<--retry-join=a-1.a.><--bind-addr=[fd00::1]:8946><--bootstrap-expect=0>";
    // (text, arguments before, and those that are left of them)
    let table = [
        ("exec dkron agent --server", "<agent><--server>", "<agent><--server>"),
        (
            "echo x; dkron agent --join 'a b' --tag \"c d\"; echo y",
            "<agent><--join><a b><--tag><c d>",
            "<agent><--tag><c d>",
        ),
        ("dkron agent \\\n  --join=a \\\n  --ui\necho y", "<agent><--join=a><--ui>", "<agent><--ui>"),
        (
            "dkron agent --ui \\\n  --bootstrap-expect=$SIZE\necho y",
            "<agent><--ui><--bootstrap-expect=2>",
            "<agent><--ui>",
        ),
        (
            "(dkron agent --node-name=$(echo x) --ui >/dev/null 2>&1) && echo y",
            "<agent><--node-name=x><--ui>",
            "<agent><--node-name=x><--ui>",
        ),
        ("dkron agent --tag '' --join a# # --join=b\necho y", "<agent><--tag><><--join><a#>", "<agent><--tag><>"),
        (
            "if dkron agent --tag=a\\ b --retry-join=\"$SET\"; then echo y; fi",
            "<agent><--tag=a b><--retry-join=a>",
            "<agent><--tag=a b>",
        ),
    ];
    for (text, before, left) in table {
        let words = ["/bin/sh", "-c", text].map(OsString::from);
        let changed = Form::of(&words, &Environment::default()).rewritten(&out, &appended).expect(text);
        let (told, printed) = run(directory.path(), text);
        assert_eq!(told, format!("{before}\n"), "{text}");
        let changed = changed[2].to_str().expect("text");
        assert_eq!(run(directory.path(), changed), (format!("{left}{new}\n"), printed), "{changed}");
    }
}

#[test]
fn flags_in_the_scripts_own_variables_are_overruled() {
    let directory = tempfile::tempdir().expect("a directory");
    let dkron = directory.path().join("dkron");
    fs::write(&dkron, "#!/bin/sh\necho \"$@\" >>\"$TOLD\"\n").expect("dkron");
    fs::set_permissions(&dkron, fs::Permissions::from_mode(0o755)).expect("executable");
    let words = ["/bin/bash", "-c", LIKE_A_CHART].map(OsString::from);
    let changed =
        Form::of(&words, &Environment::default()).rewritten(&["bind-addr"], &["--bootstrap-expect=0".to_owned()]);
    let (told, _) = run(directory.path(), changed.expect("a script")[2].to_str().expect("text"));
    let expected =
        "agent --server --bootstrap-expect 2 --retry-join=a-0.a.n.svc --retry-join=a-1.a.n.svc --bootstrap-expect=0\n";
    assert_eq!(told, expected);
}
