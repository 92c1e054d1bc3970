//! dkron's flags in a list of words: read, taken out, appended. Pure.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

/// Names of the flags that matter here. dkron reads each from a variable too: [`variable`].
pub mod flag {
    /// Address of serf; decides the address of gRPC and raft.
    pub const BIND_ADDR: &str = "bind-addr";
    /// Servers that must know each other before the first election.
    pub const BOOTSTRAP_EXPECT: &str = "bootstrap-expect";
    /// Peers tried once.
    pub const JOIN: &str = "join";
    /// Peers tried until one answers.
    pub const RETRY_JOIN: &str = "retry-join";
    /// Pause between two tries.
    pub const RETRY_INTERVAL: &str = "retry-interval";
    /// Number of tries; dkron hangs when they are used up.
    pub const RETRY_MAX: &str = "retry-max";
    /// Holds raft state and may lead.
    pub const SERVER: &str = "server";
}

/// The subcommand that all this is about.
pub const AGENT: &str = "agent";

/// Ends the flags: what follows belongs to no flag.
const END: &str = "--";

/// Flags of `dkron agent` that take the next word where no `=` follows (v3.1 to v4.1, with those of Pro).
/// All others are switches, or unknown; no other word is ever mistaken for a flag because of them.
const WITH_VALUE: [&str; 50] = [
    "advertise-addr",
    "advertise-rpc-port",
    "agent-run-max-retries",
    "agent-run-retry-initial-interval",
    "agent-run-retry-max-interval",
    flag::BIND_ADDR,
    flag::BOOTSTRAP_EXPECT,
    "cert-file",
    "client-crl-file",
    "config",
    "cronitor-endpoint",
    "data-dir",
    "datacenter",
    "dog-statsd-addr",
    "dog-statsd-tags",
    "encrypt",
    "federation-mode",
    "http-addr",
    flag::JOIN,
    "key-file",
    "log-level",
    "mail-from",
    "mail-host",
    "mail-password",
    "mail-payload",
    "mail-port",
    "mail-subject-prefix",
    "mail-username",
    "node-name",
    "otel-endpoint",
    "password",
    "pre-webhook-endpoint",
    "pre-webhook-headers",
    "pre-webhook-payload",
    "profile",
    "raft-duration",
    "raft-multiplier",
    "region",
    flag::RETRY_INTERVAL,
    flag::RETRY_JOIN,
    flag::RETRY_MAX,
    "rpc-port",
    "serf-reconnect-timeout",
    "statsd-addr",
    "tag",
    "trusted-ca-file",
    "username",
    "webhook-endpoint",
    "webhook-headers",
    "webhook-payload",
];

/// The variable by which dkron reads the flag `name`.
pub fn variable(name: &str) -> String {
    format!("DKRON_{}", name.to_uppercase().replace('-', "_"))
}

/// Truth as dkron reads it from flags and variables.
pub fn is_true(text: &str) -> bool {
    ["1", "t", "T", "true", "TRUE", "True"].contains(&text)
}

/// One flag as it was written.
#[derive(Debug)]
struct Written<'a> {
    name: &'a str,
    value: Option<&'a str>,
    words: Range<usize>,
}

/// The flags of one `dkron agent` command.
#[derive(Debug)]
pub struct Arguments<'a> {
    words: &'a [OsString],
    written: Vec<Written<'a>>,
    /// Where another flag can be put.
    end: usize,
}

impl<'a> Arguments<'a> {
    /// Reads the flags behind the word number `agent` of `words`.
    pub fn read(words: &'a [OsString], agent: usize) -> Self {
        let mut written = Vec::new();
        let mut at = agent + 1;
        while let Some(word) = words.get(at).filter(|word| *word != END) {
            let next = words.get(at + 1).map(OsString::as_os_str);
            match word.to_str().and_then(|word| word.strip_prefix("--")) {
                Some(flag) => {
                    let read = read_flag(flag, at, next);
                    at = read.words.end;
                    written.push(read);
                }
                None => at += 1,
            }
        }
        Self { words, written, end: at }
    }

    /// Whether the flag is given at all.
    pub fn has(&self, name: &str) -> bool {
        self.written.iter().any(|flag| flag.name == name)
    }

    /// Value of the flag; the last one counts.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.written.iter().rev().find(|flag| flag.name == name)?.value
    }

    /// Value of a switch; `None` if it is not given.
    pub fn switch(&self, name: &str) -> Option<bool> {
        let last = self.written.iter().rev().find(|flag| flag.name == name)?;
        Some(last.value.is_none_or(is_true))
    }

    /// The whole command without the flags `out`, and with `appended` behind the last flag.
    pub fn rewritten(&self, out: &[&str], appended: &[String]) -> Vec<OsString> {
        let gone = |at: usize| self.written.iter().any(|flag| out.contains(&flag.name) && flag.words.contains(&at));
        let (flags, rest) = self.words.split_at(self.end);
        let kept = flags.iter().enumerate().filter(|(at, _)| !gone(*at)).map(|(_, word)| word.clone());
        kept.chain(appended.iter().map(OsString::from)).chain(rest.iter().cloned()).collect()
    }
}

fn read_flag<'a>(flag: &'a str, at: usize, next: Option<&'a OsStr>) -> Written<'a> {
    if let Some((name, value)) = flag.split_once('=') {
        return Written { name, value: Some(value), words: at..at + 1 };
    }
    match next {
        // Also a next word that looks like a flag or like the end: that is how dkron reads it.
        Some(next) if WITH_VALUE.contains(&flag) => Written { name: flag, value: next.to_str(), words: at..at + 2 },
        _ => Written { name: flag, value: None, words: at..at + 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn flags_are_taken_out_in_every_form_and_others_stay() {
        let out = [flag::JOIN, flag::RETRY_JOIN, flag::BOOTSTRAP_EXPECT];
        // (command, what remains of it with --x=1 appended)
        let table = [
            ("d agent --server", "d agent --server --x=1"),
            ("d agent --server --bootstrap-expect=2 --ui", "d agent --server --ui --x=1"),
            ("d agent --bootstrap-expect 2 --server", "d agent --server --x=1"),
            ("d agent --join a --retry-join b --retry-join=c,d --join=e", "d agent --x=1"),
            ("d agent --bootstrap-expect", "d agent --x=1"),
            ("d agent --bootstrap-expect= --join=", "d agent --x=1"),
            // A word that only looks like the flag is another flag's value.
            ("d agent --node-name --join --tag --retry-join", "d agent --node-name --join --tag --retry-join --x=1"),
            // A switch takes no word, so the flag behind it is one.
            ("d agent --server --join a", "d agent --server --x=1"),
            // What nobody knows takes no word either.
            ("d agent --new-switch --join a --new-flag b", "d agent --new-switch --new-flag b --x=1"),
            // Longer names are other flags.
            ("d agent --joined=a --bootstrap-expected 3", "d agent --joined=a --bootstrap-expected 3 --x=1"),
            ("d agent -join a", "d agent -join a --x=1"),
            // `--` ends the flags, unless it is a value.
            ("d agent --server -- --join a", "d agent --server --x=1 -- --join a"),
            ("d agent --node-name -- --join a", "d agent --node-name -- --x=1"),
            // In front of the subcommand nothing is touched.
            ("d --join a agent --join b", "d --join a agent --x=1"),
        ];
        for (line, expected) in table {
            let words = split(line);
            let agent = words.iter().position(|word| word == AGENT).expect("agent");
            let rewritten = Arguments::read(&words, agent).rewritten(&out, &["--x=1".to_owned()]);
            assert_eq!(rewritten, split(expected), "{line}");
        }
    }

    #[test]
    fn words_that_are_no_text_survive() {
        use std::os::unix::ffi::OsStringExt;
        let raw = OsString::from_vec(vec![b'-', b'-', 0xff]);
        let words = vec!["d".into(), "agent".into(), raw.clone(), "--join".into(), raw.clone()];
        assert_eq!(Arguments::read(&words, 1).rewritten(&[flag::JOIN], &[]), ["d".into(), "agent".into(), raw]);
    }

    #[test]
    fn the_last_of_several_values_counts() {
        let words = split("d agent --bind-addr a --server=false --bind-addr=b --server");
        let arguments = Arguments::read(&words, 1);
        assert_eq!(arguments.value(flag::BIND_ADDR), Some("b"));
        assert_eq!(arguments.switch(flag::SERVER), Some(true));
        assert_eq!(arguments.switch("ui"), None);
        assert!(arguments.has(flag::BIND_ADDR) && !arguments.has(flag::JOIN));
    }

    #[test]
    fn a_switch_is_read_as_dkron_reads_it() {
        let table = [
            ("--server", true),
            ("--server=true", true),
            ("--server=1", true),
            ("--server=false", false),
            ("--server=0", false),
            ("--server=yes", false),
            // The word behind a switch is not its value.
            ("--server false", true),
            ("--server --server=f", false),
        ];
        for (line, expected) in table {
            let words = split(&format!("d agent {line}"));
            assert_eq!(Arguments::read(&words, 1).switch(flag::SERVER), Some(expected), "{line}");
        }
    }

    #[test]
    fn each_flag_has_its_variable() {
        assert_eq!(variable(flag::RETRY_JOIN), crate::contract::env::DKRON_RETRY_JOIN);
        assert_eq!(variable(flag::BOOTSTRAP_EXPECT), "DKRON_BOOTSTRAP_EXPECT");
    }
}
