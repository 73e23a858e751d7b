//! What a crash, another process and somebody else's hand do to a journal.

use super::*;

fn some_state(id: &str) -> State {
    State { id: id.to_owned(), ..State::default() }
}

fn written(directory: &Path) -> Vec<u8> {
    let (mut journal, contents) = Journal::open(directory).unwrap();
    assert_eq!(contents, Contents::default());
    let begun = Entry::Begun { tool: "t".into(), method: "copy".into(), plan: "p".into() };
    for entry in [begun, Entry::Step("blind".into()), Entry::Act { what: "stop \"a\"\nb".into(), outlives_ms: 7 }] {
        journal.write(entry, &some_state("m")).unwrap();
    }
    fs::read(path(directory)).unwrap()
}

#[test]
fn what_was_written_is_read_again_and_continued() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path());
    let (mut journal, contents) = Journal::open(directory.path()).unwrap();
    assert_eq!((contents.records.len(), contents.torn, contents.method()), (3, 0, Some("copy")));
    assert!(!contents.is_ended());
    journal.write(Entry::Done, &some_state("n")).unwrap();
    let contents = Journal::look(directory.path()).unwrap();
    assert_eq!(contents.state(), Some(&some_state("n")));
    assert!(contents.is_ended());
    journal.put_away("m").unwrap();
    journal.write(Entry::Resumed, &some_state("o")).unwrap();
    assert_eq!(Journal::look(directory.path()).unwrap().records.len(), 1);
    assert!(directory.path().join("journal.m").exists());
}

#[test]
fn torn_at_any_byte_it_holds_what_was_whole_and_goes_on_from_there() {
    let whole = tempfile::tempdir().unwrap();
    let bytes = written(whole.path());
    for end in 0..bytes.len() {
        let contents = parse(&bytes[..end]).unwrap();
        let lines = bytes[..end].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(contents.records.len(), lines, "cut at {end}");
        assert_eq!(contents.torn, end - bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        if end % 83 == 0 {
            let directory = tempfile::tempdir().unwrap();
            fs::write(path(directory.path()), &bytes[..end]).unwrap();
            let (mut journal, opened) = Journal::open(directory.path()).unwrap();
            assert_eq!(opened, contents);
            journal.write(Entry::Resumed, &State::default()).unwrap();
            assert_eq!(Journal::look(directory.path()).unwrap().records.len(), lines + 1);
        }
    }
}

#[test]
fn damage_in_any_other_place_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = written(directory.path());
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x11;
        match parse(&damaged) {
            // A newline that is no longer one joins two lines.
            Err(why) => assert!(at < last, "byte {at}: {why}"),
            Ok(contents) => assert!(at + 1 >= last && contents.torn > 0, "byte {at}"),
        }
    }
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert!(parse(&bytes[second..]).unwrap_err().contains("lines are missing"));
}

#[test]
fn two_at_once_are_one_too_many_and_nobody_else_reads_it() {
    use std::os::unix::fs::MetadataExt;
    let directory = tempfile::tempdir().unwrap();
    let held = Journal::open(directory.path()).unwrap();
    let refused = Journal::open(directory.path()).unwrap_err();
    assert!(refused.to_string().contains("another zkmigrator"), "{refused}");
    assert_eq!(fs::metadata(path(directory.path())).unwrap().mode() & 0o777, 0o600);
    drop(held);
    Journal::open(directory.path()).unwrap();
}

#[test]
fn a_way_back_that_has_ended_in_none_is_no_longer_gone() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(directory.path()).unwrap();
    let mut is_going_back = |entry: Entry| {
        journal.write(entry, &State::default()).unwrap();
        let contents = Journal::look(directory.path()).unwrap();
        (contents.is_going_back(), contents.failed().map(str::to_owned))
    };
    assert_eq!(is_going_back(Entry::Failed("why".into())), (false, None));
    assert_eq!(is_going_back(Entry::GoingBack), (true, Some("why".into())));
    assert_eq!(is_going_back(Entry::Undo("blind".into())), (true, Some("why".into())));
    assert_eq!(is_going_back(Entry::GoingOn), (false, Some("why".into())));
    assert_eq!(is_going_back(Entry::GoingBack), (true, None));
}

/// Before what sessions are granted was asked, and before a proof counted the ACLs that it remembered.
#[test]
fn a_journal_of_an_earlier_version_is_read() {
    let (digest, source_zxid, target_zxid) = ("d".to_owned(), 1, 2);
    let proof = crate::trees::Proof { znodes: 3, digest, source_zxid, target_zxid, acls_remembered: 1 };
    let state = State { proof: Some(proof), ..some_state("m") };
    let record = Record { number: 0, at_ms: 1, entry: Entry::Resumed, state };
    let mut json = serde_json::to_value(&record).unwrap();
    json["state"].as_object_mut().unwrap().remove("granted").unwrap();
    let proof = json["state"]["proof"].as_object_mut().unwrap();
    proof.remove("acls_remembered").unwrap();
    assert_eq!(parse(sealed(&json.to_string()).as_bytes()).unwrap().records, [record]);
}

/// It is whole: nothing may be cut off as if a crash had torn it.
#[test]
fn a_record_of_another_version_is_neither_torn_nor_damaged() {
    let record = Record { number: 0, at_ms: 1, entry: Entry::Resumed, state: State::default() };
    let mut json = serde_json::to_value(&record).unwrap();
    json["state"]["to_come"] = 1.into();
    let why = parse(sealed(&json.to_string()).as_bytes()).unwrap_err();
    assert!(why.contains("line 1 was written by another version") && why.contains("to_come"), "{why}");
}
