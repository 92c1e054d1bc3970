//! Flags that several commands share, and the settings they make.

use crate::contract::{object, port};
use crate::options::{Options, TABLE};
use crate::settings::{Ports, Settings};
use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum};

const HEADING: &str = "Installation";

/// Whether the controller acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Act {
    /// Where the cluster is watched
    Auto,
    /// No: people do it
    Never,
}

/// Server-wide settings.
#[derive(Debug, Args)]
pub struct SettingsFlags {
    /// Namespace of dkron-ha itself; never injected
    #[arg(short, long, env = "DKRON_HA_NAMESPACE", default_value = object::INSTALLATION, help_heading = HEADING)]
    namespace: String,
    /// Port of the webhook
    #[arg(long, env = "DKRON_HA_WEBHOOK_PORT", default_value_t = port::WEBHOOK, help_heading = HEADING)]
    webhook_port: u16,
    /// Port of metrics and probes
    #[arg(long, env = "DKRON_HA_ADMIN_PORT", default_value_t = port::ADMIN, help_heading = HEADING)]
    admin_port: u16,
    #[command(flatten)]
    pods: PodFlags,
}

/// The settings that show in injected pods.
#[derive(Debug, Args)]
pub struct PodFlags {
    /// Port of the wrapper in dkron pods
    #[arg(long, env = "DKRON_HA_WRAPPER_PORT", default_value_t = port::WRAPPER, help_heading = HEADING)]
    wrapper_port: u16,
    /// Port of the label updater in dkron pods
    #[arg(long, env = "DKRON_HA_LABEL_PORT", default_value_t = port::LABEL, help_heading = HEADING)]
    label_port: u16,
    #[command(flatten)]
    options: OptionFlags,
}

impl SettingsFlags {
    /// The settings that the flags and the environment make.
    pub fn settings(&self) -> Settings {
        let below = self.pods.settings();
        let ports = Ports { webhook: self.webhook_port, admin: self.admin_port, ..below.ports };
        Settings { namespace: self.namespace.clone(), ports, ..below }
    }
}

impl PodFlags {
    /// The settings that the flags and the environment make, in an installation under the usual name.
    pub fn settings(&self) -> Settings {
        let ports = Ports { wrapper: self.wrapper_port, label: self.label_port, ..Ports::default() };
        Settings { ports, options: self.options.0.clone().over(&Options::builtin()), ..Settings::default() }
    }
}

/// A flag and a variable for each row of [`TABLE`]: the defaults of what a pod can say by annotation.
#[derive(Debug, Default)]
pub struct OptionFlags(Options);

impl Args for OptionFlags {
    fn augment_args(command: Command) -> Command {
        let heading = "Defaults of annotations (dkron-ha.io/<name> on a pod goes first)";
        TABLE.iter().fold(command, |command, row| {
            let parser = NonEmptyStringValueParser::new()
                .try_map(move |text| row.read(&mut Options::default(), &text).map(|()| text));
            let help = format!("{} ({})", row.help, row.allowed);
            command.arg(
                Arg::new(row.name)
                    .long(row.name)
                    .env(row.variable())
                    .value_name("VALUE")
                    .help(help)
                    .help_heading(heading)
                    .value_parser(parser),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        let all = flags.0.clone().over(&Options::builtin());
        all.above_its_limit().map_or(Ok(flags), |fault| Err(Error::raw(ErrorKind::ValueValidation, fault + "\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for row in TABLE {
            if let Some(text) = matches.get_one::<String>(row.name) {
                // The parser has read it once already.
                row.read(&mut self.0, text).map_err(|error| Error::raw(ErrorKind::ValueValidation, error))?;
            }
        }
        Ok(())
    }
}
