//! The order of life: what the environment says, signals, probes, the wait for peers, dkron, its end.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use rustix::process::Pid;

use super::arguments::{flag, is_true, variable};
use super::child::{self, Reaped};
use super::decide::{self, Facts, Launch, OnSignal, Peer, Role, Sight, Start};
use super::environment::Environment;
use super::exit::Exit;
use super::find;
use super::form::Form;
use super::launch;
use super::log::line;
use super::lookout::Lookout;
use super::peers;
use super::probe::Probes;
use super::report::{self, WaitReport};
use super::settings::{SaidRole, Settings};
use super::signals::{self, Caught};

/// Where the kubelet writes the search list of the cluster.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What the loops wait for.
enum Event {
    Signal(Caught),
    Seen(usize, Sight),
}

/// Why this program ends without a child's code.
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// For `map_err`: the code, and the error's own words.
    fn with<E: Display>(exit: Exit) -> impl FnOnce(E) -> Self {
        move |error| Self { exit, message: error.to_string() }
    }
}

impl From<find::FindError> for Failure {
    fn from(error: find::FindError) -> Self {
        let exit = match error {
            find::FindError::NotExecutable(_) => Exit::NotExecutable,
            find::FindError::NotFound(_) | find::FindError::NoDkron(_) => Exit::NotFound,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<child::StartError> for Failure {
    fn from(error: child::StartError) -> Self {
        Self { exit: error.exit(), message: error.to_string() }
    }
}

/// Runs the command `words`, or dkron with the arguments `words`, until it ends.
pub fn run(find_dkron: bool, words: Vec<OsString>) -> Exit {
    live(find_dkron, words).unwrap_or_else(|failure| {
        line(failure.message);
        failure.exit
    })
}

fn live(find_dkron: bool, words: Vec<OsString>) -> Result<Exit, Failure> {
    let (sender, events) = mpsc::channel();
    catch_signals(&sender).map_err(Failure::with(Exit::System))?;
    let environment = Environment::of(std::env::vars_os());
    let settings = Settings::read(&environment).map_err(Failure::with(Exit::Settings))?;
    let (program, words) = locate(find_dkron, words)?;
    let facts = facts(&words, &settings, &environment);
    // Where only the configuration file tells the role, it may be a server, whose probes were pointed here.
    if facts.role == Role::Server || settings.role == SaidRole::Auto {
        serve_probes(&settings);
    }
    let mut life = Life { events, child: None, orphans: 0 };
    let launch = match life.wait_for_start(facts, settings.dkron_port, &sender)? {
        Awaited::Start(launch) => launch,
        Awaited::End(exit) => return Ok(exit),
    };
    let prepared = launch::prepare(&words, &launch, &settings, &environment);
    if !environment.service_links().is_empty() {
        line(format_args!("kept from dkron, as Services made them: {}", environment.service_links().join(", ")));
    }
    life.child = Some(child::start(&program, &prepared)?);
    Ok(life.until_child_ends())
}

fn catch_signals(sender: &Sender<Event>) -> std::io::Result<()> {
    signals::unblock()?;
    let sender = sender.clone();
    // A receiver that is gone means that the program is ending.
    signals::listen(move |caught| drop(sender.send(Event::Signal(caught))))?;
    child::adopt_orphans()
}

/// The file to execute, and the whole command with its first word.
fn locate(find_dkron: bool, mut words: Vec<OsString>) -> Result<(PathBuf, Vec<OsString>), find::FindError> {
    let path = std::env::var_os("PATH");
    if find_dkron {
        let program = find::dkron(path.as_deref())?;
        words.insert(0, program.clone().into_os_string());
        return Ok((program, words));
    }
    Ok((find::program(&words[0], path.as_deref())?, words))
}

fn facts(words: &[OsString], settings: &Settings, environment: &Environment) -> Facts {
    let domain = settings.cluster_domain.clone().or_else(|| {
        let resolv_conf = fs::read_to_string(RESOLV_CONF).ok()?;
        peers::cluster_domain(&resolv_conf)
    });
    let own = |name: &str| settings.pod_name.as_deref().is_some_and(|pod| peers::is_pod(name, pod));
    let peer = |name: &String| Peer::new(peers::absolute(name, domain.as_deref()), own(name));
    Facts {
        role: role(words, settings.role, environment),
        size: settings.size,
        peers: settings.peers.iter().map(peer).collect(),
    }
}

fn role(words: &[OsString], said: SaidRole, environment: &Environment) -> Role {
    let written = || {
        let variable = environment.get(&variable(flag::SERVER)).map(is_true);
        Form::of(words).server().or(variable)
    };
    match said {
        SaidRole::Server => Role::Server,
        SaidRole::Agent => Role::Agent,
        SaidRole::Auto | SaidRole::Nothing if written() == Some(true) => Role::Server,
        SaidRole::Auto | SaidRole::Nothing => Role::Unknown,
    }
}

/// Probes are worth a line when they fail, and never dkron's life.
fn serve_probes(settings: &Settings) {
    let port = settings.wrapper_port;
    let probes = Probes::bind(port, settings.dkron_port, settings.pod_ip);
    match probes.and_then(Probes::serve) {
        Ok(()) => line(format_args!("probes are served on port {port}")),
        Err(error) => line(format_args!("no probes on port {port}: {error}")),
    }
}

/// How a wait ended.
enum Awaited {
    Start(Launch),
    End(Exit),
}

/// What the main loop holds.
struct Life {
    events: Receiver<Event>,
    child: Option<Pid>,
    orphans: u64,
}

impl Life {
    /// Gathers facts until dkron can be started, or a signal ends the wait.
    fn wait_for_start(&mut self, mut facts: Facts, port: u16, sender: &Sender<Event>) -> Result<Awaited, Failure> {
        let mut lookout = None;
        let mut waiting = WaitReport::default();
        loop {
            match decide::start(&facts) {
                Start::Run(launch) => {
                    report::start(&launch, &facts);
                    return Ok(Awaited::Start(launch));
                }
                Start::Wait(what) => waiting.tell(&what, &facts),
            }
            if lookout.is_none() {
                let sender = sender.clone();
                let tell = move |number, sight| drop(sender.send(Event::Seen(number, sight)));
                lookout = Some(Lookout::start(&facts.peers, port, tell).map_err(Failure::with(Exit::System))?);
            }
            match self.events.recv_timeout(waiting.pause()) {
                Ok(Event::Seen(number, sight)) => facts.peers[number].note(sight),
                Ok(Event::Signal(caught)) => {
                    if let Some(exit) = self.signal(caught) {
                        return Ok(Awaited::End(exit));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Awaited::End(Exit::System)),
            }
        }
    }

    /// Passes signals on and reaps until the child is gone.
    fn until_child_ends(&mut self) -> Exit {
        loop {
            match self.events.recv() {
                Ok(Event::Signal(caught)) => {
                    if let Some(exit) = self.signal(caught) {
                        report::end(exit, self.orphans);
                        return exit;
                    }
                }
                // A peer's last word.
                Ok(Event::Seen(..)) => {}
                Err(_) => return Exit::System,
            }
        }
    }

    /// Deals with one signal; returns how this program ends, if it does.
    fn signal(&mut self, caught: Caught) -> Option<Exit> {
        let (signal, reached_child) = match caught {
            Caught::Child => {
                let Reaped { child, orphans } = child::reap(self.child);
                self.orphans += orphans;
                return child;
            }
            Caught::ForDkron(signal) => (signal, false),
            Caught::FromTerminal(signal) => (signal, true),
        };
        match (decide::on_signal(signal, self.child.is_some()), self.child) {
            (OnSignal::PassOn, Some(child)) if !reached_child => child::pass_on(child, signal),
            (OnSignal::End, _) => {
                line(format_args!("ended by {} before dkron was started", signals::name(signal)));
                return Some(Exit::Signal(signal.as_raw()));
            }
            (OnSignal::PassOn | OnSignal::Ignore, _) => {}
        }
        if reached_child {
            signals::stop_with_group(signal);
        }
        None
    }
}
