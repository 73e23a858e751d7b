//! What a bench ends with, and what it says about what it left.

use super::*;
use crate::error::{Error, Side};
use crate::options::{EnsembleOptions, Transport};
use crate::report::Acls;
use crate::verify::Differences;

fn task() -> Task {
    let (source, target) = ("a:1".to_owned(), "b:1/x".to_owned());
    Task {
        command: "bench",
        source,
        target,
        transport: Transport::Wire,
        acls: Acls::NotRead,
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

fn account<'a>(task: &'a Task, report: &'a BenchReport) -> Account<'a> {
    Account { task, options: None, planned: false, report, resources: Resources::default() }
}

fn verified(only_source: u64, unreadable: u64) -> BenchReport {
    let differences = Differences { only_source, unreadable, ..Differences::default() };
    BenchReport { verified: Some(VerifyReport { differences, ..VerifyReport::default() }), ..BenchReport::default() }
}

fn left() -> Left {
    let ensemble = EnsembleOptions::to("b:1/x".parse().expect("a connect string"));
    let site = Site::new(Side::Target, &ensemble, "name").expect("a path");
    Left { site, why: Error::new(ErrorKind::Lost("the server has gone".to_owned()), "remove") }
}

#[test]
fn exits_with_the_worst_that_is_certain() {
    let task = task();
    let code = |report: BenchReport| account(&task, &report).exit_code();
    let interrupted = || Some(Error::new(ErrorKind::Interrupted, ""));
    assert_eq!(code(verified(0, 0)), exit::DONE);
    assert_eq!(code(verified(1, 1)), exit::DIFFERENT);
    assert_eq!(code(verified(0, 1)), exit::ERROR);
    assert_eq!(code(BenchReport { error: interrupted(), ..verified(0, 0) }), exit::INTERRUPTED);
    assert_eq!(code(BenchReport { error: Some(Error::bad_input("no")), ..BenchReport::default() }), exit::ERROR);
    assert_eq!(code(BenchReport { error: interrupted(), left: vec![left()], ..BenchReport::default() }), exit::ERROR);
}

#[test]
fn names_what_is_left_and_what_removes_it() {
    let (task, report) = (task(), BenchReport { left: vec![left()], ..BenchReport::default() });
    let left = &account(&task, &report).json()["left"][0];
    assert_eq!((&left["side"], &left["path"]), (&"target".into(), &"/x/name-target".into()));
    assert_eq!(left["remove_with"], "zkCli.sh -server b:1 deleteall /x/name-target");
    assert_eq!(left["why"], "remove: the server has gone; see to the servers and the network, then run again");
}
