//! What a configuration file says, as far as it was read: the keys of its top level with scalars and lists of scalars.

/// What stands at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, number or truth, as dkron would print it.
    Scalar(String),
    /// A list of such.
    List(Vec<String>),
    /// Nothing: dkron takes its default.
    Null,
    /// Something that is not read here: a mapping, a block of text, an alias.
    Unread,
}

/// The top level of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Keys in small letters, in the order of the file.
    keys: Vec<(String, Value)>,
    complete: bool,
}

impl Default for Values {
    fn default() -> Self {
        Self::of(Vec::new(), true)
    }
}

impl Values {
    /// The keys that were read; `complete` if the file has no other.
    pub fn of(keys: Vec<(String, Value)>, complete: bool) -> Self {
        // dkron does not tell capital and small letters apart.
        let keys = keys.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
        Self { keys, complete }
    }

    /// A file of which nothing is known.
    pub fn unread() -> Self {
        Self::of(Vec::new(), false)
    }

    /// What stands at `key`, which is in small letters. A key that was not found may be there all the same if the file
    /// was not read to its end: [`Value::Unread`].
    pub fn get(&self, key: &str) -> Option<&Value> {
        let found = self.keys.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value);
        found.or(if self.complete { None } else { Some(&Value::Unread) })
    }

    /// Every key in its order.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.keys.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether the file has no other keys than those of [`keys`](Self::keys).
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

/// What a scalar without quotes means. Numbers that dkron would print differently than they are written are not read.
pub fn plain(text: &str) -> Value {
    if ["", "~", "null", "Null", "NULL"].contains(&text) {
        return Value::Null;
    }
    let digits = text.trim_start_matches(['+', '-']);
    let other_base = ["0x", "0o", "0b"].iter().any(|base| digits.starts_with(base));
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (other_base || is_decimal(&digits.replace('_', "")));
    let as_written = text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    if is_date(text) || (number && !as_written) { Value::Unread } else { Value::Scalar(text.to_owned()) }
}

/// Digits, with a point and an exponent or without. Its value is of no use, and the code that finds it would be a seventieth of the program.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    (!whole.is_empty() || !fraction.is_empty())
        && !exponent.is_empty()
        && [whole, fraction, exponent].into_iter().all(digits)
}

/// YAML and TOML make times of `2026-01-02` and of what begins so.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut digits = |least: usize| {
        let part = parts.next().unwrap_or_default();
        part.len() >= least && part.starts_with(|c: char| c.is_ascii_digit()) && part.parse::<u32>().is_ok()
    };
    text.as_bytes().get(4) == Some(&b'-') && digits(4) && digits(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_where_dkron_would_print_them_alike() {
        for text in [
            "true",
            "yes",
            "a b",
            "10.0.0.1",
            "0.0.0.0:8946",
            "6868",
            "0",
            "2s",
            "a-0",
            "::",
            "-",
            "2026-a-1",
            "inf",
            "/d",
        ] {
            assert_eq!(plain(text), Value::Scalar(text.to_owned()));
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(plain(text), Value::Null, "{text}");
        }
        for text in ["007", "0x1f", "0o7", "1_000", "1.0", "1e3", ".5", "+1", "-1", "2026-01-02", "2026-1-2T03:04:05Z"]
        {
            assert_eq!(plain(text), Value::Unread, "{text}");
        }
    }

    #[test]
    fn a_decimal_number_is_what_has_a_value() {
        for text in [
            "1", "1.5", ".5", "1.", "1e3", "1E-3", "1.5e+3", "0.0.0.0", "1.0e", "e3", ".", "", "1e3.5", "1e", "a",
            "1-2", "2s",
        ] {
            assert_eq!(is_decimal(text), text.parse::<f64>().is_ok(), "{text}");
        }
    }

    #[test]
    fn keys_are_found_in_small_letters_and_the_last_counts() {
        let keys = [("Server", "false"), ("SERVER", "true")];
        let keys = keys.map(|(key, value)| (key.to_owned(), Value::Scalar(value.to_owned())));
        let values = Values::of(keys.to_vec(), true);
        assert_eq!(values.get("server"), Some(&Value::Scalar("true".into())));
        assert_eq!(values.get("join"), None);
        assert_eq!(Values::of(keys.to_vec(), false).get("join"), Some(&Value::Unread));
    }
}
