//! One agent, its servers, and what it does.

use super::super::procedure::{Member, Status};
use super::*;

const SERVER: [u8; 4] = [10, 0, 0, 1];
const OWN: [u8; 4] = [10, 0, 0, 9];

/// An agent that runs, on a clock of seconds.
struct Cast {
    agent: Agent,
    second: u64,
    jobs: usize,
    done: Vec<Action>,
}

fn me() -> Me {
    Me { node: "w-1".into(), ip: Some(OWN.into()), asks: true, sure: true, home: Some(home("a")) }
}

fn home(cluster: &str) -> Home {
    Home { namespace: "n".into(), cluster: cluster.into() }
}

/// What the wrapper of a server of `a` that knows a leader says.
fn sighting(status: Option<Status>) -> Sighting {
    let member = status.map(|status| Member::new("w-1".into(), OWN.into(), status));
    Sighting { server: SERVER.into(), home: Some(home("a")), led: true, member }
}

impl Cast {
    fn of(me: Me) -> Self {
        let mut cast = Self { agent: Agent::new(me), second: 1000, jobs: 0, done: Vec::new() };
        cast.hear(Input::Tick);
        cast
    }

    /// One that its servers have seen.
    fn seen() -> Self {
        let mut cast = Self::of(me());
        cast.sees(sighting(Some(Status::Alive)));
        assert_eq!(cast.done, [Action::Start, Action::Say(Saying::Seen(None))]);
        cast.done.clear();
        cast
    }

    /// Takes in one input, and everything that its edges answer at once.
    fn hear(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for action in self.agent.step(Moment(self.second * 1000), input) {
                match action {
                    Action::CountJobs => inputs.push(Input::Jobs(self.jobs)),
                    Action::Start => {
                        inputs.push(Input::Started);
                        self.done.push(action);
                    }
                    action => self.done.push(action),
                }
            }
        }
    }

    fn sees(&mut self, sighting: Sighting) {
        self.hear(Input::Seen(Ok(sighting)));
    }

    /// Time goes on until so many seconds have passed, with this answer of the servers as often as they are asked.
    fn goes_on(&mut self, seconds: u64, seen: &Outcome<Sighting>) {
        let end = self.second + seconds;
        while self.second < end {
            self.second += self.agent.pace(Moment(self.second * 1000)).as_secs();
            let now = Moment(self.second * 1000);
            if self.agent.next(now) <= now {
                self.hear(Input::Tick);
            }
            self.hear(Input::Seen(seen.clone()));
        }
    }

    /// Everything that it did since the last call.
    fn did(&mut self) -> Vec<Action> {
        mem::take(&mut self.done)
    }

    fn did_not(&mut self, what: impl Fn(&Action) -> bool) -> bool {
        !self.did().iter().any(what)
    }
}

fn is_term(action: &Action) -> bool {
    *action == Action::Term
}

fn acts(action: &Action) -> bool {
    !matches!(action, Action::Say(_))
}

#[test]
fn an_agent_that_is_seen_is_left_alone_and_asked_for_calmly() {
    let mut cast = Cast::seen();
    cast.goes_on(3600, &Ok(sighting(Some(Status::Alive))));
    assert_eq!(cast.did(), []);
    assert_eq!((cast.agent.pace(Moment(cast.second * 1000)), cast.agent.health().ready.is_ok()), (CALM, true));
}

#[test]
fn a_lost_agent_is_introduced_and_then_restarted_within_the_time_that_is_promised() {
    let mut cast = Cast::seen();
    let begun = cast.second;
    let servers_moved = Ok(sighting(None));
    while cast.did_not(|action| matches!(action, Action::Introduce(_))) {
        cast.goes_on(5, &servers_moved);
        assert!(cast.agent.health().ready.is_err());
    }
    assert!((5..=30).contains(&(cast.second - begun)), "{}", cast.second - begun);
    while cast.did_not(is_term) {
        cast.goes_on(5, &servers_moved);
    }
    // A start and the gossip after it take a second or two.
    assert!((60..=85).contains(&(cast.second - begun)), "{}", cast.second - begun);
    cast.hear(Input::Ended(0));
    assert_eq!(cast.did(), [Action::Start]);
    cast.sees(sighting(Some(Status::Alive)));
    assert!(matches!(cast.did()[..], [Action::Say(Saying::Seen(Some(_)))]));
}

#[test]
fn an_introduction_that_helps_is_the_end_of_it() {
    let mut cast = Cast::seen();
    cast.goes_on(40, &Ok(sighting(Some(Status::Failed))));
    let did = cast.did();
    assert_eq!(did[0], Action::Say(Saying::Introducing(SERVER.into())), "{did:?}");
    let introductions = did.iter().filter(|action| **action == Action::Introduce(SERVER.into())).count();
    assert!((1..=3).contains(&introductions), "{did:?}");
    cast.hear(Input::Introduced(Ok(())));
    cast.goes_on(600, &Ok(sighting(Some(Status::Alive))));
    assert!(matches!(cast.did()[..], [Action::Say(Saying::Seen(Some(_)))]));
}

#[test]
fn nothing_is_restarted_while_a_job_runs_and_people_are_told_now_and_then() {
    let mut cast = Cast::seen();
    cast.jobs = 2;
    cast.goes_on(3600, &Ok(sighting(None)));
    let did = cast.did();
    assert!(!did.iter().any(is_term), "{did:?}");
    let told = did.iter().filter(|action| **action == Action::Say(Saying::HeldUp(2))).count();
    assert!((10..=13).contains(&told), "{told}");
    cast.jobs = 0;
    cast.goes_on(10, &Ok(sighting(None)));
    assert!(cast.did().iter().any(is_term));
}

#[test]
fn servers_that_are_away_or_have_no_leader_are_no_reason_for_anything() {
    let leaderless = Sighting { led: false, ..sighting(None) };
    for seen in [Err("no address".into()), Ok(leaderless)] {
        let mut cast = Cast::seen();
        cast.goes_on(3600, &seen);
        assert_eq!(cast.did(), [], "{seen:?}");
        assert_eq!(cast.agent.pace(Moment(cast.second * 1000)), HURRY, "so that their return is heard of soon");
        // What was heard before they went away does not count when they are back.
        cast.goes_on(20, &Ok(sighting(None)));
        cast.goes_on(600, &seen);
        cast.goes_on(40, &Ok(sighting(None)));
        assert!(cast.did_not(is_term));
    }
}

#[test]
fn one_server_that_sees_it_outweighs_another_that_does_not() {
    let mut cast = Cast::seen();
    for _ in 0..200 {
        cast.goes_on(5, &Ok(sighting(Some(Status::Failed))));
        cast.goes_on(5, &Ok(sighting(Some(Status::Alive))));
    }
    assert!(cast.did_not(acts));
}

#[test]
fn an_agent_that_nobody_has_ever_heard_of_is_left_to_join() {
    let mut cast = Cast::of(Me { sure: false, ..me() });
    assert_eq!(cast.agent.pace(Moment(1_001_000)), BEGINNING);
    cast.goes_on(3600, &Ok(sighting(None)));
    assert_eq!(cast.did(), [Action::Start, Action::Say(Saying::Unknown)], "these may be somebody else's servers");
    // Its name is alive at another address: serf may listen there.
    let elsewhere = Member::new("w-1".into(), [10, 0, 0, 8].into(), Status::Alive);
    cast.goes_on(120, &Ok(Sighting { member: Some(elsewhere), ..sighting(None) }));
    assert!(!cast.did().iter().any(is_term));
    // A zombie's name is known, and at last held for dead.
    cast.goes_on(120, &Ok(sighting(Some(Status::Failed))));
    assert!(cast.did().iter().any(is_term));
}

#[test]
fn an_agent_that_has_not_joined_is_restarted_and_never_introduced() {
    let mut cast = Cast::of(me());
    while cast.did_not(is_term) {
        cast.goes_on(5, &Ok(sighting(None)));
        assert!(cast.second < 1100, "its servers are sure");
    }
    cast.hear(Input::Ended(0));
    cast.goes_on(60, &Ok(sighting(Some(Status::Failed))));
    assert_eq!(cast.did(), [Action::Start], "it would be given jobs before it can take any");
}

#[test]
fn an_agent_that_came_before_its_servers_is_restarted_once_and_soon() {
    let mut cast = Cast::of(me());
    cast.goes_on(300, &Err("nobody is there".into()));
    assert_eq!(cast.did(), [Action::Start], "there is nobody to join");
    cast.goes_on(14, &Ok(sighting(None)));
    assert_eq!(cast.did(), [Action::Say(Saying::Anew), Action::Term]);
    cast.hear(Input::Ended(0));
    cast.goes_on(55, &Ok(sighting(None)));
    assert_eq!(cast.did(), [Action::Start], "once; after that it is lost like any other");
    // Whoever was seen is introduced, and not restarted for this.
    let mut cast = Cast::seen();
    cast.goes_on(14, &Ok(sighting(None)));
    assert!(cast.did_not(is_term));
    // A job that runs was given by somebody.
    let mut cast = Cast::of(me());
    cast.jobs = 1;
    cast.goes_on(50, &Ok(sighting(None)));
    assert!(cast.did_not(is_term));
}

#[test]
fn servers_of_another_cluster_count_for_nothing() {
    let mut cast = Cast::seen();
    cast.goes_on(3600, &Ok(Sighting { home: Some(home("b")), ..sighting(None) }));
    assert!(cast.did_not(acts));
    // Where nobody said it, the first cluster that knows the agent is its own.
    let mut cast = Cast::of(Me { home: None, ..me() });
    cast.goes_on(40, &Ok(sighting(None)));
    assert_eq!(cast.did(), [Action::Start]);
    cast.sees(Sighting { home: Some(home("b")), ..sighting(Some(Status::Alive)) });
    cast.did();
    cast.goes_on(600, &Ok(sighting(None)));
    assert!(cast.did_not(acts));
    cast.goes_on(30, &Ok(Sighting { home: Some(home("b")), ..sighting(None) }));
    assert!(cast.did().contains(&Action::Introduce(SERVER.into())));
}

#[test]
fn a_server_without_a_wrapper_is_never_introduced_to_and_asked_less_often() {
    let plain = |status| Sighting { home: None, ..sighting(status) };
    let mut cast = Cast::of(Me { home: None, ..me() });
    cast.goes_on(60, &Ok(plain(Some(Status::Alive))));
    assert_eq!(cast.agent.pace(Moment(cast.second * 1000)), CALM_PLAIN);
    cast.did();
    cast.goes_on(100, &Ok(plain(Some(Status::Left))));
    let did: Vec<_> = cast.did().into_iter().filter(acts).collect();
    assert_eq!(did, [Action::Term], "whose server it is, nobody said");
}

#[test]
fn restarts_that_do_not_help_become_rare() {
    let mut cast = Cast::seen();
    let mut restarts = Vec::new();
    while cast.second < 1000 + 2 * 3600 {
        cast.goes_on(5, &Ok(sighting(None)));
        if cast.did().iter().any(is_term) {
            restarts.push(cast.second);
            cast.hear(Input::Ended(0));
        }
    }
    let pauses: Vec<_> = restarts.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses.is_sorted_by(|one, other| one <= &(other + 10)), "{pauses:?}");
    assert!(pauses[0] >= 120 && pauses.iter().all(|pause| *pause <= 15 * 60 + 30), "{pauses:?}");
    assert!(restarts.len() < 14, "{pauses:?}");
}

#[test]
fn agents_act_one_after_another() {
    let spreads: Vec<_> = (0..1000).map(|number| spread(&format!("worker-7c9f8d-{number}"))).collect();
    let most = Duration::from_millis(SPREAD.into());
    assert!(spreads.iter().all(|spread| *spread < most));
    for part in 0..10 {
        let within = most * part / 10..most * (part + 1) / 10;
        let number = spreads.iter().filter(|spread| within.contains(*spread)).count();
        assert!((50..200).contains(&number), "{number} of 1000 in {within:?}");
    }
    assert_eq!(spread("worker"), spread("worker"));
}

#[test]
fn term_is_passed_on_at_once_and_once() {
    let mut cast = Cast::seen();
    cast.jobs = 1;
    cast.hear(Input::Stop);
    cast.hear(Input::Stop);
    assert_eq!(cast.did(), [Action::Say(Saying::Stopping), Action::Term, Action::Say(Saying::Jobs(1))]);
    cast.goes_on(3600, &Ok(sighting(Some(Status::Left))));
    assert_eq!(cast.did(), [], "dkron waits for its jobs, and the kubelet for dkron");
    cast.hear(Input::Ended(0));
    assert_eq!(cast.did(), [Action::Exit(0)]);
    let mut terminal = Cast::seen();
    terminal.hear(Input::Stopped);
    assert_eq!(terminal.did(), [Action::Say(Saying::Stopping)]);
}

#[test]
fn term_during_a_restart_ends_it() {
    let mut cast = Cast::seen();
    cast.goes_on(90, &Ok(sighting(None)));
    assert!(cast.did().iter().any(is_term));
    cast.hear(Input::Stop);
    cast.hear(Input::Ended(0));
    assert_eq!(cast.did(), [Action::Say(Saying::Stopping), Action::Exit(0)]);
}

#[test]
fn a_dkron_that_does_not_end_is_killed_where_no_job_runs() {
    let mut cast = Cast::seen();
    cast.goes_on(90, &Ok(sighting(None)));
    assert!(cast.did().iter().any(is_term));
    cast.jobs = 1;
    cast.second += 61;
    cast.hear(Input::Tick);
    assert_eq!(cast.did(), [], "one came in the last moment");
    cast.jobs = 0;
    cast.second += 61;
    cast.hear(Input::Tick);
    assert_eq!(cast.did(), [Action::Say(Saying::Killing), Action::Kill]);
    cast.hear(Input::Ended(137));
    assert_eq!(cast.did(), [Action::Start]);
}

#[test]
fn a_dkron_that_ends_by_itself_ends_the_program() {
    let mut cast = Cast::seen();
    cast.hear(Input::Ended(1));
    assert_eq!(cast.did(), [Action::Exit(1)]);
}

#[test]
fn without_anybody_to_ask_nothing_is_watched_and_that_is_said() {
    let mut cast = Cast::of(Me { asks: false, ..me() });
    assert_eq!(cast.did(), [Action::Say(Saying::NobodyToAsk), Action::Start]);
    assert!(cast.agent.health().ready.is_ok());
}

#[test]
fn what_goes_wrong_with_introductions_is_said_once() {
    let mut cast = Cast::seen();
    for outcome in [Err("a".into()), Err("a".into()), Err("b".into()), Ok(()), Err("b".into())] {
        cast.hear(Input::Introduced(outcome));
    }
    let said = |why: &str| Action::Say(Saying::NotIntroduced(why.into()));
    assert_eq!(cast.did(), [said("a"), said("b"), said("b")]);
}
