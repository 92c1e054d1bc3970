//! dkron's flags in a list of words: what they say, and which words they are. Pure.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::Path;

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
    /// Address that others are told for serf.
    pub const ADVERTISE_ADDR: &str = "advertise-addr";
    /// Port that others are told for gRPC and raft.
    pub const ADVERTISE_RPC_PORT: &str = "advertise-rpc-port";
    /// The configuration file. The one flag without a variable.
    pub const CONFIG: &str = "config";
    /// Where raft keeps its state.
    pub const DATA_DIR: &str = "data-dir";
    /// Address of the HTTP API.
    pub const HTTP_ADDR: &str = "http-addr";
    /// Name of the member and of the raft server.
    pub const NODE_NAME: &str = "node-name";
    /// Port of gRPC and raft.
    pub const RPC_PORT: &str = "rpc-port";
    /// What jobs choose members by; as a map, `tags`, in the configuration file.
    pub const TAG: &str = "tag";
}

/// The subcommand that all this is about.
pub const AGENT: &str = "agent";

/// dkron's program in its images.
const DKRON: &str = "dkron";

/// Ends the flags: what follows belongs to no flag.
const END: &str = "--";

/// Flags of `dkron agent` that take the next word where no `=` follows (v3.1 to v4.1, with those of Pro).
/// All others are switches, or unknown; no other word is ever mistaken for a flag because of them.
const WITH_VALUE: [&str; 50] = [
    flag::ADVERTISE_ADDR,
    flag::ADVERTISE_RPC_PORT,
    "agent-run-max-retries",
    "agent-run-retry-initial-interval",
    "agent-run-retry-max-interval",
    flag::BIND_ADDR,
    flag::BOOTSTRAP_EXPECT,
    "cert-file",
    "client-crl-file",
    flag::CONFIG,
    "cronitor-endpoint",
    flag::DATA_DIR,
    "datacenter",
    "dog-statsd-addr",
    "dog-statsd-tags",
    "encrypt",
    "federation-mode",
    flag::HTTP_ADDR,
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
    flag::NODE_NAME,
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
    flag::RPC_PORT,
    "serf-reconnect-timeout",
    "statsd-addr",
    flag::TAG,
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

/// What somebody said of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// Nothing.
    Absent,
    /// This.
    Is(&'a str),
    /// Something that cannot be known before dkron runs.
    Unreadable,
}

/// Stands in a word of a script for what only the shell knows. No argument of a program can hold it.
pub const UNKNOWN: char = '\0';

/// One flag as it was written.
#[derive(Debug)]
struct Written {
    name: String,
    value: Option<String>,
    words: Range<usize>,
}

/// The flags of one `dkron agent` command: names, values, and the numbers of their words.
#[derive(Debug)]
pub struct Arguments {
    written: Vec<Written>,
    /// Where another flag can be put.
    end: usize,
}

impl Arguments {
    /// Reads the flags around the word number `agent` of `words`. In front of it dkron takes flags too (`dkron --config
    /// FILE agent`), as far as they cannot be words of another program.
    pub fn read(words: &[OsString], agent: usize) -> Self {
        let mut written = Vec::new();
        let mut at = front(words, agent);
        while let Some(word) = words.get(at).filter(|word| at < agent || *word != END) {
            let next = words.get(at + 1).map(OsString::as_os_str);
            match word.to_str().and_then(|word| word.strip_prefix("--")).filter(|_| at != agent) {
                Some(flag) => {
                    let read = read_flag(flag, at, next);
                    at = read.words.end;
                    written.push(read);
                }
                None => at += 1,
            }
        }
        Self { written, end: at.min(words.len()) }
    }

    /// Whether the flag is given at all.
    pub fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// Value of the flag; the last one counts.
    pub fn value(&self, name: &str) -> Word<'_> {
        match self.last(name).map(|flag| flag.value.as_deref()) {
            None => Word::Absent,
            Some(Some(value)) if !value.contains(UNKNOWN) => Word::Is(value),
            Some(_) => Word::Unreadable,
        }
    }

    /// Every value of a flag that may be given several times, as far as they can be known.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let given = self.written.iter().filter(move |flag| flag.name == name);
        given.filter_map(|flag| flag.value.as_deref()).filter(|value| !value.contains(UNKNOWN))
    }

    /// Value of a switch, in the words of [`is_true`].
    pub fn switch(&self, name: &str) -> Word<'_> {
        match self.last(name) {
            Some(Written { value: None, .. }) => Word::Is("true"),
            _ => self.value(name),
        }
    }

    /// Numbers of the words that make up the flags `names`.
    pub fn words_of<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
        self.written.iter().filter(|flag| names.contains(&flag.name.as_str())).flat_map(|flag| flag.words.clone())
    }

    /// Number of the word in front of which another flag can be put.
    pub fn end(&self) -> usize {
        self.end
    }

    fn last(&self, name: &str) -> Option<&Written> {
        self.written.iter().rev().find(|flag| flag.name == name)
    }
}

/// Number of the first flag in front of the word number `agent`, or that number.
fn front(words: &[OsString], agent: usize) -> usize {
    let flag = |at: usize| words[at].to_str().and_then(|word| word.strip_prefix("--"));
    let mut first = agent;
    loop {
        if first >= 2 && flag(first - 1).is_some_and(|flag| flag.contains('=')) {
            first -= 1;
        } else if first >= 3
            && flag(first - 2).is_some_and(|flag| WITH_VALUE.contains(&flag))
            && !is_dkron(&words[first - 1])
        {
            first -= 2;
        } else {
            return first;
        }
    }
}

/// Whether a word names dkron's program: `dkron`, `/opt/dkron-pro`.
pub fn is_dkron(word: &OsStr) -> bool {
    Path::new(word).file_name().and_then(OsStr::to_str).is_some_and(|name| name == DKRON || name.starts_with("dkron-"))
}

fn read_flag(flag: &str, at: usize, next: Option<&OsStr>) -> Written {
    if let Some((name, value)) = flag.split_once('=') {
        return Written { name: name.to_owned(), value: Some(value.to_owned()), words: at..at + 1 };
    }
    let name = flag.to_owned();
    match next {
        // Also a next word that looks like a flag or like the end: that is how dkron reads it.
        Some(next) if WITH_VALUE.contains(&flag) => {
            Written { name, value: next.to_str().map(str::to_owned), words: at..at + 2 }
        }
        _ => Written { name, value: None, words: at..at + 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn rewritten(words: &[OsString], agent: usize, out: &[&str]) -> Vec<OsString> {
        let arguments = Arguments::read(words, agent);
        let gone: Vec<_> = arguments.words_of(out).collect();
        let mut left = Vec::new();
        for at in 0..=words.len() {
            if at == arguments.end() {
                left.push("--x=1".into());
            }
            left.extend(words.get(at).filter(|_| !gone.contains(&at)).cloned());
        }
        left
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
            // In front of the subcommand too, but no word that another program may mean.
            ("d --join a agent --join b", "d agent --x=1"),
            ("d --server=true --join=a --region r agent", "d --server=true --region r agent --x=1"),
            ("tini --join -- d --join a agent", "tini --join -- d agent --x=1"),
            ("other --join dkron agent", "other --join dkron agent --x=1"),
            ("--join=a d --ui --join=a agent", "--join=a d --ui agent --x=1"),
        ];
        for (line, expected) in table {
            let words = split(line);
            let agent = words.iter().position(|word| word == AGENT).expect("agent");
            assert_eq!(rewritten(&words, agent, &out), split(expected), "{line}");
        }
    }

    #[test]
    fn words_that_are_no_text_survive() {
        use std::os::unix::ffi::OsStringExt;
        let raw = OsString::from_vec(vec![b'-', b'-', 0xff]);
        let words = vec!["d".into(), "agent".into(), raw.clone(), "--join".into(), raw.clone()];
        let rest: Vec<_> = Arguments::read(&words, 1).words_of(&[flag::JOIN]).collect();
        assert_eq!(rest, [3, 4]);
    }

    #[test]
    fn the_last_of_several_values_counts() {
        let words = split("d agent --bind-addr a --server=false --bind-addr=b --server");
        let arguments = Arguments::read(&words, 1);
        assert_eq!(arguments.value(flag::BIND_ADDR), Word::Is("b"));
        assert_eq!(arguments.switch(flag::SERVER), Word::Is("true"));
        assert_eq!(arguments.switch("ui"), Word::Absent);
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
            let arguments = Arguments::read(&words, 1);
            let Word::Is(said) = arguments.switch(flag::SERVER) else { panic!("{line}") };
            assert_eq!(is_true(said), expected, "{line}");
        }
    }

    #[test]
    fn each_flag_has_its_variable() {
        assert_eq!(variable(flag::RETRY_JOIN), crate::contract::env::DKRON_RETRY_JOIN);
        assert_eq!(variable(flag::BOOTSTRAP_EXPECT), "DKRON_BOOTSTRAP_EXPECT");
    }
}
