//! What a YAML scalar means to kubectl: the resolution table of `go.yaml.in/yaml/v2` 2.4, a YAML 1.1 dialect.

use base64::Engine as _;

use super::error::Cause;

const CORE: &str = "tag:yaml.org,2002:";

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond the signed range.
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// The short tag that the Go reader has for it.
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Unsigned(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
        }
    }
}

/// Reads a scalar. `plain` says that it stood without quotes and not in a block; `tag` is its full tag, if any.
pub(super) fn resolve(text: &str, plain: bool, tag: Option<&str>) -> Result<Scalar, Cause> {
    let Some(tag) = tag else {
        return Ok(if plain { guess(text) } else { Scalar::Text(text.to_owned()) });
    };
    // Tags of anybody else, and those of collections, leave the text as it is.
    let wanted = tag.strip_prefix(CORE).unwrap_or_default();
    let found = match wanted {
        "null" | "bool" | "int" | "float" => guess(text),
        "binary" => return binary(text),
        // Timestamps stay text even where the Go reader recognises them.
        _ => return Ok(Scalar::Text(text.to_owned())),
    };
    match found {
        #[allow(clippy::cast_precision_loss)] // As in Go.
        Scalar::Int(value) if wanted == "float" => Ok(Scalar::Float(value as f64)),
        Scalar::Unsigned(_) if wanted == "float" => Err(misfit(wanted, text)),
        found if found.tag() == wanted => Ok(found),
        _ => Err(misfit(wanted, text)),
    }
}

fn misfit(wanted: &str, text: &str) -> Cause {
    Cause::Tag { tag: format!("!!{wanted}"), text: text.chars().take(40).collect() }
}

/// Bytes that are no UTF-8 become U+FFFD, as they do in Go's JSON encoder.
fn binary(text: &str) -> Result<Scalar, Cause> {
    let packed: String = text.chars().filter(|character| !matches!(character, '\n' | '\r')).collect();
    match base64::engine::general_purpose::STANDARD.decode(packed) {
        Ok(bytes) => Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned())),
        Err(_) => Err(misfit("binary", text)),
    }
}

/// What a plain scalar without a tag is.
fn guess(text: &str) -> Scalar {
    let found = match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(Scalar::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Scalar::Bool(false))
        }
        ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => match text.as_bytes().first() {
            // Underscores do not count in numbers; after a leading dot they must stand between digits.
            Some(b'0'..=b'9' | b'+' | b'-') => number(&text.replace('_', "")),
            Some(b'.') if underscores_separate_digits(text) => float(&text.replace('_', "")),
            _ => None,
        },
    };
    found.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

fn underscores_separate_digits(text: &str) -> bool {
    let ends_in_digit = |part: &str| part.ends_with(|last: char| last.is_ascii_digit());
    let begins_with_digit = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    text.split('_').zip(text.split('_').skip(1)).all(|(left, right)| ends_in_digit(left) && begins_with_digit(right))
}

fn number(text: &str) -> Option<Scalar> {
    integer(text).or_else(|| float(text)).or_else(|| binary_with_inner_sign(text))
}

/// A signed integer, or one without a sign that only the unsigned range holds.
fn integer(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let size = magnitude(unsigned)?;
    let value = if text.starts_with('-') { -i128::from(size) } else { i128::from(size) };
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) => (unsigned == text).then_some(Scalar::Unsigned(size)),
    }
}

/// An unsigned integer as Go writes one: `0x`, `0o` and `0b` in either case, and octal after a bare leading zero.
fn magnitude(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (text.get(2..)?, 16),
        [b'0', b'o' | b'O', _, ..] => (text.get(2..)?, 8),
        [b'0', b'b' | b'B', _, ..] => (text.get(2..)?, 2),
        [b'0', _, ..] => (text.get(1..)?, 8),
        _ => (text, 10),
    };
    // Rust would take a sign here.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `0b-1` is -1 to the Go reader.
fn binary_with_inner_sign(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b").filter(|digits| digits.starts_with(['+', '-']))?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// A decimal float. What is too large for 64 bits is text.
fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent));
    if !well_formed {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Scalar::Float)
}
