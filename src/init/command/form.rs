//! In which form a command runs dkron: words, a shell's text, or something that cannot be looked into. Pure.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::arguments::{AGENT, Arguments, Word, flag, is_dkron};
use super::environment::Environment;
use super::script::Script;

/// Programs whose words are a script or its arguments, not dkron's flags.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "ksh", "zsh", "fish", "busybox"];

/// A command, and where dkron's flags stand in it.
#[derive(Debug)]
pub enum Form<'a> {
    /// Words that end up at dkron itself, with or without a program like `tini` before it.
    Flags(&'a [OsString], Arguments),
    /// A shell, the number of the word that is its text, and that text.
    Script(&'a [OsString], usize, Script),
    /// A script in a file, or a text that is not understood: only the environment reaches dkron.
    Opaque(&'a [OsString]),
}

impl<'a> Form<'a> {
    /// Reads a command: its program and the words behind it.
    pub fn of(words: &'a [OsString], environment: &Environment) -> Self {
        let agent = words.iter().skip(1).position(|word| word == AGENT).map(|behind| behind + 1);
        let shell = words.iter().position(|word| is_shell(word));
        match (agent, shell) {
            (Some(agent), shell) if shell.is_none_or(|shell| agent < shell) => {
                Self::Flags(words, Arguments::read(words, agent))
            }
            (_, Some(shell)) => Self::script(words, shell, environment).unwrap_or(Self::Opaque(words)),
            _ => Self::Opaque(words),
        }
    }

    /// The whole command.
    pub fn words(&self) -> &'a [OsString] {
        match self {
            Self::Flags(words, _) | Self::Script(words, ..) | Self::Opaque(words) => words,
        }
    }

    fn script(words: &'a [OsString], shell: usize, environment: &Environment) -> Option<Self> {
        let command = |word: &OsString| {
            word.to_str().is_some_and(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'))
        };
        let number = shell + words[shell..].iter().position(command)? + 1;
        let script = Script::read(words.get(number)?.to_str()?, environment)?;
        Some(Self::Script(words, number, script))
    }

    /// The word that names dkron, where there is one.
    pub fn dkron(&self) -> Option<&OsStr> {
        match self {
            Self::Script(_, _, script) => Some(script.dkron()),
            Self::Flags(words, _) | Self::Opaque(words) => {
                words.iter().map(OsString::as_os_str).find(|word| is_dkron(word))
            }
        }
    }

    /// What the command itself says of a flag that takes a value.
    pub fn value(&self, name: &str) -> Word<'_> {
        match self {
            Self::Flags(_, arguments) => arguments.value(name),
            Self::Script(_, _, script) => script.arguments().value(name),
            Self::Opaque(words) => match flags_in(words).filter(|(flag, _)| *flag == name).last() {
                None => Word::Absent,
                Some((_, Some(value))) if !value.contains('$') => Word::Is(value),
                Some(_) => Word::Unreadable,
            },
        }
    }

    /// What the command itself says of a switch.
    pub fn switch(&self, name: &str) -> Word<'_> {
        match self {
            Self::Flags(_, arguments) => arguments.switch(name),
            Self::Script(_, _, script) => script.arguments().switch(name),
            Self::Opaque(words) => match flags_in(words).filter(|(flag, _)| *flag == name).last() {
                Some((_, None)) => Word::Is("true"),
                _ => self.value(name),
            },
        }
    }

    /// Every value that the command itself gives to a flag, as far as they can be known.
    pub fn values(&self, name: &str) -> Vec<String> {
        match self {
            Self::Flags(_, arguments) => arguments.values(name).map(str::to_owned).collect(),
            Self::Script(_, _, script) => script.arguments().values(name).map(str::to_owned).collect(),
            Self::Opaque(words) => {
                let given = flags_in(words).filter(|(flag, _)| *flag == name).filter_map(|(_, value)| value);
                given.filter(|value| !value.contains('$')).map(str::to_owned).collect()
            }
        }
    }

    /// Whether the command itself says whom dkron joins.
    pub fn joins(&self) -> bool {
        [flag::JOIN, flag::RETRY_JOIN].iter().any(|name| self.value(name) != Word::Absent)
    }

    /// The whole command without the flags `out` and with `appended` behind the last flag; `None` where flags cannot be
    /// reached.
    pub fn rewritten(&self, out: &[&str], appended: &[String]) -> Option<Vec<OsString>> {
        match self {
            Self::Flags(words, arguments) => {
                let mut gone = vec![false; words.len()];
                arguments.words_of(out).for_each(|word| gone[word] = true);
                let kept = |from: usize, to: usize| (from..to).filter(|at| !gone[*at]).map(|at| words[at].clone());
                let end = arguments.end();
                let appended = appended.iter().map(OsString::from);
                Some(kept(0, end).chain(appended).chain(kept(end, words.len())).collect())
            }
            Self::Script(words, number, script) => {
                let mut words = words.to_vec();
                words[*number] = script.rewritten(out, appended).into();
                Some(words)
            }
            Self::Opaque(_) => None,
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

    fn of(words: &[OsString]) -> Form<'_> {
        Form::of(words, &Environment::default())
    }

    #[test]
    fn a_shell_between_hides_the_flags_unless_its_text_is_understood() {
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
            assert!(matches!(of(&words(list)), Form::Flags(..)), "{list:?}");
        }
        let read: [&[&str]; 5] = [
            &["/bin/sh", "-c", "dkron agent --server"],
            &["bash", "-ec", "exec dkron agent"],
            &["tini", "--", "sh", "-c", "dkron agent"],
            &["busybox", "sh", "-c", "dkron agent"],
            &["bash", "--login", "-o", "pipefail", "-c", "dkron agent", "agent"],
        ];
        for list in read {
            assert!(matches!(of(&words(list)), Form::Script(..)), "{list:?}");
        }
        let hidden: [&[&str]; 7] = [
            &["sh", "/start.sh", "agent", "--server"],
            &["sh", "-c", "exec dkron \"$@\"", "sh", "agent"],
            &["sh", "-c"],
            &["sh"],
            &["/startup.sh"],
            &["agent"],
            &["dkron", "version"],
        ];
        for list in hidden {
            assert!(matches!(of(&words(list)), Form::Opaque(_)), "{list:?}");
        }
    }

    #[test]
    fn dkron_is_named_in_every_form() {
        let table: [(&[&str], Option<&str>); 5] = [
            (&["tini", "--", "/opt/dkron-pro", "agent"], Some("/opt/dkron-pro")),
            (&["sh", "-c", "cd /x; exec /odd/place/dkron agent --server"], Some("/odd/place/dkron")),
            (&["sh", "-c", "exec gosu dkron './dkron' agent"], Some("./dkron")),
            (&["sh", "/start.sh", "/opt/dkron"], Some("/opt/dkron")),
            (&["/start.sh", "agent"], None),
        ];
        for (list, dkron) in table {
            assert_eq!(of(&words(list)).dkron(), dkron.map(OsStr::new), "{list:?}");
        }
    }

    #[test]
    fn what_the_user_said_is_read_in_every_form() {
        // (command, server, joins)
        let table: [(&[&str], Word<'_>, bool); 10] = [
            (&["dkron", "agent"], Word::Absent, false),
            (&["dkron", "agent", "--server", "--retry-join", "a"], Word::Is("true"), true),
            (&["dkron", "agent", "--server=false", "--join=a"], Word::Is("false"), true),
            (&["dkron", "agent", "--node-name", "--server"], Word::Absent, false),
            (&["sh", "-c", "sleep 5;\ndkron agent --server --log-level=debug;"], Word::Is("true"), false),
            (&["sh", "-c", "exec dkron agent '--server=0' \"--retry-join=$PEERS\""], Word::Is("0"), true),
            (&["sh", "-c", "exec dkron agent --server=$SERVES"], Word::Unreadable, false),
            (&["sh", "-c", "(dkron agent --servers)"], Word::Absent, false),
            (&["sh", "-c", "dkron agent --server=true|tee log"], Word::Is("true"), false),
            (&["sh", "-c", "su -c 'dkron agent --server --join=a' dkron"], Word::Is("true"), true),
        ];
        for (list, server, joins) in table {
            let words = words(list);
            let form = of(&words);
            assert_eq!((form.switch(flag::SERVER), form.joins()), (server, joins), "{list:?}");
        }
    }

    #[test]
    fn flags_are_exchanged_where_they_are_reached() {
        let (out, appended) = ([flag::JOIN], ["--join=b".to_owned()]);
        // (command, what it becomes)
        let table: [(&[&str], Option<&[&str]>); 3] = [
            (&["dkron", "agent", "--join", "a", "--ui"], Some(&["dkron", "agent", "--ui", "--join=b"])),
            (&["sh", "-c", "dkron agent --join a", "x"], Some(&["sh", "-c", "dkron agent   '--join=b'", "x"])),
            (&["/start.sh", "--join", "a"], None),
        ];
        for (list, expected) in table {
            assert_eq!(of(&words(list)).rewritten(&out, &appended), expected.map(words), "{list:?}");
        }
    }
}
