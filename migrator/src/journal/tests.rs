//! A journal that is torn, damaged, taken twice or written by another version.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::{FILE, Journal, Record, parse};
use crate::error::ErrorKind;
use crate::plan::StepName;

fn records() -> Vec<Record> {
    let (step, act) = (StepName::StopLeader, "stop".to_owned());
    vec![
        Record::Begun { migration: "m-1".into(), plan_digest: "ab".into(), version: "0.1.0".into() },
        Record::Intent { step, act: act.clone(), detail: json!({"address": "a:1", "before": [1, null]}) },
        Record::Output {
            host: "ssh:a".into(), command: "stop\n\"x\"".into(), code: Some(1), tail: "é\u{1b}\n".into()
        },
        Record::Failed { step, act: act.clone(), error: "no".into(), outcome_unknown: true },
        Record::Done { step, act, detail: json!(null) },
        Record::Note { text: String::new() },
    ]
}

/// A journal with all kinds of records, and its bytes.
fn written(dir: &Path) -> Vec<u8> {
    let mut journal = Journal::create(dir).unwrap();
    for record in records() {
        journal.write(&record).unwrap();
    }
    fs::read(dir.join(FILE)).unwrap()
}

fn said(dir: &Path) -> (Vec<Record>, u64) {
    let read = Journal::<Record>::read(dir).unwrap();
    (read.entries.into_iter().map(|entry| entry.record).collect(), read.torn_bytes)
}

#[test]
fn says_what_was_written_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("j");
    written(&dir);
    let (read, mut journal) = Journal::<Record>::open(&dir).unwrap();
    assert_eq!(read.entries.iter().map(|entry| entry.record.clone()).collect::<Vec<_>>(), records());
    assert_eq!(read.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(read.entries.iter().all(|entry| entry.at_ms > 1_600_000_000_000));
    journal.write(&Record::Note { text: "more".into() }).unwrap();
    drop(journal);
    let (records, torn) = said(&dir);
    assert_eq!((records.len(), torn), (7, 0));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join(FILE))), (0o700, 0o600));
}

#[test]
fn each_line_is_json() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = written(dir.path());
    for line in String::from_utf8(bytes).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["record"]["kind"].is_string(), "{line}");
    }
}

#[test]
fn torn_at_every_byte_it_says_the_lines_before_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = written(dir.path());
    let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
    for length in 0..=bytes.len() {
        fs::write(dir.path().join(FILE), &bytes[..length]).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count();
        let torn = length - ends[..whole].last().copied().unwrap_or(0);
        let (read, mut journal) = Journal::open(dir.path()).unwrap();
        assert_eq!((read.entries.len(), read.torn_bytes), (whole, torn as u64), "{length}");
        journal.write(&Record::Note { text: "more".into() }).unwrap();
        drop(journal);
        assert_eq!(said(dir.path()), ([&records()[..whole], &[Record::Note { text: "more".into() }]].concat(), 0));
    }
}

#[test]
fn a_last_line_that_did_not_reach_the_disk_in_full_is_torn_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = written(dir.path());
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let length = bytes.len();
    bytes[last + 3..length - 4].fill(0);
    fs::write(dir.path().join(FILE), &bytes).unwrap();
    assert_eq!(said(dir.path()), (records()[..5].to_vec(), (length - last) as u64));
}

#[test]
fn whoever_only_reads_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = written(dir.path());
    bytes.extend(b"{\"check");
    fs::write(dir.path().join(FILE), &bytes).unwrap();
    assert_eq!(said(dir.path()).1, 7);
    assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), bytes);
}

#[test]
fn a_line_that_is_changed_lost_or_moved_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = written(dir.path());
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let error = |lines: &[&[u8]]| parse::<Record>(&lines.concat()).unwrap_err();
    assert_eq!(error(&lines[1..]), "line 1 is damaged, and others follow it");
    assert_eq!(error(&[lines[0], lines[2], lines[1], lines[3]]), "line 2 is damaged, and others follow it");
    assert_eq!(error(&[lines[0], lines[0], lines[1]]), "line 2 is damaged, and others follow it");
    for at in 0..lines[0].len() + lines[1].len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(parse::<Record>(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn another_versions_record_is_an_error_and_not_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::<serde_json::Value>::create(dir.path()).unwrap();
    journal.write(&json!({"kind": "begun", "migration": "m", "plan_digest": "", "version": "", "new": 1})).unwrap();
    let error = Journal::<Record>::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("line 1 is no record of this version"), "{error}");
}

#[test]
fn two_at_once_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::<Record>::create(dir.path()).unwrap();
    let error = Journal::<Record>::open(dir.path()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.to_string().ends_with("lock: another zkmigrator is working with it"), "{error}");
    assert!(Journal::<Record>::create(dir.path()).is_err());
    Journal::<Record>::read(dir.path()).unwrap();
    drop(journal);
    Journal::<Record>::open(dir.path()).unwrap();
}

#[test]
fn a_journal_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let before = written(dir.path());
    assert!(Journal::<Record>::create(dir.path()).unwrap_err().why.contains("exists"));
    assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), before);
    assert!(Journal::<Record>::create(&dir.path().join("a/b")).is_err());
    assert!(Journal::<Record>::open(&dir.path().join("absent")).is_err());
}

#[test]
fn killed_between_two_lines_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3_u64 {
        // Never dropped: neither is anything when a process is killed. The lock goes with the file that is closed.
        let mut journal =
            if round == 1 { Journal::create(dir.path()).unwrap() } else { Journal::open(dir.path()).unwrap().1 };
        journal.write(&round).unwrap();
        let Journal { file, _lock: lock, .. } = journal;
        std::mem::forget(file);
        drop(lock);
    }
    let read = Journal::<u64>::read(dir.path()).unwrap();
    assert_eq!(read.entries.iter().map(|entry| entry.record).collect::<Vec<_>>(), [1, 2, 3]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((entries, _)) = parse::<Record>(&bytes) {
            prop_assert_eq!(entries.entries.len(), 0);
            prop_assert_eq!(entries.torn_bytes, bytes.len() as u64);
        }
    }
}
