//! In which form a command runs dkron: can its flags be reached, or does a shell stand between? Pure.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::arguments::{AGENT, Arguments, flag, is_true};

/// Programs whose words are a script or its arguments, not dkron's flags.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "ksh", "zsh", "fish", "busybox"];

/// A command, and where dkron's flags stand in it.
#[derive(Debug)]
pub enum Form<'a> {
    /// Words that end up at dkron itself, with or without a program like `tini` before it.
    Flags(Arguments<'a>),
    /// A shell's string or a script: only the environment reaches dkron.
    Opaque(&'a [OsString]),
}

impl<'a> Form<'a> {
    /// Reads a command: its program and the words behind it.
    pub fn of(words: &'a [OsString]) -> Self {
        let agent = words.iter().skip(1).position(|word| word == AGENT).map(|behind| behind + 1);
        match agent {
            Some(agent) if !words[..agent].iter().any(|word| is_shell(word)) => {
                Self::Flags(Arguments::read(words, agent))
            }
            _ => Self::Opaque(words),
        }
    }

    /// Whether the command itself makes dkron a server or no server; `None` if it does not say.
    pub fn server(&self) -> Option<bool> {
        match self {
            Self::Flags(arguments) => arguments.switch(flag::SERVER),
            Self::Opaque(words) => {
                let last = flags_in(words).filter(|(name, _)| *name == flag::SERVER).last()?;
                Some(last.1.is_none_or(is_true))
            }
        }
    }

    /// Whether the command itself says whom dkron joins.
    pub fn joins(&self) -> bool {
        let joining = [flag::JOIN, flag::RETRY_JOIN];
        match self {
            Self::Flags(arguments) => joining.iter().any(|name| arguments.has(name)),
            Self::Opaque(words) => flags_in(words).any(|(name, _)| joining.contains(&name)),
        }
    }
}

fn is_shell(word: &OsStr) -> bool {
    Path::new(word).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
}

/// Whatever looks like a flag in a script's text or words: name, and value if it follows a `=`.
/// A rough reading, used only to ask what the user said and never to change it.
fn flags_in(words: &[OsString]) -> impl Iterator<Item = (&str, Option<&str>)> {
    let apart = |c: char| c.is_whitespace() || ";&|()'\"`".contains(c);
    let texts = words.iter().filter_map(|word| word.to_str());
    texts.flat_map(move |text| text.split(apart)).filter_map(|word| {
        let flag = word.strip_prefix("--")?;
        Some(flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<OsString> {
        list.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_shell_between_hides_the_flags() {
        let reached: [&[&str]; 7] = [
            &["dkron", "agent"],
            &["/usr/local/bin/dkron", "agent", "--server"],
            &["./dkron", "--config", "/c.yml", "agent"],
            &["tini", "--", "dkron", "agent", "--server"],
            &["/opt/dkron-pro", "agent", "--node-name", "sh"],
            &["gosu", "dkron", "dkron", "agent"],
            &["/opt/bash/dkron", "agent"],
        ];
        for list in reached {
            assert!(matches!(Form::of(&words(list)), Form::Flags(_)), "{list:?}");
        }
        let hidden: [&[&str]; 8] = [
            &["/bin/sh", "-c", "dkron agent --server"],
            &["bash", "-ec", "exec dkron agent"],
            &["tini", "--", "sh", "-c", "dkron agent"],
            &["sh", "/start.sh", "agent", "--server"],
            &["busybox", "sh", "-c", "dkron agent"],
            &["/startup.sh"],
            &["agent"],
            &["dkron", "version"],
        ];
        for list in hidden {
            assert!(matches!(Form::of(&words(list)), Form::Opaque(_)), "{list:?}");
        }
    }

    #[test]
    fn what_the_user_said_is_read_in_both_forms() {
        // (command, server, joins)
        let table: [(&[&str], Option<bool>, bool); 8] = [
            (&["dkron", "agent"], None, false),
            (&["dkron", "agent", "--server", "--retry-join", "a"], Some(true), true),
            (&["dkron", "agent", "--server=false", "--join=a"], Some(false), true),
            (&["dkron", "agent", "--node-name", "--server"], None, false),
            (&["sh", "-c", "sleep 5;\ndkron agent --server --log-level=debug;"], Some(true), false),
            (&["sh", "-c", "exec dkron agent '--server=0' \"--retry-join=$PEERS\""], Some(false), true),
            (&["sh", "-c", "(dkron agent --servers)"], None, false),
            (&["sh", "-c", "dkron agent --server=true|tee log"], Some(true), false),
        ];
        for (list, server, joins) in table {
            let words = words(list);
            let form = Form::of(&words);
            assert_eq!((form.server(), form.joins()), (server, joins), "{list:?}");
        }
    }
}
