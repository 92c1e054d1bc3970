//! `inject` as a person uses it in a pipe.

use crate::{is_refused, manifests};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn inject(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dkron-ha"))
        .arg("inject")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dkron-ha runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("writes");
    child.wait_with_output().expect("ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_second_inject_changes_nothing() {
    for file in manifests() {
        let first = inject(&["-f", &file.to_string_lossy()], b"");
        let second = inject(&["-f", "-"], &first.stdout);
        assert_eq!(text(&second.stdout), text(&first.stdout), "{}", file.display());
        assert!(second.status.success(), "{}: {}", file.display(), text(&second.stderr));
        assert_eq!(text(&second.stderr), quiet(&second.stderr), "{}", file.display());
    }
}

/// Skips are said each time; everything else is said once, when it is done.
fn quiet(stderr: &[u8]) -> String {
    let skips = ["DKHA-108", "DKHA-109", "DKHA-110", "DKHA-111"];
    let lines = text(stderr);
    lines.lines().filter(|line| skips.iter().any(|code| line.contains(code))).map(|line| format!("{line}\n")).collect()
}

#[test]
fn refusals_go_to_standard_error_with_their_code_and_exit_1() {
    for file in manifests().iter().filter(|file| is_refused(file)) {
        let refused = inject(&["--pods", "-f", &file.to_string_lossy()], b"");
        assert_eq!(refused.status.code(), Some(1), "{}", file.display());
        let error = text(&refused.stderr);
        assert!(
            error.contains("is refused: DKHA-0") && error.contains("docs/codes.md#dkha-0"),
            "{}: {error}",
            file.display()
        );
    }
}

#[test]
fn json_in_is_json_out_and_numbers_keep_their_text() {
    let pod =
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","big":12345678901234567890123},"spec":{"x":1.10}}"#;
    let out = inject(&["-f", "-"], pod.as_bytes());
    assert_eq!(text(&out.stdout).trim_end(), pod);
}

#[test]
fn what_cannot_be_read_is_said_and_exits_1() {
    let broken = inject(&["-f", "-"], b"a: [1\nb: 2\n");
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stderr).starts_with("dkron-ha: standard input: "), "{}", text(&broken.stderr));
    assert!(broken.stdout.is_empty());
    let missing = inject(&["-f", "no/such/file.yaml"], b"");
    assert!(text(&missing.stderr).contains("no/such/file.yaml"), "{}", text(&missing.stderr));
    let usage = inject(&[], b"");
    assert_eq!(usage.status.code(), Some(2));
    let option = inject(&["-f", "-", "--grace", "5"], b"");
    assert_eq!(option.status.code(), Some(2));
    assert!(text(&option.stderr).contains("30 to 86400"), "{}", text(&option.stderr));
}

#[test]
fn demo_shows_a_difference_and_ends_well() {
    let demo = Command::new(env!("CARGO_BIN_EXE_dkron-ha")).arg("demo").output().expect("runs");
    let shown = text(&demo.stdout);
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    for expected in [
        "StatefulSet billing/dkron",
        "Pod billing/dkron-0",
        "Pod billing/reports",
        "- /dkron-ha/bin/dkron-ha-init",
        "path: /v1/leader",
        "Warning: DKHA-101",
        "Reviews over one connection: 8",
        "kubectl label namespace billing dkron-ha.io/injection=enabled",
    ] {
        assert!(shown.contains(expected), "{expected:?} in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "colours where there is no terminal");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/reject-two-dkron-containers.yaml");
    let refused = Command::new(env!("CARGO_BIN_EXE_dkron-ha")).args(["demo", "-f"]).arg(own).output().expect("runs");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stdout).contains("refused: DKHA-003"), "{}", text(&refused.stdout));
}
