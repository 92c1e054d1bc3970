//! A container of a pod, with the questions that the engine asks of it.

use super::command::{self, Flags, Runs};
use super::image;
use crate::contract::{path, port};
use crate::json::{Node, Pointer};
use std::borrow::Cow;

/// A container and where it stands.
#[derive(Clone, Debug)]
pub struct Container<'n> {
    /// The container's JSON.
    pub node: &'n Node<'n>,
    /// Its place in the object.
    pub path: Pointer,
    /// `name`.
    pub name: Cow<'n, str>,
    /// `image`.
    pub image: Cow<'n, str>,
    /// `command` as the user gave it, the wrapper taken off; `None` if absent, null or empty, which all mean the image's
    /// entry point.
    pub command: Option<Vec<Cow<'n, str>>>,
    /// Whether the wrapper already stands in its command.
    pub wrapped: bool,
    /// `args`.
    pub args: Vec<Cow<'n, str>>,
    /// What its words run, Kubernetes' variables put in where the manifest has their values.
    pub runs: Runs,
}

/// An environment variable as far as the manifest tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable<'n> {
    /// Not in `env`. It may come from `envFrom`.
    Absent,
    /// A value written in the manifest.
    Value(Cow<'n, str>),
    /// A value from elsewhere.
    From,
}

impl<'n> Container<'n> {
    /// The container at `index` of `/spec/containers` below `spec`.
    pub fn at(node: &'n Node<'n>, containers: &Pointer, index: usize) -> Self {
        let written = node.get("command").strings().unwrap_or_default();
        let args = node.get("args").strings().unwrap_or_default();
        let (command, args, wrapped) = unwrapped(written, args);
        let mut container = Self {
            node,
            path: containers.index(index),
            name: node.get("name").str().unwrap_or_default(),
            image: node.get("image").str().unwrap_or_default(),
            command: Some(command).filter(|words| !words.is_empty()),
            wrapped,
            args,
            runs: Runs::Unknown,
        };
        container.runs = container.look();
        container
    }

    /// Whether the image is called dkron.
    pub fn has_dkron_image(&self) -> bool {
        image::is_dkron(&self.image)
    }

    fn look(&self) -> Runs {
        let known = |word: &Cow<'n, str>| match word.contains("$(").then(|| self.expanded(word)).flatten() {
            Some(text) => Cow::Owned(text),
            None => word.clone(),
        };
        let command: Option<Vec<_>> = self.command.as_ref().map(|words| words.iter().map(known).collect());
        let args: Vec<_> = self.args.iter().map(known).collect();
        command::runs(command.as_deref(), &args, self.has_dkron_image())
    }

    /// An environment variable.
    pub fn variable(&self, name: &str) -> Variable<'n> {
        // The last of two entries with one name counts for the kubelet.
        let entry = self.node.get("env").items().iter().rev().find(|entry| entry.get("name").is(name));
        match entry {
            None => Variable::Absent,
            Some(entry) if !entry.get("valueFrom").is_null() => Variable::From,
            Some(entry) => Variable::Value(entry.get("value").str().unwrap_or_default()),
        }
    }

    /// A dkron setting from the flags, else from the environment, with `$(VAR)` resolved where the manifest has the value.
    /// `None`: not given, or not to be known here.
    pub fn setting(&self, flags: &Flags, name: &str) -> Option<String> {
        let text = match flags.get(name) {
            Some(text) => Cow::Borrowed(text),
            None => match self.variable(&dkron_variable(name)) {
                Variable::Value(text) => text,
                Variable::Absent | Variable::From => return None,
            },
        };
        self.expanded(&text)
    }

    /// Whether flags or environment give the setting at all, readable or not.
    pub fn gives(&self, flags: &Flags, name: &str) -> bool {
        flags.get(name).is_some() || self.variable(&dkron_variable(name)) != Variable::Absent
    }

    /// Resolves Kubernetes' `$(VAR)`; a shell's variables stay unknown.
    pub fn expanded(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let (name, behind) = rest[at..].strip_prefix("$(")?.split_once(')')?;
            let Variable::Value(value) = self.variable(name) else { return None };
            out.push_str(&value);
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }

    /// Whether a configuration file that the manifest does not show may speak: `--config`, `envFrom`, or a mount where
    /// dkron searches (`/etc/dkron`, `.dkron` of the home directory, `config` of the working directory).
    pub fn may_have_configuration(&self, flags: &Flags) -> bool {
        let searched = |mount: &str| {
            let file = mount.rsplit('/').next().unwrap_or_default();
            mount.starts_with("/etc/dkron")
                || mount == "/etc"
                || mount.contains("/.dkron")
                || mount.ends_with("/config")
                || file.strip_prefix("dkron.").is_some_and(|ending| FILE_FORMATS.contains(&ending))
        };
        flags.get("config").is_some()
            || !self.node.get("envFrom").items().is_empty()
            || self.mounts().any(|mount| mount.get("mountPath").str().is_some_and(|path| searched(&path)))
    }

    /// Its volume mounts.
    pub fn mounts(&self) -> impl Iterator<Item = &'n Node<'n>> {
        self.node.get("volumeMounts").items().iter()
    }

    /// Port of dkron's HTTP API: the last part of `http-addr`, else 8080. `None` if it cannot be known here.
    pub fn http_port(&self, flags: &Flags) -> Option<u16> {
        if !self.gives(flags, "http-addr") {
            return (!self.may_have_configuration(flags) && !flags.is_partial()).then_some(port::DKRON_HTTP);
        }
        self.setting(flags, "http-addr")?.rsplit(':').next()?.parse().ok()
    }
}

/// Endings of configuration files that dkron's reader knows.
const FILE_FORMATS: [&str; 9] = ["yml", "yaml", "json", "toml", "hcl", "ini", "properties", "props", "env"];

type Words<'n> = Vec<Cow<'n, str>>;

/// Takes `…/dkron-ha-init run [--find-dkron] --` off a command line, and whatever another injector put in front of it; some
/// of them move the whole command into the arguments.
fn unwrapped<'n>(mut command: Words<'n>, mut args: Words<'n>) -> (Words<'n>, Words<'n>, bool) {
    let behind_wrapper = |words: &[Cow<'_, str>]| {
        let wrapper = words.iter().position(|word| word == path::WRAPPER)?;
        Some(words[wrapper..].iter().position(|word| word == "--").map_or(words.len(), |at| wrapper + at + 1))
    };
    if let Some(behind) = behind_wrapper(&command) {
        return (command.split_off(behind), args, true);
    }
    match behind_wrapper(&args) {
        Some(behind) => (args.split_off(behind), Vec::new(), true),
        None => (command, args, false),
    }
}

/// dkron's environment variable of a setting (viper: prefix, upper case, dashes become underscores).
pub fn dkron_variable(name: &str) -> String {
    format!("DKRON_{}", name.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::shape::WORKLOAD;

    fn with<T>(container: &str, ask: impl Fn(&Container<'_>, &Flags) -> T) -> T {
        let text = format!("{{\"spec\":{{\"containers\":[{container}]}}}}");
        let object = Node::parse(&text, &WORKLOAD).unwrap();
        let containers = Pointer::of("/spec/containers");
        let container = Container::at(&object.get("spec").get("containers").items()[0], &containers, 0);
        let flags = match container.runs.clone() {
            Runs::Agent(flags) | Runs::FlagsFirst(flags) => flags,
            _ => Flags::default(),
        };
        ask(&container, &flags)
    }

    #[test]
    fn settings_come_from_flags_then_environment() {
        let text = r#"{"image":"dkron","args":["agent","--bootstrap-expect=$(N)","--data-dir","$(X)"],
            "env":[{"name":"N","value":"3"},{"name":"X","valueFrom":{}},{"name":"DKRON_HTTP_ADDR","value":"0.0.0.0:9000"},
                   {"name":"DKRON_BOOTSTRAP_EXPECT","value":"5"}]}"#;
        with(text, |container, flags| {
            assert_eq!(container.setting(flags, "bootstrap-expect").as_deref(), Some("3"));
            assert_eq!(container.setting(flags, "data-dir"), None);
            assert!(container.gives(flags, "data-dir"));
            assert_eq!(container.http_port(flags), Some(9000));
        });
    }

    #[test]
    fn shell_variables_stay_unknown() {
        let text = r#"{"image":"dkron","command":["sh","-c","dkron agent --bootstrap-expect ${N} --http-addr :$P"]}"#;
        with(text, |container, flags| {
            assert_eq!(container.setting(flags, "bootstrap-expect"), None);
            assert_eq!(container.http_port(flags), None);
        });
    }

    #[test]
    fn the_wrapper_is_seen_through_wherever_it_stands() {
        let forms = [
            r#"{"command":["/dkron-ha/bin/dkron-ha-init","run","--","dkron"],"args":["agent","--server"]}"#,
            r#"{"command":["/vault/env","/dkron-ha/bin/dkron-ha-init","run","--","dkron"],"args":["agent","--server"]}"#,
            r#"{"command":["/vault/env"],"args":["/dkron-ha/bin/dkron-ha-init","run","--","dkron","agent","--server"]}"#,
            r#"{"image":"dkron","command":["/dkron-ha/bin/dkron-ha-init","run","--find-dkron","--"],"args":["agent","--server"]}"#,
        ];
        for form in forms {
            let (wrapped, server) = with(form, |container, flags| (container.wrapped, flags.switch("server")));
            assert_eq!((wrapped, server), (true, Some(true)), "{form}");
        }
    }

    #[test]
    fn variables_of_the_manifest_are_put_in() {
        let text = r#"{"image":"dkron","args":["agent","$(ROLE)"],"env":[{"name":"ROLE","value":"--server"}]}"#;
        assert_eq!(with(text, |_, flags| flags.switch("server")), Some(true));
    }

    #[test]
    fn configuration_files_leave_traces() {
        let traces = [
            r#"{"image":"dkron","args":["agent","--config=/x.yml"]}"#,
            r#"{"image":"dkron","args":["agent"],"envFrom":[{"configMapRef":{"name":"a"}}]}"#,
            r#"{"image":"dkron","args":["agent"],"volumeMounts":[{"mountPath":"/etc/dkron/dkron.yml","name":"a"}]}"#,
            r#"{"image":"dkron","args":["agent"],"volumeMounts":[{"mountPath":"/opt/local/dkron/config","name":"a"}]}"#,
            r#"{"image":"dkron","args":["agent"],"volumeMounts":[{"mountPath":"/x/dkron.yml","name":"a"}]}"#,
        ];
        for text in traces {
            assert!(with(text, |container, flags| { container.may_have_configuration(flags) }), "{text}");
        }
        let none = r#"{"image":"dkron","args":["agent"],"volumeMounts":[{"mountPath":"/dkron.data","name":"a"}]}"#;
        assert!(!with(none, |container, flags| { container.may_have_configuration(flags) }));
    }
}
