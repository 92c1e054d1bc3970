//! Namespaces, where this machine and user may have them.

use std::process::Command;

/// Words that start a program as PID 1 of a PID namespace of its own; `None`, with a word why, where that is not allowed.
pub fn pid_namespace() -> Option<Vec<&'static str>> {
    first_able(&[
        &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
        &["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ])
}

/// Words that start a program in a mount namespace of its own.
pub fn mount_namespace() -> Option<Vec<&'static str>> {
    first_able(&[&["unshare", "--mount"], &["unshare", "--user", "--map-root-user", "--mount"]])
}

fn first_able(ways: &[&[&'static str]]) -> Option<Vec<&'static str>> {
    let able = |way: &&&[&str]| {
        let tried = Command::new(way[0]).args(&way[1..]).arg("true").output();
        tried.is_ok_and(|out| out.status.success())
    };
    let way = ways.iter().find(able).map(|way| way.to_vec());
    if way.is_none() {
        println!("skipped: no namespaces for this user ({})", ways[0].join(" "));
    }
    way
}
