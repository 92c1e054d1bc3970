//! A shell's text, read as far as is needed to find the one `dkron agent` in it and to change its flags. Pure.
//!
//! What only the shell can know (`$(…)`, `$1`, a variable set in the text) is marked as unknown; what this reading does not
//! understand (a text inside a text, `<<`, quotes that do not end) is no script here, and only the environment reaches dkron.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

use super::arguments::{AGENT, Arguments, UNKNOWN, is_dkron};
use super::environment::Environment;

/// A text with one `dkron agent` in it.
#[derive(Debug)]
pub struct Script {
    text: String,
    /// Where each word of that command stands in the text.
    words: Vec<Range<usize>>,
    arguments: Arguments,
    /// Its word that names dkron.
    dkron: OsString,
}

impl Script {
    /// Reads `text`; `None` if there is not exactly one `dkron agent` in it, or the text is not understood.
    pub fn read(text: &str, environment: &Environment) -> Option<Self> {
        let commands = Lexer { text, at: 0, environment }.commands()?;
        let mut found = commands.into_iter().filter_map(|command| {
            let words: Vec<OsString> = command.iter().map(|word| OsString::from(&word.value)).collect();
            let agent = words.iter().position(|word| word == AGENT)?;
            let dkron = words[..agent].iter().rfind(|word| is_dkron(word))?.clone();
            Some(Self {
                text: text.to_owned(),
                words: command.into_iter().map(|word| word.place).collect(),
                arguments: Arguments::read(&words, agent),
                dkron,
            })
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// The flags of that command.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The word of that command that names dkron, as the shell makes it.
    pub fn dkron(&self) -> &OsStr {
        &self.dkron
    }

    /// The text without the flags `out`, and with `appended` behind the last flag.
    pub fn rewritten(&self, out: &[&str], appended: &[String]) -> String {
        let mut gone: Vec<usize> = self.arguments.words_of(out).collect();
        gone.sort_unstable();
        let end = self.arguments.end().checked_sub(1).map_or(0, |last| self.words[last].end);
        let (flags, rest) = self.text.split_at(end);
        let mut text = String::with_capacity(self.text.len() + 256);
        let mut from = 0;
        for word in gone.iter().map(|number| &self.words[*number]) {
            text.push_str(&flags[from..word.start]);
            from = word.end;
        }
        text.push_str(&flags[from..]);
        for flag in appended {
            // In single quotes a shell leaves everything alone; no name or address holds one.
            text.extend([" '", &flag.replace('\'', ""), "'"]);
        }
        text.push_str(rest);
        text
    }
}

/// A word: where it stands, and what the shell makes of it.
#[derive(Default)]
struct Word {
    place: Range<usize>,
    value: String,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    environment: &'a Environment,
}

impl Lexer<'_> {
    /// Every simple command: the words between two `;`, `&`, `|`, parentheses or ends of line.
    fn commands(mut self) -> Option<Vec<Vec<Word>>> {
        let mut commands = vec![Vec::new()];
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' => self.at += 1,
                '\\' if self.text[self.at..].starts_with("\\\n") => self.at += 2,
                '#' => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                ';' | '&' | '|' | '(' | ')' | '\n' => {
                    self.at += 1;
                    commands.push(Vec::new());
                }
                '<' if self.text[self.at..].starts_with("<<") => return None,
                _ => {
                    let word = self.word()?;
                    commands.last_mut()?.push(word);
                }
            }
        }
        Some(commands)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word { place: self.at..self.at, value: String::new() };
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\n' | ';' | '|' | '(' | ')' => break,
                // Not in `2>&1`.
                '&' if !word.value.ends_with(['>', '<']) => break,
                '<' if self.text[self.at..].starts_with("<<") => return None,
                '\'' => {
                    let rest = &self.text[self.at + 1..];
                    let end = rest.find('\'')?;
                    word.value.push_str(&rest[..end]);
                    self.at += end + 2;
                }
                '"' => {
                    self.at += 1;
                    self.quoted(&mut word.value)?;
                }
                '\\' => {
                    self.at += 1;
                    word.value.extend(self.take().filter(|c| *c != '\n'));
                }
                '$' => {
                    let value = self.expansion()?;
                    // Without quotes, blanks and stars would make more words of it.
                    let plain = !value.contains([' ', '\t', '\n', '*', '?', '[']);
                    word.value.push_str(if plain { &value } else { "\0" });
                }
                '`' => self.command(&mut word.value, '`')?,
                // Patterns, and the home of somebody.
                '*' | '?' | '[' | '~' | '{' => {
                    self.at += 1;
                    word.value.push(next);
                }
                _ => word.value.extend(self.take()),
            }
        }
        word.place.end = self.at;
        Some(word)
    }

    /// What stands in double quotes, up to their end.
    fn quoted(&mut self, value: &mut String) -> Option<()> {
        loop {
            match self.peek()? {
                '"' => {
                    self.at += 1;
                    return Some(());
                }
                '\\' => {
                    self.at += 1;
                    let next = self.take()?;
                    if !['$', '`', '"', '\\', '\n'].contains(&next) {
                        value.push('\\');
                    }
                    value.extend(Some(next).filter(|c| *c != '\n'));
                }
                '$' => value.push_str(&self.expansion()?),
                '`' => self.command(value, '`')?,
                _ => value.extend(self.take()),
            }
        }
    }

    /// What begins with `$`; unknown unless it is a variable that the environment sets and the text does not.
    fn expansion(&mut self) -> Option<String> {
        self.at += 1;
        let rest = &self.text[self.at..];
        let unknown = || UNKNOWN.to_string();
        match self.peek() {
            Some('(') if rest.starts_with("((") => {
                self.at += rest.find("))")? + 2;
                Some(unknown())
            }
            Some('(') => {
                let mut value = String::new();
                self.command(&mut value, ')')?;
                Some(value)
            }
            Some('{') => {
                let end = rest.find('}')?;
                self.at += end + 1;
                Some(self.variable(&rest[1..end]).unwrap_or_else(unknown))
            }
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                self.at += end;
                Some(self.variable(&rest[..end]).unwrap_or_else(unknown))
            }
            // `$1`, `$@`, `$?`; a `$` before anything else is itself.
            Some(first) if first.is_ascii_digit() || "@*#?$!-".contains(first) => {
                self.at += 1;
                Some(unknown())
            }
            _ => Some("$".to_owned()),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let set_here = [format!("{name}="), format!("read {name}"), format!("for {name}")];
        let known = self.environment.get(name).filter(|_| !set_here.iter().any(|set| self.text.contains(set.as_str())));
        known.map(str::to_owned)
    }

    /// Skips a command inside a word, up to `end`. One that holds quotes or another such is not understood.
    fn command(&mut self, value: &mut String, end: char) -> Option<()> {
        self.at += 1;
        let inner = &self.text[self.at..];
        let length = inner.find(end)?;
        if inner[..length].contains(['(', '`', '\'']) {
            return None;
        }
        self.at += length + 1;
        value.push(UNKNOWN);
        Some(())
    }
}

#[cfg(test)]
mod tests;
