//! Log lines in the form of dkron's: `time=… level=… msg=… key=value`, on stderr.

use super::time;

/// Writes the lines of one node.
#[derive(Clone)]
pub struct Log {
    node: String,
}

impl Log {
    pub fn new(node: &str) -> Self {
        Self { node: node.to_owned() }
    }

    pub fn info(&self, message: &str, fields: &[(&str, &str)]) {
        self.write("info", message, fields);
    }

    pub fn warning(&self, message: &str, fields: &[(&str, &str)]) {
        self.write("warning", message, fields);
    }

    pub fn error(&self, message: &str, fields: &[(&str, &str)]) {
        self.write("error", message, fields);
    }

    /// Ends the process, as dkron does, with its plugins left behind.
    pub fn fatal(&self, message: &str, fields: &[(&str, &str)]) -> ! {
        self.write("fatal", message, fields);
        std::process::exit(1)
    }

    fn write(&self, level: &str, message: &str, fields: &[(&str, &str)]) {
        let mut fields = fields.to_vec();
        if fields.iter().all(|(key, _)| *key != "node") {
            fields.push(("node", &self.node));
        }
        fields.sort_unstable();
        eprintln!("{}", line(level, message, &fields));
    }
}

/// One line; a value is quoted when it holds more than plain characters.
pub fn line(level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let seconds = time::now() / 1_000_000_000 * 1_000_000_000;
    let field = |(key, value): &(&str, &str)| {
        let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-._/@^+".contains(c));
        if plain { format!(" {key}={value}") } else { format!(" {key}={value:?}") }
    };
    let fields: String = fields.iter().map(field).collect();
    format!("time=\"{}\" level={level} msg={message:?}{fields}", time::rfc3339(seconds))
}
