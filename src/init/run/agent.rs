//! The life of an agent: it decides, this carries out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::super::agent::{Action, Agent, Input};
use super::super::child::{self, Reaped};
use super::super::clock;
use super::super::dkron::introduce::introduce;
use super::super::exit::Exit;
use super::super::jobs;
use super::super::log::line;
use super::super::port::board::{Board, Counters, Snapshot};
use super::super::procedure::Name;
use super::super::relatives;
use super::super::report;
use super::super::signals::{self, Caught};
use super::super::threads;
use super::super::watch::servers::Servers;
use super::events::{Event, Events};
use super::situation::Situation;
use super::{Failure, server};
use crate::contract::port;

/// Three exchanges, each of which takes milliseconds.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// Lives as an agent until dkron is gone for good.
pub fn run(situation: &Situation, events: &Events) -> Result<Exit, Failure> {
    let (me, question) = situation.agent();
    let asks = me.asks;
    let mut life = Life {
        situation,
        agent: Agent::new(me),
        board: None,
        counters: Counters::default(),
        sender: events.sender(),
        child: None,
        ended: None,
        over: None,
    };
    if situation.serves_probes() {
        // dkron's configuration file decided that it is an agent, and the pod's probes may point here.
        let board = Arc::new(Board::new(life.snapshot()));
        server::serve_port(situation, Arc::clone(&board));
        life.board = Some(board);
    }
    report::starting_as(true);
    life.step(Input::Tick)?;
    let servers = if asks {
        let sender = events.sender();
        let tell = move |seen| drop(sender.send(Event::Agent(Input::Seen(seen))));
        let begun = Servers::start(question, life.pace(), tell);
        Some(begun.map_err(Failure::with(Exit::System))?)
    } else {
        None
    };
    while life.over.is_none() {
        life.wait(events)?;
        if let Some(servers) = &servers {
            servers.pace(life.pace());
        }
    }
    Ok(life.over.unwrap_or(Exit::System))
}

struct Life<'a> {
    situation: &'a Situation,
    agent: Agent,
    /// Where the probes are answered.
    board: Option<Arc<Board>>,
    counters: Counters,
    sender: Sender<Event>,
    child: Option<Pid>,
    /// How the last child ended.
    ended: Option<Exit>,
    over: Option<Exit>,
}

impl Life<'_> {
    /// Waits for one event, or until something is due.
    fn wait(&mut self, events: &Events) -> Result<(), Failure> {
        let now = clock::now().at;
        match events.next(self.agent.next(now).since(now)) {
            None => self.step(Input::Tick),
            Some(Event::Agent(input)) => self.step(input),
            Some(Event::Signal(Caught::Child)) => self.reap(),
            Some(Event::Signal(Caught::ForDkron(signal))) => self.signal(signal),
            Some(Event::Signal(Caught::FromTerminal(signal))) => {
                signals::stop_with_group(signal);
                if signal == Signal::INT { self.step(Input::Stopped) } else { Ok(()) }
            }
            // Those of servers.
            Some(Event::Input(_) | Event::Output(..)) => Ok(()),
        }
    }

    fn pace(&self) -> Duration {
        self.agent.pace(clock::now().at)
    }

    fn signal(&mut self, signal: Signal) -> Result<(), Failure> {
        if matches!(signal, Signal::TERM | Signal::INT) {
            return self.step(Input::Stop);
        }
        relatives::tell_dkron(self.child, signal);
        Ok(())
    }

    fn step(&mut self, input: Input) -> Result<(), Failure> {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            for action in self.agent.step(clock::now().at, input) {
                // Not more than one action of a step is answered at once.
                next = self.carry_out(action)?.or(next);
            }
        }
        if let Some(board) = &self.board {
            board.show(self.snapshot());
        }
        Ok(())
    }

    /// Does one thing; returns what is learned at once.
    fn carry_out(&mut self, action: Action) -> Result<Option<Input>, Failure> {
        match action {
            Action::Start => {
                if self.ended.is_some() {
                    relatives::end_orphaned_plugins();
                }
                self.child = Some(child::start(&self.situation.program, &self.situation.prepared_as_it_is())?);
                self.counters.starts += 1;
                return Ok(Some(Input::Started));
            }
            Action::Term => relatives::tell_dkron(self.child, Signal::TERM),
            Action::Kill => relatives::tell_dkron(self.child, Signal::KILL),
            Action::Introduce(server) => self.introduce(server),
            Action::CountJobs => {
                let count = |dkron| jobs::running(dkron, self.situation.rpc_port());
                return Ok(Some(Input::Jobs(self.child.map(relatives::dkron_of).map_or(0, count))));
            }
            Action::Say(saying) => line(saying),
            Action::Exit(code) => {
                let exit = self.ended.filter(|exit| exit.code() == code).unwrap_or(Exit::Code(code));
                report::end(exit, self.counters.orphans);
                self.over = Some(exit);
            }
        }
        Ok(None)
    }

    fn introduce(&self, server: IpAddr) {
        let agent = self.situation.serf();
        let server = SocketAddr::new(server, port::DKRON_SERF);
        let sender = self.sender.clone();
        let tell = move |outcome| drop(sender.send(Event::Agent(Input::Introduced(outcome))));
        let words = |error: std::io::Error| Name::from(error.to_string());
        if agent.port() != port::DKRON_SERF {
            // Then servers may be at another port too, and at the usual one somebody else.
            return tell(Err("serf listens at another port than the usual one".into()));
        }
        let introduction = {
            let tell = tell.clone();
            move || tell(introduce(agent, server, INTRODUCTION).map_err(words))
        };
        if let Err(error) = threads::begin("introduction", Box::new(introduction)) {
            tell(Err(words(error)));
        }
    }

    fn reap(&mut self) -> Result<(), Failure> {
        for Reaped { pid, exit } in child::reap() {
            if Some(pid) == self.child {
                self.child = None;
                self.ended = Some(exit);
                self.step(Input::Ended(exit.code()))?;
            } else {
                self.counters.orphans += 1;
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { health: self.agent.health(), state: None, counters: self.counters }
    }
}
