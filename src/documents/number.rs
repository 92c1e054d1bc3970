//! How Go prints floating-point numbers, which decides what kubectl sends.

/// As `encoding/json` prints a finite float64: the shortest digits that read back the same, with an exponent only
/// below 1e-6 and from 1e21 on. Negative zero loses its sign, as it does before kubectl sends it.
pub(super) fn json(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    value.to_string()
}

/// As `sigs.k8s.io/yaml` names a key that was read as a float: rounded to single precision,
/// with an exponent of two digits or more below 1e-4 and from 1e6 on.
pub(super) fn key(value: f64) -> String {
    // The loss of precision is what the Go code does, too.
    #[allow(clippy::cast_possible_truncation)]
    let single = value as f32;
    if single.is_nan() {
        return ".nan".to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{single:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if single != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    single.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_as_gos_json_encoder_does() {
        for (value, text) in [
            (1000.0, "1000"),
            (1.10, "1.1"),
            (-0.0, "0"),
            (0.000_001, "0.000001"),
            (0.000_000_15, "1.5e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e30, "-2.5e+30"),
            (123_456_789.123, "123456789.123"),
        ] {
            assert_eq!(json(value), text);
        }
    }

    #[test]
    fn keys_are_printed_in_single_precision() {
        for (value, text) in [
            (1.5, "1.5"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e5, "100000"),
            (1e6, "1e+06"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1_234_567.89, "1.2345679e+06"),
            (1e300, ".inf"),
            (f64::NEG_INFINITY, "-.inf"),
            (f64::NAN, ".nan"),
        ] {
            assert_eq!(key(value), text);
        }
    }
}
