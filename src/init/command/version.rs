//! Which dkron this is, from what `dkron version` prints.

use super::super::procedure::Generation;

/// The line that counts; others stand before it (version 3 logs there that it found no configuration) and behind it.
const LINE: &str = "Version:";

/// Reads the output of `dkron version`. A build that has no number, and an output that is not understood, count as new: what
/// is done for the generation before would harm the present one.
pub fn generation(output: &str) -> Generation {
    let version = output.lines().find_map(|line| line.trim().strip_prefix(LINE));
    let number = version.map(|version| version.trim().trim_start_matches('v'));
    let major = number.and_then(|number| number.split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major < 4) { Generation::Three } else { Generation::Four }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_decides() {
        let output = |version: &str| {
            format!(
                "time=\"2026-01-02T03:04:05Z\" level=info msg=\"No valid config found: Applying default values.\"\n\
                 Name: Dkron\nVersion: {version}\nCodename: Devel\nAgent Protocol: 5 (Understands back to: 2)\n"
            )
        };
        for version in ["3.2.7", "v3.1.10", "2.0.6", "3.3.0-beta1", "3"] {
            assert_eq!(generation(&output(version)), Generation::Three, "{version}");
        }
        for version in ["4.0.9", "4.1.2", "v4.0.0-beta6", "10.0.0", "devel", ""] {
            assert_eq!(generation(&output(version)), Generation::Four, "{version}");
        }
        for output in ["", "Name: Dkron\n", "dkron: not found\n", "Version 3.2.7\n"] {
            assert_eq!(generation(output), Generation::Four, "{output}");
        }
    }
}
