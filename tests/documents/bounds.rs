//! Hostile files end in an error, quickly.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use dkron_ha::documents::{Cause, Format, MAX_DEPTH, read, to_yaml};
use proptest::prelude::*;

fn refused(text: &str) -> Cause {
    let start = Instant::now();
    let cause = read(text.as_bytes()).map(|documents| documents.len()).unwrap_err().cause;
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", text.get(..40));
    cause
}

/// 30 generations of `{0}`, each made twice of the one before.
fn generations(first: &str, next: impl Fn(usize) -> String) -> String {
    (1..30).fold(format!("a0: &a0 {first}\n"), |mut text, number| {
        writeln!(text, "a{number}: &a{number} {}", next(number - 1)).unwrap();
        text
    })
}

#[test]
fn alias_bombs_are_refused() {
    assert_eq!(refused(&generations("[x]", |before| format!("[*a{before}, *a{before}]"))), Cause::TooLarge);
    assert_eq!(refused(&generations("{x: y}", |before| format!("{{l: *a{before}, r: *a{before}}}"))), Cause::TooLarge);
    let wide: String = (0..20_000).map(|number| format!("k{number}: 1, ")).collect();
    assert_eq!(refused(&format!("a: &a {{{wide}}}\nb: {{{}}}\n", "<<: *a, ".repeat(5_000))), Cause::TooLarge);
    let long = "x".repeat(100_000);
    assert_eq!(refused(&format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(1_000))), Cause::TooLarge);
}

#[test]
fn aliases_of_an_ordinary_file_are_followed() {
    let text = format!("a: &a {{b: 1}}\nc: [{}]\n", "*a, ".repeat(10_000));
    assert_eq!(read(text.as_bytes()).unwrap().len(), 1);
}

#[test]
fn nesting_is_bounded_in_every_notation() {
    let fits = MAX_DEPTH - 1;
    let yaml = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
    let json = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(yaml(fits).as_bytes()).is_ok());
    assert!(read(json(fits).as_bytes()).is_ok());
    assert!(to_yaml(&json(fits)).is_ok());
    assert_eq!(refused(&yaml(MAX_DEPTH)), Cause::TooDeep);
    assert_eq!(refused(&json(MAX_DEPTH)), Cause::TooDeep);
    assert!(to_yaml(&json(MAX_DEPTH)).is_err());
    let aliases = (1..=MAX_DEPTH)
        .fold("a0: &a0 x\n".to_owned(), |text, number| format!("{text}a{number}: &a{number} [*a{}]\n", number - 1));
    assert_eq!(refused(&aliases), Cause::TooDeep);
    for open in ["[", "{", "- ", "? ", "[{"] {
        assert_eq!(refused(&format!("a:\n  {}", open.repeat(300_000))), Cause::TooDeep, "{open}");
    }
    assert_eq!(refused(&json(1_000_000)), Cause::TooDeep);
}

#[test]
fn long_files_take_linear_time() {
    const COUNT: usize = 200_000;
    let start = Instant::now();
    for text in [
        "{}".repeat(COUNT),
        "---\n".repeat(COUNT),
        "---\na: 1\n".repeat(COUNT / 4),
        format!("a: |\n{}", "  x\n".repeat(COUNT)),
        format!("a: \"{}\"", "\\n".repeat(COUNT)),
        format!("a: [{}]", "*b, ".repeat(COUNT).replacen("*b", "&b 1", 1)),
        (0..COUNT / 4).map(|number| format!("a{number}: 1\n")).collect(),
    ] {
        assert!(read(text.as_bytes()).is_ok(), "{:?}", text.get(..40));
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    /// Pieces of syntax in any order. What is read from YAML can be written, and reads back to the letter.
    #[test]
    fn no_syntax_makes_the_reader_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30),
    ) {
        for document in read(pieces.concat().as_bytes()).unwrap_or_default() {
            let yaml = to_yaml(&document.json).unwrap();
            let again = read(yaml.as_bytes()).unwrap();
            if document.format == Format::Yaml {
                prop_assert_eq!(&again[0].json, &document.json, "{}", yaml);
            }
        }
    }
}

const PIECES: &[&str] = &[
    "a",
    "b: ",
    "b:",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "- ",
    "-",
    "? ",
    "?",
    ": ",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "!!int ",
    "!!str ",
    "!",
    "!<",
    "|",
    ">",
    "|2-\n",
    "'",
    "\"",
    "\\",
    "#",
    " # ",
    "%",
    "@",
    "`",
    "---\n",
    "\n---\n",
    "...\n",
    "<<: ",
    "~",
    "yes",
    "012",
    "1e3",
    ".inf",
    "{\"a\": 1}",
    "\"b\": ",
    "a: 1\n",
    "é",
    "\u{feff}",
    "\u{85}",
    "\r\n",
    "\r",
    "\0",
];
