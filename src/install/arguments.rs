//! Settings back into the flags of `serve`, so that the Deployment says what `manifests` was told and nothing more.

use super::{CERT_DIR, Install};
use crate::options::{Options, Role, Rollout, SidecarMode, Storage};
use crate::settings::{Ports, Settings};

/// The arguments of the webhook's container: `serve`, where its certificate lies if it is in files, and a flag for each setting
/// that differs from the built-in one.
pub fn arguments(install: &Install) -> Vec<String> {
    let settings = &install.settings;
    let builtin = Settings::default();
    let Ports { webhook, admin, wrapper, label } = settings.ports;
    let mut list = vec!["serve".to_owned()];
    if install.certificates.are_mounted() {
        list.push(flag("cert-dir", CERT_DIR));
    }
    if !install.controller {
        list.push(flag("controller", "never"));
    }
    if settings.namespace != builtin.namespace {
        list.push(flag("namespace", &settings.namespace));
    }
    let ports = [
        ("webhook-port", webhook, builtin.ports.webhook),
        ("admin-port", admin, builtin.ports.admin),
        ("wrapper-port", wrapper, builtin.ports.wrapper),
        ("label-port", label, builtin.ports.label),
    ];
    list.extend(ports.iter().filter(|(_, port, builtin)| port != builtin).map(|(name, port, _)| flag(name, port)));

    let builtin = texts(&builtin.options);
    let chosen = texts(&settings.options).into_iter().zip(builtin).filter(|(chosen, builtin)| chosen != builtin);
    list.extend(chosen.filter_map(|((name, text), _)| Some(flag(name, text?))));
    list
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// Each option under its name, written as [`crate::options::TABLE`] reads it.
fn texts(options: &Options) -> Vec<(&'static str, Option<String>)> {
    // Taken apart by name: an option that is added and forgotten here does not compile.
    let Options {
        container,
        role,
        initial_cluster_size,
        cluster,
        service,
        cluster_domain,
        command,
        storage,
        grace,
        rollout,
        sidecar_mode,
        image,
        image_pull_policy,
        cpu_request,
        cpu_limit,
        memory_request,
        memory_limit,
    } = options;
    vec![
        ("container", container.clone()),
        ("role", role.map(|role| role_text(role).into())),
        ("initial-cluster-size", initial_cluster_size.map(|size| size.to_string())),
        ("cluster", cluster.clone()),
        ("service", service.clone()),
        ("cluster-domain", cluster_domain.clone()),
        ("command", command.as_ref().map(|words| serde_json::Value::from(words.clone()).to_string())),
        ("storage", storage.map(|storage| storage_text(storage).into())),
        ("grace", grace.map(|seconds| seconds.to_string())),
        ("rollout", rollout.map(|rollout| rollout_text(rollout).into())),
        ("sidecar-mode", sidecar_mode.map(|mode| sidecar_mode_text(mode).into())),
        ("image", image.clone()),
        ("image-pull-policy", image_pull_policy.clone()),
        ("cpu-request", cpu_request.clone()),
        ("cpu-limit", cpu_limit.clone()),
        ("memory-request", memory_request.clone()),
        ("memory-limit", memory_limit.clone()),
    ]
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Agent => "agent",
    }
}

fn storage_text(storage: Storage) -> &'static str {
    match storage {
        Storage::Persistent => "persistent",
        Storage::Ephemeral => "ephemeral",
    }
}

fn rollout_text(rollout: Rollout) -> &'static str {
    match rollout {
        Rollout::StatefulSet => "statefulset",
        Rollout::LeaderLast => "leader-last",
    }
}

fn sidecar_mode_text(mode: SidecarMode) -> &'static str {
    match mode {
        SidecarMode::Native => "native",
        SidecarMode::Container => "container",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Certificates;
    use crate::options::TABLE;

    fn everything() -> Options {
        Options {
            container: Some("scheduler".into()),
            role: Some(Role::Agent),
            initial_cluster_size: Some(5),
            cluster: Some("jobs".into()),
            service: Some("jobs-peers".into()),
            cluster_domain: Some("corp.example".into()),
            command: Some(vec!["/opt/a b/dkron".into(), "agent".into()]),
            storage: Some(Storage::Ephemeral),
            grace: Some(600),
            rollout: Some(Rollout::LeaderLast),
            sidecar_mode: Some(SidecarMode::Container),
            image: Some("registry.example/dkron-ha:1".into()),
            image_pull_policy: Some("Always".into()),
            cpu_request: Some("20m".into()),
            cpu_limit: Some("1".into()),
            memory_request: Some("32Mi".into()),
            memory_limit: Some("128Mi".into()),
        }
    }

    #[test]
    fn built_in_settings_need_no_flags() {
        assert_eq!(arguments(&Install::default()), ["serve"]);
    }

    #[test]
    fn files_are_said() {
        let install = Install { certificates: Certificates::Files(None), ..Install::default() };
        assert_eq!(arguments(&install), ["serve", "--cert-dir=/certs"]);
    }

    #[test]
    fn every_option_is_read_back_as_it_was() {
        let settings = Settings { options: everything(), ..Settings::default() };
        let mut read = Options::default();
        for argument in &arguments(&Install { settings, ..Install::default() })[1..] {
            let (name, text) = argument.trim_start_matches("--").split_once('=').expect("--name=text");
            let row = TABLE.iter().find(|row| row.name == name).expect("an option of the table");
            row.read(&mut read, text).expect("an allowed value");
        }
        assert_eq!(read, everything());
    }

    #[test]
    fn both_values_of_each_choice_are_allowed_ones() {
        let other = Options {
            role: Some(Role::Server),
            storage: Some(Storage::Persistent),
            rollout: Some(Rollout::StatefulSet),
            sidecar_mode: Some(SidecarMode::Native),
            ..Options::default()
        };
        for (name, text) in texts(&other) {
            let row = TABLE.iter().find(|row| row.name == name).expect("an option of the table");
            if let Some(text) = text {
                assert!(row.read(&mut Options::default(), &text).is_ok(), "{name}={text}");
            }
        }
    }

    #[test]
    fn changed_ports_and_namespace_are_said() {
        let settings = Settings {
            namespace: "platform".into(),
            ports: Ports { webhook: 1, admin: 2, wrapper: 3, label: 4 },
            ..Settings::default()
        };
        let said = ["--namespace=platform", "--webhook-port=1", "--admin-port=2", "--wrapper-port=3", "--label-port=4"];
        assert_eq!(arguments(&Install { settings, ..Install::default() })[1..], said);
    }
}
