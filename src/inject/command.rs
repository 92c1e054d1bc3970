//! What a container's command line runs, as far as words can tell.

use std::borrow::Cow;

/// What was found on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// `dkron … agent …`, with the words behind `dkron`.
    Agent(Flags),
    /// A flag first, where the image's own entry point is not visible: it may end in `agent`.
    FlagsFirst(Flags),
    /// dkron with another verb, or none.
    OtherVerb,
    /// No dkron in sight.
    Unknown,
}

/// Long flags of a dkron command line, in order, last one valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(Vec<(String, Option<String>)>);

/// Flags of `dkron agent` that take no separate value (dkron v3.0 to v4.1).
const SWITCHES: [&str; 8] = [
    "server",
    "ui",
    "enable-prometheus",
    "disable-usage-stats",
    "help",
    "disable-http-tls",
    "auto-tls",
    "client-cert-auth",
];

impl Flags {
    /// The value of a flag; `Some("")` for a bare one.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(flag, _)| flag == name);
        found.map(|(_, value)| value.as_deref().unwrap_or(""))
    }

    /// Whether a switch is on: `--x` and `--x=true` (in Go's spellings) yes, `--x=false` no; `None` if it is not given
    /// or cannot be read.
    pub fn switch(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            "" => Some(true),
            text => truth(text),
        }
    }

    fn read(words: &[Cow<'_, str>]) -> Self {
        let mut flags = Vec::new();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else { continue };
            if let Some((name, value)) = flag.split_once('=') {
                flags.push((name.into(), Some(value.into())));
            } else if SWITCHES.contains(&flag) {
                flags.push((flag.into(), None));
            } else {
                let value = words.next_if(|next| !next.starts_with("--")).map(ToString::to_string);
                flags.push((flag.into(), value));
            }
        }
        Self(flags)
    }
}

/// Go's `strconv.ParseBool`, which dkron's flags and environment obey.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Looks at `command` and `args` of a container. With `command` absent the words follow an entry point that only the
/// image knows; `image_is_dkron` says whether that is dkron.
pub fn runs(command: Option<&[Cow<'_, str>]>, args: &[Cow<'_, str>], image_is_dkron: bool) -> Runs {
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    let given = command.unwrap_or_default();
    let shell = given.iter().chain(args).any(|word| is_shell(word));
    for word in given.iter().chain(args) {
        if shell && word.contains(char::is_whitespace) {
            words.extend(shell_words(word).into_iter().map(Cow::Owned));
            words.push(Cow::Borrowed(";"));
        } else {
            words.push(Cow::Borrowed(word));
        }
    }
    let mut seen = Runs::Unknown;
    for (at, word) in words.iter().enumerate() {
        if basename(word) == "dkron" {
            match verb(&words[at + 1..]) {
                agent @ Runs::Agent(_) => return agent,
                other if seen == Runs::Unknown => seen = other,
                _ => {}
            }
        }
    }
    if command.is_none() && image_is_dkron && seen == Runs::Unknown {
        return match verb(&words) {
            Runs::OtherVerb if words.first().is_some_and(|word| word.starts_with("--")) => {
                Runs::FlagsFirst(Flags::read(&words))
            }
            other => other,
        };
    }
    seen
}

/// Reads the words behind `dkron` up to the end of the command: which verb, which flags.
fn verb(words: &[Cow<'_, str>]) -> Runs {
    let end = words.iter().position(|word| word == ";").unwrap_or(words.len());
    let words = &words[..end];
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match word.strip_prefix("--") {
            // Up to v3 `--config` stands before the verb, with its value in a word of its own or not.
            Some(flag) => at += if flag.contains('=') || SWITCHES.contains(&flag) { 1 } else { 2 },
            None if word == "agent" => return Runs::Agent(Flags::read(words)),
            None => return Runs::OtherVerb,
        }
    }
    Runs::OtherVerb
}

fn basename(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_shell(word: &str) -> bool {
    matches!(basename(word), "sh" | "bash" | "ash" | "dash" | "zsh" | "busybox")
}

/// Words of a shell script, roughly: enough to see a command in it, not to run it. `;` stands for every end of a command.
fn shell_words(script: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = script.chars().peekable();
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '\\') => match chars.next() {
                Some('\n') => flush(&mut word),
                Some(c) => word.push(c),
                None => {}
            },
            (None, ';' | '&' | '|' | '\n' | '(' | ')') => {
                flush(&mut word);
                word.push(';');
                flush(&mut word);
            }
            (None, c) if c.is_whitespace() => flush(&mut word),
            (Some(_) | None, c) => word.push(c),
        }
    }
    flush(&mut word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<Cow<'static, str>> {
        text.iter().map(|word| Cow::Owned((*word).to_string())).collect()
    }

    fn line(command: Option<&[&str]>, args: &[&str]) -> Runs {
        runs(command.map(words).as_deref(), &words(args), true)
    }

    fn flags(runs: Runs) -> Flags {
        match runs {
            Runs::Agent(flags) => flags,
            other => panic!("no agent: {other:?}"),
        }
    }

    #[test]
    fn sees_an_agent_in_every_form() {
        let forms: [(Option<&[&str]>, &[&str]); 12] = [
            (None, &["agent", "--server"]),
            (None, &["dkron", "agent", "--server"]),
            (Some(&["dkron"]), &["agent", "--server"]),
            (Some(&["./dkron", "agent", "--server"]), &[]),
            (Some(&["/usr/local/bin/dkron"]), &["--config", "/etc/x.yml", "agent", "--server"]),
            (Some(&["tini", "--", "/opt/local/dkron/dkron", "agent"]), &["--server"]),
            (Some(&["/bin/sh", "-c"]), &["sleep 5; /opt/local/dkron/dkron agent --server;"]),
            (Some(&["/bin/sh", "-c", "exec dkron agent --server --node-name \"$HOSTNAME\""]), &[]),
            (Some(&["bash", "-ec"]), &["if true; then\n  ./dkron \\\n agent --server\nfi"]),
            (Some(&["sh", "-c"]), &["(echo dkron; dkron agent --server) | tee log"]),
            (Some(&["/vault/env", "dkron"]), &["agent", "--server"]),
            (Some(&["env", "A=b", "dkron", "agent", "--server=1"]), &[]),
        ];
        for (command, args) in forms {
            assert_eq!(flags(line(command, args)).switch("server"), Some(true), "{command:?} {args:?}");
        }
    }

    #[test]
    fn other_verbs_and_other_programs_are_told_apart() {
        assert_eq!(line(Some(&["dkron"]), &["raft", "list-peers"]), Runs::OtherVerb);
        assert_eq!(line(Some(&["dkron", "--help"]), &[]), Runs::OtherVerb);
        assert_eq!(line(None, &["version"]), Runs::OtherVerb);
        assert_eq!(line(None, &[]), Runs::OtherVerb);
        assert_eq!(line(Some(&["sh", "-c"]), &["dkron leave; echo agent"]), Runs::OtherVerb);
        assert_eq!(line(Some(&["/tmp/startup.sh"]), &[]), Runs::Unknown);
        assert_eq!(line(Some(&["nginx"]), &["-g", "dkron agents welcome"]), Runs::Unknown);
        assert!(matches!(line(None, &["--server", "--node-name=a"]), Runs::FlagsFirst(_)));
        assert_eq!(runs(None, &words(&["agent"]), false), Runs::Unknown);
    }

    #[test]
    fn flags_are_read_in_both_forms() {
        let flags = flags(line(
            Some(&["dkron"]),
            &["agent", "--server=false", "--data-dir", "/d", "--join=a", "--join", "b", "--ui", "--http-addr=:9"],
        ));
        assert_eq!(flags.switch("server"), Some(false));
        assert_eq!(flags.get("data-dir"), Some("/d"));
        assert_eq!(flags.get("join"), Some("b"));
        assert_eq!(flags.switch("ui"), Some(true));
        assert_eq!(flags.get("http-addr"), Some(":9"));
        assert_eq!(flags.get("node-name"), None);
    }

    #[test]
    fn a_flag_without_its_value_swallows_no_other_flag() {
        let flags = flags(line(Some(&["dkron"]), &["agent", "--data-dir", "--server"]));
        assert_eq!(flags.get("data-dir"), Some(""));
        assert_eq!(flags.switch("server"), Some(true));
    }
}
