//! `dkron agent`: the order of its start, and how it ends.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::address::{self, SERF_PORT};
use super::faults::Faults;
use super::generation::Generation;
use super::jobs::plugin::Plugins;
use super::jobs::scheduler::Scheduler;
use super::log::{self, Log};
use super::node::Node;
use super::raft::journal::Server;
use super::raft::{self, Raft};
use super::serf::{self, Serf};
use super::settings::Settings;
use super::{events, http, leadership, rpc_server};

/// Runs until a signal ends it; the answer is the exit code.
///
/// # Errors
/// The sentence with which dkron does not start.
pub fn run(settings: Settings) -> Result<u8, String> {
    settings.say_no_file();
    let node = start(settings)?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(|error| error.to_string())?;
    for signal in signals.forever() {
        let name = if signal == SIGINT { "interrupt" } else { "terminated" };
        println!("{}", log::line("info", &format!("Caught signal: {name}"), &[]));
        if signal == SIGHUP || node.faults.hang_on_term {
            continue;
        }
        let leaving = Arc::clone(&node);
        thread::spawn(move || {
            if let Err(why) = leaving.stop() {
                leaving.log.error("unable to stop agent", &[("error", &why)]);
            }
        });
        // The leave is not waited for, only commands that run here.
        while node.running.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_secs(1));
        }
        println!("{}", log::line("info", "No jobs left. Exiting.", &[]));
        node.plugins.stop();
        return Ok(0);
    }
    Ok(1)
}

fn start(mut settings: Settings) -> Result<Arc<Node>, String> {
    let generation = Generation::from_environment();
    let log = Log::new(&settings.node_name);
    let plugins = Plugins::start().map_err(|error| error.to_string())?;
    let bind = address::resolve(&settings.bind, SERF_PORT)?;
    let advertise = match (generation, settings.advertise.is_empty() && !bind.ip().is_unspecified()) {
        (Generation::Three, true) => bind,
        _ => address::advertised(&settings.advertise, &settings.bind)?,
    };
    settings.advertise = advertise.to_string();

    log.info("agent: Dkron agent starting", &[]);
    let (sender, receiver) = channel();
    let start = serf::Start {
        name: settings.node_name.clone(),
        bind,
        advertise,
        tags: tags(&settings, generation),
        key: settings.encrypt.clone(),
        reconnect: settings.reconnect,
    };
    let serf = Serf::start(start, sender, log.clone())
        .map_err(|error| format!("agent: Can not setup serf, Failed to create memberlist: {error}"))?;
    join(&settings, &serf, &log);

    let rpc = bind.ip().to_string() + &format!(":{}", settings.rpc_port);
    let listener = match TcpListener::bind(&rpc) {
        Ok(listener) => listener,
        Err(error) => log.fatal(&format!("listen tcp {rpc}: bind: {error}"), &[]),
    };
    let node = Arc::new(Node {
        generation,
        faults: Faults::from_environment(),
        log,
        serf,
        raft: OnceLock::new(),
        lookup: Arc::default(),
        peers: Mutex::default(),
        scheduler: Scheduler::default(),
        plugins,
        running: AtomicUsize::new(0),
        active: Mutex::default(),
        closed: AtomicBool::new(false),
        settings,
    });
    if node.settings.server {
        http::start(&node);
        start_raft(&node, &rpc);
    }
    let serving = Arc::clone(&node);
    thread::spawn(move || rpc_server::serve(&serving, &listener));

    let mut tags = node.serf.own().tags;
    tags.insert("rpc_addr".to_owned(), format!("{}:{}", advertise.ip(), node.settings.advertise_rpc_port));
    tags.insert("port".to_owned(), node.settings.advertise_rpc_port.to_string());
    node.serf.set_tags(tags);
    let listening = Arc::clone(&node);
    thread::spawn(move || events::run(&listening, &receiver));
    Ok(node)
}

fn tags(settings: &Settings, generation: Generation) -> std::collections::BTreeMap<String, String> {
    let mut tags = settings.tags.clone();
    let mut set = |key: &str, value: &str| tags.insert(key.to_owned(), value.to_owned());
    set("role", "dkron");
    set("dc", &settings.datacenter);
    set("region", &settings.region);
    set("version", generation.version());
    if settings.server {
        set("server", "true");
    }
    if settings.bootstrap_expect != 0 {
        set("expect", &settings.bootstrap_expect.to_string());
    }
    tags
}

/// With `--retry-join` nothing goes on before one member was reached; with `--join`, or with nothing, it does.
fn join(settings: &Settings, serf: &Arc<Serf>, log: &Log) {
    if settings.retry_join.is_empty() {
        log.info(&format!("agent: joining: {:?} replay: true", settings.join), &[]);
        if let Err(why) = serf.join(&settings.join) {
            log.warning("agent: Can not join", &[("error", &why)]);
        }
        return;
    }
    log.info("agent: Joining cluster...", &[("cluster", "LAN")]);
    let mut attempts = 0;
    loop {
        match serf.join(&settings.retry_join) {
            Ok(joined) => {
                log.info(&format!("agent: Join LAN completed. Synced with {joined} initial agents"), &[]);
                return;
            }
            Err(why) => {
                let every = settings.retry_interval;
                log.warning(&format!("agent: Join LAN failed: {why}, retrying in {every:?}"), &[]);
            }
        }
        attempts += 1;
        if settings.retry_max > 0 && attempts > settings.retry_max {
            // dkron hangs here: it tells its failure to a channel that nobody reads yet.
            loop {
                thread::park();
            }
        }
        thread::sleep(settings.retry_interval);
    }
}

fn start_raft(node: &Arc<Node>, listens: &str) {
    let start = raft::Start {
        own: Server { id: node.settings.node_name.clone(), address: listens.to_owned() },
        generation: node.generation,
        multiplier: node.settings.raft_multiplier,
        data: Path::new(&node.settings.data_dir),
        alone: node.settings.bootstrap_expect == 1,
        lookup: Arc::clone(&node.lookup),
    };
    if !(1..=10).contains(&start.multiplier) {
        let why = format!("raft-multiplier cannot be {}. Must be between 1 and 10", start.multiplier);
        node.log.fatal("agent: Raft layer failed to start", &[("error", &why)]);
    }
    let raft = match Raft::start(start) {
        Ok(raft) => raft,
        Err(error) => {
            node.log.fatal("agent: Raft layer failed to start", &[("error", &format!("recovery failed: {error}"))])
        }
    };
    let _ = node.raft.set(Arc::clone(&raft));
    let (watching, scheduling) = (Arc::clone(node), Arc::clone(node));
    thread::spawn(move || leadership::watch(&watching, &raft));
    thread::spawn(move || Scheduler::run(&scheduling));
}
