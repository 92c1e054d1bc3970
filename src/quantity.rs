//! Kubernetes quantities: a decimal number with an SI or binary suffix.

/// What each suffix multiplies by. The exponent form (`1e3`) is left to those who need it elsewhere.
const SUFFIXES: [(&str, f64); 14] = [
    ("", 1.0),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// The value of a quantity, good enough to compare two; `None` if the text is none.
pub fn value(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, factor) = SUFFIXES.iter().find(|(suffix, _)| *suffix == &text[digits.len()..])?;
    // `parse` alone would take signs, exponents, and words.
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    plain.then(|| digits.parse::<f64>().ok()).flatten().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_compare() {
        for (less, more) in
            [("100m", "1"), ("0.5", "501m"), ("64M", "64Mi"), ("1023Ki", "1Mi"), ("0", "1m"), ("1.", "2")]
        {
            assert!(value(less).unwrap() < value(more).unwrap(), "{less} {more}");
        }
        for text in ["", "m", "1 Mi", "1.2.3", "64MB", "+1", "-1", "1e3", "inf", "Mi", "."] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
