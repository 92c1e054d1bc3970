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
pub struct Flags {
    list: Vec<(String, Option<String>)>,
    /// More may be said than can be seen: a variable stands where a flag may be, or a script says several things.
    partial: bool,
}

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
        let found = self.list.iter().rev().find(|(flag, _)| flag == name);
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

    /// Whether flags may be given that cannot be seen here.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    fn read(words: &[Cow<'_, str>]) -> Self {
        let mut flags = Vec::new();
        let mut partial = false;
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                partial |= word.starts_with('$');
                continue;
            };
            if let Some((name, value)) = flag.split_once('=') {
                flags.push((name.into(), Some(value.into())));
            } else if SWITCHES.contains(&flag) {
                flags.push((flag.into(), None));
            } else {
                let value = words.next_if(|next| !next.starts_with("--")).map(ToString::to_string);
                flags.push((flag.into(), value));
            }
        }
        Self { list: flags, partial }
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
    if command.is_none() && image_is_dkron && args.first().is_none_or(|word| !names_program(word)) {
        return match verb(args) {
            Runs::OtherVerb if args.first().is_some_and(|word| word.starts_with("--")) => {
                Runs::FlagsFirst(Flags::read(args))
            }
            other => other,
        };
    }
    let words: Vec<&Cow<'_, str>> = command.unwrap_or_default().iter().chain(args).collect();
    match words.iter().find(|word| word.contains(char::is_whitespace)) {
        Some(script) if words.iter().any(|word| is_shell(word)) => in_script(script),
        _ => {
            let words: Vec<_> = words.into_iter().cloned().collect();
            let programs = (0..words.len()).filter(|at| is_program(&words, *at));
            best(programs.map(|at| verb(&words[at + 1..])))
        }
    }
}

/// Whether the word at `at` of an argument list is dkron rather than a value that looks like it.
fn is_program(words: &[Cow<'_, str>], at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| words[at].as_ref());
    // `--data-dir /var/lib/dkron` ends like the program; `tini -- dkron` and `gosu nobody dkron` are the program.
    let is_value = before.is_some_and(|word| word.starts_with("--") && word != "--" && !word.contains('='));
    names_program(&words[at]) && !is_value
}

fn names_program(word: &str) -> bool {
    !word.starts_with('-') && basename(word) == "dkron"
}

/// Looks through a shell script, command by command. A script that starts several agents, or sets dkron's variables, says
/// more than can be seen.
fn in_script(script: &str) -> Runs {
    let words: Vec<Cow<'_, str>> = shell_words(script).into_iter().map(Cow::Owned).collect();
    let commands = words.split(|word| word == ";").filter(|command| !command.is_empty());
    let seen: Vec<Runs> = commands.filter_map(in_command).collect();
    let agents = seen.iter().filter(|runs| matches!(runs, Runs::Agent(_))).count();
    let sets_variables = words.iter().any(|word| word.starts_with("DKRON_"));
    match best(seen.into_iter()) {
        Runs::Agent(flags) => Runs::Agent(Flags { partial: flags.partial || agents > 1 || sets_variables, ..flags }),
        other => other,
    }
}

/// One simple command of a script: dkron itself, or behind whatever starts it.
fn in_command(words: &[Cow<'_, str>]) -> Option<Runs> {
    // These name programs without starting them.
    const TALKERS: [&str; 16] = [
        "echo", "printf", "pgrep", "pkill", "killall", "grep", "which", "type", "test", "[", "ls", "cat", "cp", "mv",
        "ln", "cd",
    ];
    let first = words.iter().find(|word| !matches!(word.as_ref(), "then" | "do" | "else" | "!" | "if" | "while"))?;
    if TALKERS.contains(&basename(first)) {
        return None;
    }
    let at = (0..words.len()).find(|at| is_program(words, *at))?;
    Some(verb(&words[at + 1..]))
}

/// The first agent, else the first thing that was seen at all.
fn best(seen: impl Iterator<Item = Runs>) -> Runs {
    let mut other = Runs::Unknown;
    for runs in seen {
        match runs {
            Runs::Agent(_) => return runs,
            runs if other == Runs::Unknown => other = runs,
            _ => {}
        }
    }
    other
}

/// Reads the words behind `dkron`: which verb, which flags.
fn verb(words: &[Cow<'_, str>]) -> Runs {
    if verb_word(words) == Some("agent") { Runs::Agent(Flags::read(words)) } else { Runs::OtherVerb }
}

/// The first word behind `dkron` that is neither a flag nor the value of one: up to v3 `--config` stands before the verb.
fn verb_word<'w>(words: &'w [Cow<'_, str>]) -> Option<&'w str> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match word.strip_prefix("--") {
            Some(flag) => at += if flag.contains('=') || SWITCHES.contains(&flag) { 1 } else { 2 },
            None => return Some(word),
        }
    }
    None
}

/// Whether a command line, or a command of its script, runs dkron with that verb.
pub fn runs_verb(words: &[Cow<'_, str>], wanted: &str) -> bool {
    let runs = |words: &[Cow<'_, str>]| {
        let mut programs = (0..words.len()).filter(|at| is_program(words, *at));
        programs.any(|at| verb_word(&words[at + 1..]) == Some(wanted))
    };
    match words.iter().find(|word| word.contains(char::is_whitespace)) {
        Some(script) if words.iter().any(|word| is_shell(word)) => {
            let words: Vec<Cow<'_, str>> = shell_words(script).into_iter().map(Cow::Owned).collect();
            words.split(|word| word == ";").any(runs)
        }
        _ => runs(words),
    }
}

fn basename(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
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
            (None, '#') if word.is_empty() => while chars.next_if(|c| *c != '\n').is_some() {},
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
        assert_eq!(line(Some(&["sh", "-c"]), &["echo dkron agent; pgrep -f dkron agent; sleep 1"]), Runs::Unknown);
        assert_eq!(line(Some(&["sh", "-c"]), &["# dkron agent\nsleep 1"]), Runs::Unknown);
        assert_eq!(line(Some(&["/tmp/startup.sh"]), &[]), Runs::Unknown);
        assert_eq!(line(Some(&["nginx"]), &["-g", "dkron agents welcome"]), Runs::Unknown);
        assert!(matches!(line(None, &["--server", "--node-name=a"]), Runs::FlagsFirst(_)));
        assert_eq!(runs(None, &words(&["agent"]), false), Runs::Unknown);
    }

    #[test]
    fn values_that_look_like_the_program_are_values() {
        let forms: [&[&str]; 4] = [
            &["agent", "--server", "--data-dir=/var/lib/dkron"],
            &["agent", "--server", "--data-dir", "/data/dkron", "--tag", "role", "agent"],
            &["agent", "--tag=team=ops/dkron", "--server"],
            &["--config=/etc/dkron", "agent", "--server"],
        ];
        for args in forms {
            assert_eq!(flags(line(None, args)).switch("server"), Some(true), "{args:?}");
            assert_eq!(flags(line(Some(&["dkron"]), args)).switch("server"), Some(true), "{args:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_taken_for_absent() {
        let partial: [(Option<&[&str]>, &[&str]); 4] = [
            (None, &["agent", "$(ROLE_FLAG)"]),
            (Some(&["sh", "-c"]), &["exec dkron agent $DKRON_OPTS"]),
            (Some(&["sh", "-c"]), &["export DKRON_SERVER=true; exec dkron agent"]),
            (Some(&["sh", "-c"]), &["if x; then dkron agent --server; else dkron agent; fi"]),
        ];
        for (command, args) in partial {
            assert!(flags(line(command, args)).is_partial(), "{args:?}");
        }
        let whole = line(Some(&["sh", "-c"]), &["echo Starting dkron agent; exec dkron agent --join=$PEERS"]);
        assert!(!flags(whole).is_partial());
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
