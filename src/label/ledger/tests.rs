//! A wrapper that says things, and what becomes of them.

use serde_json::json;

use super::*;

/// A ledger, and a clock that the test moves.
struct Scene {
    ledger: Ledger,
    begun: Instant,
    seconds: f64,
}

/// Reason, note, count, and whether it repeats an Event.
type Told = (String, String, u32, bool);

impl Scene {
    fn new() -> Self {
        let begun = Instant::now();
        Self { ledger: Ledger::new(begun), begun, seconds: 0.0 }
    }

    fn now(&self) -> Instant {
        self.begun + Duration::from_secs_f64(self.seconds)
    }

    /// The wrapper, which began at `began`, says this now: reason, text, count.
    fn hear(&mut self, began: u64, said: &[(&str, &str, u32)]) {
        self.hear_of(Duration::ZERO, began, said);
    }

    /// The same, said a while ago.
    fn hear_of(&mut self, age: Duration, began: u64, said: &[(&str, &str, u32)]) {
        let notice = |(reason, text, count): &(&str, &str, u32)| json!({"reason": reason, "warning": true, "text": text, "count": count, "at": 0});
        let notices = json!({"namespace": "n", "pod": "a-0", "began": began, "notices": said.iter().map(notice).collect::<Vec<_>>()});
        let notices: Notices = serde_json::from_value(notices).expect("notices");
        let now = self.now();
        self.ledger.hear(&notices, now, |_| age);
    }

    /// Writes all that is due, each with this outcome.
    fn write(&mut self, outcome: Outcome) -> Vec<Told> {
        let mut told = Vec::new();
        let now = self.now();
        while let Some(draft) = self.ledger.next(now) {
            told.push((draft.reason.clone(), draft.note.clone(), draft.count, draft.repeated));
            self.ledger.done(draft, outcome, now);
        }
        told
    }
}

fn told(reason: &str, note: &str, count: u32, repeated: bool) -> Told {
    (reason.into(), note.into(), count, repeated)
}

#[test]
fn what_is_said_becomes_one_event() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Zombie", "a", 1), ("Stall", "b", 1)]);
    assert_eq!(scene.write(Outcome::Written), [told("Stall", "b", 1, false), told("Zombie", "a", 1, false)]);
    scene.hear(1, &[("Zombie", "a", 1), ("Stall", "b", 1)]);
    scene.seconds = 700.0;
    assert!(scene.write(Outcome::Written).is_empty(), "said once, written once");
}

#[test]
fn the_same_again_raises_the_count_once_a_minute() {
    let mut scene = Scene::new();
    for (seconds, count, expected) in [
        (0.0, 1, vec![told("Wait", "for dkron-1", 1, false)]),
        (10.0, 2, vec![]),
        (50.0, 6, vec![]),
        (60.0, 7, vec![told("Wait", "for dkron-1", 7, true)]),
        (110.0, 12, vec![]),
        (120.0, 13, vec![told("Wait", "for dkron-1", 13, true)]),
    ] {
        scene.seconds = seconds;
        scene.hear(1, &[("Wait", "for dkron-1", count)]);
        assert_eq!(scene.write(Outcome::Written), expected, "at {seconds} s");
    }
}

#[test]
fn another_text_is_another_event() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Wait", "for dkron-1", 1)]);
    scene.write(Outcome::Written);
    scene.hear(1, &[("Wait", "for dkron-2", 2)]);
    scene.seconds = 60.0;
    scene.hear(1, &[("Wait", "for dkron-2", 3)]);
    assert_eq!(scene.write(Outcome::Written), [told("Wait", "for dkron-2", 2, false)]);
}

#[test]
fn the_same_after_a_long_time_is_another_event() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Zombie", "a", 1)]);
    scene.write(Outcome::Written);
    scene.seconds = 601.0;
    scene.hear(1, &[("Zombie", "a", 2)]);
    assert_eq!(scene.write(Outcome::Written), [told("Zombie", "a", 1, false)]);
}

#[test]
fn a_wrapper_that_begins_anew_counts_anew() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Died", "with code 1", 5)]);
    assert_eq!(scene.write(Outcome::Written), [told("Died", "with code 1", 5, false)]);
    scene.seconds = 61.0;
    scene.hear(2, &[("Died", "with code 1", 1)]);
    assert_eq!(scene.write(Outcome::Written), [told("Died", "with code 1", 6, true)]);
}

#[test]
fn what_was_said_before_this_program_began_is_told_if_it_is_still_news() {
    let mut scene = Scene::new();
    scene.hear_of(Duration::from_secs(3601), 1, &[("Found", "a", 1)]);
    assert!(scene.write(Outcome::Written).is_empty());
    scene.hear(1, &[("Found", "a", 2)]);
    assert_eq!(scene.write(Outcome::Written), [told("Found", "a", 1, false)]);
    scene.hear_of(Duration::from_secs(3599), 1, &[("Found", "a", 2), ("Stall", "b", 4)]);
    assert_eq!(scene.write(Outcome::Written), [told("Stall", "b", 4, false)]);
}

#[test]
fn an_outage_loses_nothing_and_is_asked_less_and_less() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Stall", "b", 1)]);
    let mut tried = Vec::new();
    for second in 0..120u32 {
        scene.seconds = f64::from(second);
        scene.hear(1, &[("Stall", "b", 1 + second / 50)]);
        if let Some(draft) = scene.ledger.next(scene.now()) {
            tried.push(second);
            let now = scene.now();
            scene.ledger.done(draft, Outcome::Failed, now);
        }
    }
    assert_eq!(tried, [0, 1, 3, 7, 15, 31, 61, 91]);
    scene.seconds = 121.0;
    assert_eq!(scene.write(Outcome::Written), [told("Stall", "b", 3, false)]);
}

#[test]
fn one_that_cannot_be_written_holds_up_no_other() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Stall", "b", 1), ("Zombie", "a", 1)]);
    let mut tried = Vec::new();
    for second in 0..10u32 {
        scene.seconds = f64::from(second);
        let now = scene.now();
        while let Some(draft) = scene.ledger.next(now) {
            let outcome = if draft.reason == "Stall" { Outcome::Failed } else { Outcome::Written };
            tried.push((second, draft.reason.clone()));
            scene.ledger.done(draft, outcome, now);
        }
    }
    let expected = [(0, "Stall"), (1, "Zombie"), (1, "Stall"), (2, "Stall"), (4, "Stall"), (8, "Stall")];
    assert_eq!(tried, expected.map(|(second, reason)| (second, reason.to_owned())));
}

#[test]
fn an_event_that_kubernetes_has_forgotten_is_made_anew_and_a_refused_one_is_given_up() {
    let mut scene = Scene::new();
    scene.hear(1, &[("Stall", "b", 1)]);
    scene.write(Outcome::Written);
    scene.seconds = 100.0;
    scene.hear(1, &[("Stall", "b", 2)]);
    let draft = scene.ledger.next(scene.now()).expect("a repetition");
    assert!(draft.repeated);
    let now = scene.now();
    scene.ledger.done(draft, Outcome::Gone, now);
    assert_eq!(scene.write(Outcome::Refused), [told("Stall", "b", 1, false)]);
    scene.seconds = 1000.0;
    assert!(scene.write(Outcome::Written).is_empty());
}

#[test]
fn a_flood_is_bounded() {
    let mut scene = Scene::new();
    let reasons: Vec<String> = (0..100).map(|number| format!("R{number}")).collect();
    let said: Vec<_> = reasons.iter().map(|reason| (reason.as_str(), "x", 1)).collect();
    scene.hear(1, &said);
    assert_eq!(scene.write(Outcome::Written).len(), BURST as usize);
    let mut more = 0;
    for seconds in 1..=100u32 {
        scene.seconds = f64::from(seconds);
        more += scene.write(Outcome::Written).len();
    }
    assert_eq!(more, 5, "one in 20 s");
    scene.seconds = 100_000.0;
    let mut all = BURST as usize + more;
    for _ in 0..100 {
        scene.seconds += 20.0;
        all += scene.write(Outcome::Written).len();
    }
    assert_eq!(all, MOST_REASONS);
}

#[test]
fn what_kubernetes_would_not_take_is_cut_or_left_out() {
    let mut scene = Scene::new();
    let long = "ä".repeat(1000);
    scene.hear(1, &[("bad reason", "x", 1), ("", "x", 1), ("Long", &long, 1)]);
    let [(reason, note, ..)] = &scene.write(Outcome::Written)[..] else { panic!("one") };
    assert_eq!(reason, "Long");
    assert!(note.len() <= 1024 && note.ends_with("ä…"), "{} bytes", note.len());
}
