//! The command line without a node behind it.

use std::time::Instant;

use libtest_mimic::Failed;

use super::Check;
use super::calls::run;
use super::node::{Ground, seconds};
use super::subject::Subject;

pub const CHECKS: &[Check] = &[
    ("prints its version", 3, 4, version),
    ("refuses what it does not know with exit code 1", 3, 4, unknown),
    ("refuses values of the wrong type", 3, 4, wrong_type),
    ("gives up on a silent address after ten seconds", 3, 4, silence),
    ("refuses to advertise a loopback address unasked", 4, 4, loopback),
    ("is no plugin for people", 4, 4, plugin),
    ("reads its configuration whatever it is asked", 3, 3, always_configured),
];

fn version(subject: &Subject) -> Result<(), Failed> {
    let run = run(subject, &["version"], &[]);
    assert_eq!(run.code, Some(0));
    let lines: Vec<&str> = run.stdout.lines().collect();
    let number = subject.label.split(' ').nth(1).unwrap_or_default();
    assert_eq!(lines[..2], ["Name: Dkron", &format!("Version: {number}")]);
    assert!(lines[2].starts_with("Codename: "), "{lines:?}");
    assert_eq!(lines[3..], ["Agent Protocol: 5 (Understands back to: 2)"]);
    Ok(())
}

fn unknown(subject: &Subject) -> Result<(), Failed> {
    for (words, says) in [
        (&["agent", "--nope"][..], "unknown flag: --nope"),
        (&["raft", "list-peers", "--nope"], "unknown flag: --nope"),
        (&["nope"], "unknown command \"nope\" for \"dkron\""),
    ] {
        let run = run(subject, words, &[]);
        assert_eq!(run.code, Some(1), "{words:?}");
        assert_eq!(run.stdout, format!("{says}\n"), "{words:?}");
        assert!(run.stderr.starts_with(&format!("Error: {says}\n")), "{words:?}: {}", run.stderr);
    }
    // Without a subcommand that it knows, `raft` only explains itself.
    for words in [&["raft"][..], &["raft", "nope", "--rpc-addr", "127.0.0.1:1"]] {
        let run = run(subject, words, &[]);
        assert_eq!(run.code, Some(0), "{words:?}");
        assert!(run.stdout.starts_with("Command to perform some raft operations\n"), "{}", run.stdout);
    }
    Ok(())
}

fn wrong_type(subject: &Subject) -> Result<(), Failed> {
    let argument = run(subject, &["agent", "--rpc-port", "x"], &[]);
    let says = "invalid argument \"x\" for \"--rpc-port\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\n";
    assert_eq!((argument.code, argument.stdout.as_str()), (Some(1), says));
    let missing = run(subject, &["agent", "--rpc-port"], &[]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), "flag needs an argument: --rpc-port\n"));
    let quote = run(subject, &["agent", "--retry-join", "provider=k8s label_selector=\"app=dkron\""], &[]);
    assert_eq!(quote.code, Some(1));
    assert!(quote.stdout.contains("bare \" in non-quoted"), "{}", quote.stdout);
    // What Kubernetes makes of a Service named dkron-rpc.
    let service = run(subject, &["agent", "--bind-addr=127.0.0.1:1"], &[("DKRON_RPC_PORT", "tcp://10.0.0.1:80")]);
    assert_eq!(service.code, Some(1));
    let says = if subject.generation == 3 { &service.stderr } else { &service.stdout };
    assert!(says.contains("rpc-port"), "{service:?}");
    Ok(())
}

fn always_configured(subject: &Subject) -> Result<(), Failed> {
    let variables = [("DKRON_RPC_PORT", "tcp://10.0.0.1:80")];
    for words in [&["version"][..], &["raft", "list-peers", "--rpc-addr", "127.0.0.1:1"], &["leave"]] {
        let run = run(subject, words, &variables);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{words:?}");
        assert!(run.stderr.contains("level=fatal msg=\"config: Error unmarshalling config\""), "{}", run.stderr);
    }
    Ok(())
}

fn silence(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let address = format!("{}:6868", ground.address(9));
    let begun = Instant::now();
    let run = run(subject, &["raft", "list-peers", "--rpc-addr", &address], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), "context deadline exceeded\n"));
    assert!(run.stderr.contains("msg=\"grpc: error dialing.\" error=\"context deadline exceeded\""), "{}", run.stderr);
    assert!((seconds(9)..seconds(13)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    Ok(())
}

fn loopback(subject: &Subject) -> Result<(), Failed> {
    let ground = Ground::new(subject);
    let data = ground.path("data").display().to_string();
    let bind = format!("{}:8946", ground.address(1));
    let run = run(subject, &["agent", "--server", "--bind-addr", &bind, "--data-dir", &data], &[]);
    let says = format!(
        "failed to parse advertise address (, {bind}, 8946, false): \
         defaulting advertise to localhost is unsafe, please set advertise manually\n"
    );
    assert_eq!((run.code, run.stdout), (Some(1), says));
    Ok(())
}

fn plugin(subject: &Subject) -> Result<(), Failed> {
    for name in ["shell", "http"] {
        let run = run(subject, &[name], &[]);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.starts_with("This binary is a plugin."), "{}", run.stderr);
    }
    Ok(())
}
