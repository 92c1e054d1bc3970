//! The life of a server: the procedure decides, this carries out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::super::child::{self, Reaped};
use super::super::clock;
use super::super::command::{generation, is_dkron};
use super::super::disk::{DataDir, DesiredFile};
use super::super::dkron::own::OwnDkron;
use super::super::dkron::raft_table;
use super::super::exit::Exit;
use super::super::log::line;
use super::super::notices::Notices;
use super::super::port::board::{Board, Counters, Snapshot};
use super::super::port::serve::Port;
use super::super::procedure::{Action, Disk, Input, Launch, Name, Prepare, Procedure, Saying, TERMINATED};
use super::super::relatives;
use super::super::report;
use super::super::signals::{self, Caught};
use super::super::tools::{Done, Tools};
use super::super::watch::own::Own;
use super::super::watch::peers::Peers;
use super::Failure;
use super::events::{Event, Events};
use super::requests::Requests;
use super::situation::Situation;

/// What a call of dkron's command line answers.
#[derive(Debug)]
enum Question {
    Raft(SocketAddr),
    Removed(Name),
    Generation,
}

/// Lives as a server of a cluster until dkron is gone for good.
pub fn run(situation: &Situation, events: Events) -> Result<Exit, Failure> {
    let disk = situation.data_dir();
    let procedure = Procedure::new(situation.me(disk.as_ref()));
    let mut server = Server::begin(situation, disk, procedure, events)?;
    server.step(Input::Tick)?;
    while server.over.is_none() {
        server.wait()?;
    }
    Ok(server.over.unwrap_or(Exit::System))
}

/// Serves the wrapper's port; that it cannot be had is worth a line, and never dkron's life.
pub fn serve_port(situation: &Situation, board: Arc<Board>) {
    let port = situation.settings.wrapper_port;
    match Port::bind(port).and_then(|bound| bound.serve(board)) {
        Ok(()) => line(format_args!("state and probes are served on port {port}")),
        Err(error) => line(format_args!("no state and no probes on port {port}: {error}")),
    }
}

struct Server<'a> {
    situation: &'a Situation,
    events: Events,
    procedure: Procedure,
    disk: Option<DataDir>,
    desired: Option<DesiredFile>,
    board: Arc<Board>,
    counters: Counters,
    notices: Notices,
    peers: Peers,
    own: Own,
    requests: Requests,
    tools: Tools<Question>,
    child: Option<Pid>,
    /// dkron's version is still to be asked for: the answer takes as long as a start, and a first start does not need it.
    asks_generation: bool,
    /// How the last child ended.
    ended: Option<Exit>,
    /// The first signal that asked for an end.
    stopped_by: Option<Signal>,
    over: Option<Exit>,
}

impl<'a> Server<'a> {
    fn begin(
        situation: &'a Situation,
        disk: Option<DataDir>,
        procedure: Procedure,
        events: Events,
    ) -> Result<Self, Failure> {
        let now = clock::now();
        let asks_generation = procedure.state(now).disk == Disk::Empty;
        let counters = Counters::default();
        let state = procedure.state(now);
        let notices = Notices::new(Name::clone(&state.namespace), Name::clone(&state.pod), now.at);
        let snapshot = Snapshot { health: procedure.health(now), state: Some(state), counters };
        let board = Arc::new(Board::new(snapshot));
        board.note(&notices);
        // Before anybody else is asked: all of them may ask at the same moment.
        serve_port(situation, Arc::clone(&board));
        let pace = procedure.pace();
        let dkron = Arc::new(OwnDkron::new(situation.http_port(), situation.settings.pod_ip));
        let tell = events.teller();
        let own = Own::start(Arc::clone(&dkron), pace.own, Arc::clone(&board), Arc::clone(&tell))
            .map_err(Failure::with(Exit::System))?;
        let node = procedure.state(now).node;
        let mut server = Self {
            situation,
            procedure,
            disk,
            desired: situation.desired(),
            board,
            counters,
            notices,
            peers: Peers::new(situation.ports(), pace.peers, Arc::clone(&tell)),
            own,
            requests: Requests::new(dkron, node, tell),
            events,
            tools: Tools::new(),
            child: None,
            asks_generation,
            ended: None,
            stopped_by: None,
            over: None,
        };
        server.read_desired()?;
        server.watch_peers()?;
        Ok(server)
    }

    /// Waits for one event, or until something is due.
    fn wait(&mut self) -> Result<(), Failure> {
        let now = clock::now();
        let within = self.procedure.next(now).since(now.at);
        match self.events.next(within) {
            None => self.step(Input::Tick)?,
            Some(Event::Input(input)) => self.step(input)?,
            Some(Event::Signal(caught)) => self.signal(caught)?,
            // Those of agents.
            Some(Event::Agent(_)) => {}
            Some(Event::Output(pid, output)) => {
                let done = self.tools.wrote(pid, output);
                self.answer(done)?;
            }
        }
        self.tools.end_the_slow();
        self.read_desired()
    }

    fn step(&mut self, input: Input) -> Result<(), Failure> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let wanted = self.procedure.step(clock::now(), input);
            // What is decided is shown before it is done: of two that ask each other, one hears it in any case.
            self.show();
            for action in wanted {
                inputs.extend(self.carry_out(action)?);
            }
        }
        let pace = self.procedure.pace();
        self.peers.pace(pace.peers);
        self.own.pace(pace.own);
        Ok(())
    }

    fn show(&self) {
        let now = clock::now();
        let (health, state) = (self.procedure.health(now), Some(self.procedure.state(now)));
        self.board.show(Snapshot { health, state, counters: self.counters });
    }

    fn read_desired(&mut self) -> Result<(), Failure> {
        let Some(file) = &mut self.desired else { return Ok(()) };
        match file.look(clock::now().at) {
            Ok(None) => Ok(()),
            Ok(Some((desired, written))) => {
                self.step(Input::Desired(desired, written))?;
                self.watch_peers()
            }
            Err(why) => {
                line(format_args!("{} {why}", self.situation.settings.desired.display()));
                Ok(())
            }
        }
    }

    fn watch_peers(&mut self) -> Result<(), Failure> {
        self.peers.watch(&self.procedure.peers(clock::now())).map_err(Failure::with(Exit::System))
    }

    /// Does one thing; returns what is learned at once.
    fn carry_out(&mut self, action: Action) -> Result<Option<Input>, Failure> {
        match action {
            Action::Start(launch) => return self.start(&launch).map(Some),
            Action::Term => relatives::tell_dkron(self.child, Signal::TERM),
            Action::Kill => relatives::tell_dkron(self.child, Signal::KILL),
            Action::EndPlugins => relatives::end_orphaned_plugins(),
            Action::ListRaft(at) => {
                let words = ["raft", "list-peers", "--rpc-addr", &at.to_string()];
                return Ok(self.call(&words, Question::Raft(at)));
            }
            Action::RemovePeer { at, id } => {
                let words = ["raft", "remove-peer", "--rpc-addr", &at.to_string(), "--peer-id", &id];
                return Ok(self.call(&words, Question::Removed(Name::clone(&id))));
            }
            Action::HandOver(to) => self.requests.hand_over(to),
            Action::Leave => self.requests.leave(),
            Action::AskBusy => self.requests.busy(),
            Action::Mark(marker) => {
                if let Some(Err(error)) = self.disk.as_ref().map(|disk| disk.mark(&marker)) {
                    line(format_args!("the marker beside the raft state could not be written: {error}"));
                }
            }
            Action::Look => {
                // The look is to begin later than what asked for it, by a clock of milliseconds.
                std::thread::sleep(Duration::from_millis(1));
                self.peers.kick();
                self.own.kick();
            }
            Action::Say(saying) => self.say(&saying),
            Action::Exit(code) => self.over = Some(self.exit(code)),
        }
        Ok(None)
    }

    fn say(&mut self, saying: &Saying) {
        let counter = match saying {
            Saying::Stalled => Some(&mut self.counters.stall_cures),
            Saying::Zombie(_) => Some(&mut self.counters.zombie_restarts),
            Saying::HandedOver(..) => Some(&mut self.counters.hand_overs),
            Saying::Failed("handing over", _) => Some(&mut self.counters.hand_overs_failed),
            Saying::Left(_) => Some(&mut self.counters.leaves),
            Saying::Died(..) | Saying::DiesAlways(_) => Some(&mut self.counters.deaths),
            _ => None,
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
        if self.notices.hear(saying, clock::now().at) {
            self.board.note(&self.notices);
        }
        line(saying);
    }

    fn start(&mut self, launch: &Launch) -> Result<Input, Failure> {
        let prepared = match &launch.disk {
            Prepare::Keep => Ok(()),
            Prepare::MoveAside => self.disk.as_ref().map_or(Ok(()), DataDir::move_aside),
            Prepare::Recover(servers) => self.disk.as_ref().map_or(Ok(()), |disk| disk.write_peers_json(servers)),
        };
        if let Err(error) = prepared {
            line(format_args!("the raft directory could not be prepared: {error}"));
        }
        self.child = Some(child::start(&self.situation.program, &self.situation.prepared(launch))?);
        self.counters.starts += 1;
        self.own.kick();
        if std::mem::take(&mut self.asks_generation) {
            self.call(&["version"], Question::Generation);
        }
        Ok(Input::Started)
    }

    fn call(&mut self, words: &[&str], question: Question) -> Option<Input> {
        let sender = self.events.sender();
        let tell = move |pid, output| drop(sender.send(Event::Output(pid, output)));
        let failed = |question, why: Name| match question {
            Question::Raft(at) => Input::Raft(at, Err(why)),
            Question::Removed(id) => Input::Removed(id, Err(why)),
            Question::Generation => Input::Tick,
        };
        // Where a script hides its place, the running one shows it.
        let running =
            || relatives::program_of(relatives::dkron_of(self.child?)).filter(|file| is_dkron(file.as_os_str()));
        let Some(program) = self.situation.dkron().map(Path::to_owned).or_else(running) else {
            return Some(failed(question, "no dkron program is known to ask with".into()));
        };
        match self.tools.call(&program, words, question, tell) {
            Ok(()) => None,
            Err((error, question)) => Some(failed(question, error.to_string().into())),
        }
    }

    fn answer(&mut self, done: Option<Done<Question>>) -> Result<(), Failure> {
        let Some(Done { question, exit, output }) = done else { return Ok(()) };
        let input = match question {
            Question::Raft(at) => Input::Raft(at, raft_table::listed(exit.code(), &output.out, &output.err)),
            Question::Removed(id) => Input::Removed(id, raft_table::removed(exit.code(), &output.err)),
            Question::Generation => Input::Generation(generation(&(output.out + &output.err))),
        };
        self.step(input)
    }

    fn signal(&mut self, caught: Caught) -> Result<(), Failure> {
        let (signal, reached_dkron) = match caught {
            Caught::Child => return self.reap(),
            Caught::ForDkron(signal) => (signal, false),
            Caught::FromTerminal(signal) => (signal, true),
        };
        match signal {
            Signal::TERM | Signal::INT => {
                self.stopped_by.get_or_insert(signal);
                return self.step(Input::Stop);
            }
            Signal::QUIT if self.child.is_none() => self.over = Some(Exit::Signal(signal.as_raw())),
            _ if !reached_dkron => relatives::tell_dkron(self.child, signal),
            _ => {}
        }
        if reached_dkron {
            signals::stop_with_group(signal);
        }
        Ok(())
    }

    fn reap(&mut self) -> Result<(), Failure> {
        for Reaped { pid, exit } in child::reap() {
            if Some(pid) == self.child {
                self.child = None;
                self.ended = Some(exit);
                self.step(Input::Ended(exit.code()))?;
            } else if self.tools.has(pid) {
                let done = self.tools.ended(pid, exit);
                self.answer(done)?;
            } else {
                self.counters.orphans += 1;
            }
        }
        Ok(())
    }

    /// How this program ends when the procedure says so.
    fn exit(&self, code: u8) -> Exit {
        match (self.ended, self.stopped_by) {
            (Some(exit), _) if exit.code() == code => {
                report::end(exit, self.counters.orphans);
                exit
            }
            (_, Some(signal)) if self.child.is_none() && code == TERMINATED => {
                line(format_args!("ended by {} while dkron was not running", signals::name(signal)));
                Exit::Signal(signal.as_raw())
            }
            _ => Exit::Code(code),
        }
    }
}
