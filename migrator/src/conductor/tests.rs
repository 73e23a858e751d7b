//! The order in which steps are done and taken back, whatever fails. The steps are stand-ins that only note what is asked.

use std::cell::RefCell;
use std::path::Path;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::journal::Journal;
use crate::plan::Plan;
use crate::state::State;

thread_local! {
    /// What was asked of the steps.
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// What fails, as `run blind` or `undo blind`.
    static FAILS: RefCell<Vec<(&'static str, ErrorKind)>> = const { RefCell::new(Vec::new()) };
    /// Steps that the world no longer shows as done.
    static LOST: RefCell<Vec<StepName>> = const { RefCell::new(Vec::new()) };
}

struct Fake {
    name: StepName,
    touches: Touches,
    holds_until: Option<StepName>,
}

impl Fake {
    fn asked(&self, what: &str) -> Result<()> {
        let asked = format!("{what} {}", self.name);
        ASKED.with_borrow_mut(|all| all.push(asked.clone()));
        FAILS.with_borrow(|fails| match fails.iter().find(|(which, _)| *which == asked) {
            Some((_, kind)) => Err(Error::new(*kind, "fake", what, "as it was told")),
            None => Ok(()),
        })
    }
}

impl Step for Fake {
    fn name(&self) -> StepName {
        self.name
    }

    fn purpose(&self) -> &'static str {
        "notes that it was asked"
    }

    fn touches(&self) -> Touches {
        self.touches
    }

    fn holds_until(&self) -> Option<StepName> {
        self.holds_until
    }

    fn describe(&self, _: &Migration) -> Vec<String> {
        Vec::new()
    }

    fn check<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<Standing>> {
        let lost = LOST.with_borrow(|lost| lost.contains(&self.name));
        async move { Ok(if lost { Standing::Open("it was lost".to_owned()) } else { Standing::Done }) }.boxed_local()
    }

    fn run<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { self.asked("run") }.boxed_local()
    }

    fn undo<'a>(&'a self, _: &'a mut Migration) -> LocalBoxFuture<'a, Result<()>> {
        async { self.asked("undo") }.boxed_local()
    }
}

static METHOD: Method = Method {
    name: "fake",
    steps: &[
        &Fake { name: StepName::Preflight, touches: Touches::Nothing, holds_until: None },
        &Fake { name: StepName::StopLeader, touches: Touches::Outage, holds_until: Some(StepName::StartLeader) },
        &Fake { name: StepName::StartLeader, touches: Touches::Outage, holds_until: None },
    ],
    way_back: |_| async { Ok(()) }.boxed_local(),
};

static NO_WAY_BACK: Method = Method {
    way_back: |_| async { Err(Error::new(ErrorKind::Refused, "target", "go back", "it was written")) }.boxed_local(),
    ..Method { name: "fake", steps: METHOD.steps, way_back: METHOD.way_back }
};

fn migration(directory: &Path, state: State) -> Migration {
    let plan = "cluster = \"c\"\n[source]\nconnect = \"a:1\"\n[target]\nconnect = \"b:1\"\n[[meta_server]]\naddress = \"m:1\"\n\
                config_file = \"/f\"\nhost = \"local\"\nstop = \"true\"\nstart = \"true\"\ncheck = \"true\"\n";
    let plan = Plan { journal: directory.to_owned(), ..Plan::parse(plan).unwrap() };
    let (journal, _) = Journal::open(directory).unwrap();
    Migration::new(plan, state, Some(journal), CancellationToken::new()).unwrap()
}

fn asked() -> Vec<String> {
    ASKED.with_borrow(Clone::clone)
}

async fn forward(method: &Method, migration: &mut Migration) -> Ended {
    method.forward(migration, &BTreeSet::new(), None).await
}

#[tokio::test]
async fn steps_are_done_in_order_and_the_journal_hears_first() {
    let directory = tempfile::tempdir().unwrap();
    let mut migration = migration(directory.path(), State::default());
    assert!(matches!(forward(&METHOD, &mut migration).await, Ended::Done));
    assert_eq!(asked(), ["run preflight", "run stop-leader", "run start-leader"]);
    let entries: Vec<Entry> =
        Journal::look(directory.path()).unwrap().records.into_iter().map(|record| record.entry).collect();
    let steps = ["preflight", "stop-leader", "start-leader"];
    let expected = steps.map(|step| [Entry::Step(step.to_owned()), Entry::StepDone(step.to_owned())]).concat();
    assert_eq!(entries, expected);
}

#[tokio::test]
async fn a_failure_takes_back_what_was_begun_and_nothing_else() {
    for (fails, expected, code) in [
        ("run preflight", vec!["run preflight"], 2),
        ("run stop-leader", vec!["run preflight", "run stop-leader", "undo stop-leader", "undo preflight"], 4),
    ] {
        ASKED.take();
        FAILS.set(vec![(fails, ErrorKind::Refused)]);
        let directory = tempfile::tempdir().unwrap();
        let mut migration = migration(directory.path(), State::default());
        assert_eq!(forward(&METHOD, &mut migration).await.exit_code(), code, "{fails}");
        assert_eq!(asked(), expected);
    }
}

#[tokio::test]
async fn without_a_way_back_a_person_is_needed_and_nothing_is_undone() {
    FAILS.set(vec![("run start-leader", ErrorKind::TimedOut)]);
    let directory = tempfile::tempdir().unwrap();
    let mut migration = migration(directory.path(), State::default());
    let ended = forward(&NO_WAY_BACK, &mut migration).await;
    assert!(matches!(&ended, Ended::NeedsPerson { stuck: Some(_), .. }), "{ended:?}");
    assert_eq!(asked(), ["run preflight", "run stop-leader", "run start-leader"]);
}

#[tokio::test]
async fn an_undo_that_fails_is_gone_on_with_from_there() {
    FAILS.set(vec![("run start-leader", ErrorKind::TimedOut), ("undo stop-leader", ErrorKind::Unreachable)]);
    let directory = tempfile::tempdir().unwrap();
    let mut migration = migration(directory.path(), State::default());
    assert_eq!(forward(&METHOD, &mut migration).await.exit_code(), 5);
    assert_eq!(migration.state.begun, 2, "what was taken back is not taken back again");
    FAILS.take();
    ASKED.take();
    assert!(matches!(METHOD.back(&mut migration).await, Ended::RolledBack(None)));
    assert_eq!(asked(), ["undo stop-leader", "undo preflight"]);
}

#[tokio::test]
async fn an_interrupt_and_an_alarm_take_nothing_back() {
    for (kind, code) in [(ErrorKind::Interrupted, 130), (ErrorKind::Alarm, 5)] {
        ASKED.take();
        FAILS.set(vec![("run stop-leader", kind)]);
        let directory = tempfile::tempdir().unwrap();
        let mut migration = migration(directory.path(), State::default());
        assert_eq!(forward(&METHOD, &mut migration).await.exit_code(), code);
        assert_eq!(asked(), ["run preflight", "run stop-leader"]);
    }
}

#[tokio::test]
async fn what_the_world_no_longer_shows_is_done_again_but_not_past_what_ends_it() {
    LOST.set(vec![StepName::StopLeader]);
    for (begun, expected) in [(2, vec!["run stop-leader", "run start-leader"]), (3, vec!["run start-leader"])] {
        ASKED.take();
        let directory = tempfile::tempdir().unwrap();
        let mut migration = migration(directory.path(), State { done: 2, begun, ..State::default() });
        assert!(matches!(forward(&METHOD, &mut migration).await, Ended::Done));
        // A leader that was started on the target must not find older metadata sent there.
        assert_eq!(asked(), expected, "begun {begun}");
    }
}

#[tokio::test]
async fn it_pauses_before_a_step_and_passes_it_when_it_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let mut migration = migration(directory.path(), State::default());
    let pauses = BTreeSet::from([StepName::StopLeader]);
    let ended = METHOD.forward(&mut migration, &pauses, None).await;
    assert!(matches!(ended, Ended::Paused(StepName::StopLeader)), "{ended:?}");
    assert_eq!(asked(), ["run preflight"]);
    let ended = METHOD.forward(&mut migration, &pauses, Some(StepName::StopLeader)).await;
    assert!(matches!(ended, Ended::Done), "{ended:?}");
    assert_eq!(asked(), ["run preflight", "run stop-leader", "run start-leader"]);
}
