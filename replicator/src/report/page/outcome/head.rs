//! The head of a page: how it ended, in words, and what was asked.

use crate::certificate::Issued;
use crate::report::page::Tone;
use crate::report::page::run::Watched;
use crate::report::{Acls, Outcome, Task, again, bytes, exit, grouped};

/// The color of an exit code.
pub(in super::super) fn tone(code: u8) -> Tone {
    match code {
        exit::DONE => Tone::Good,
        exit::NOT_PROVEN | exit::INTERRUPTED => Tone::Careful,
        _ => Tone::Bad,
    }
}

/// What an exit code says.
pub(in super::super) fn meaning(code: u8) -> &'static str {
    match code {
        exit::DONE => "done; equal where compared",
        exit::DIFFERENT => "differences found",
        exit::NOT_PROVEN => "done, but not proven or not complete",
        exit::INTERRUPTED => "interrupted; can be run again",
        _ => "error",
    }
}

pub(super) fn sentence(task: &Task, outcome: &Outcome) -> String {
    let Task { command, source, target, .. } = task;
    if outcome.error.is_some() {
        let ended = if outcome.exit_code() == exit::INTERRUPTED { "was interrupted" } else { "failed" };
        return format!("The {command} from {source} to {target} {ended}");
    }
    if outcome.planned.is_some() {
        return format!("What a {command} from {source} to {target} would do: nothing was written");
    }
    if let Some((against, certificate)) = &outcome.against {
        let is = if against.is_equal(certificate) { "is" } else { "is not" };
        return format!("{source} {is} what the certificate of {} says", certificate.time);
    }
    let compared = outcome.verify.as_ref().map(|verify| {
        let found = verify.differences.total() + verify.differences.unreadable;
        match found {
            0 if verify.is_equal() => "both trees are equal".to_owned(),
            0 => "no difference was found, but the source changed while it was read".to_owned(),
            1 => "there is 1 difference".to_owned(),
            found => format!("there are {} differences", grouped(found)),
        }
    });
    let done = match (&outcome.copy, &outcome.dump) {
        (Some(copy), _) if *command == "verify" => {
            Some(format!("{} writes were sent to {target}", grouped(copy.counts.written())))
        }
        (Some(copy), _) => Some(format!(
            "{} of {source} to {target}: {} znodes, {}",
            if *command == "sync" { "Sync" } else { "Copy" },
            grouped(copy.counts.read),
            bytes(copy.counts.read_bytes)
        )),
        (None, Some(dump)) => Some(format!("{source} was written to {target}: {} znodes", grouped(dump.end.znodes))),
        (None, None) => None,
    };
    match (done, compared) {
        (Some(done), Some(compared)) => format!("{done}; {compared}"),
        (Some(done), None) => done,
        (None, compared) => {
            format!("{source} and {target}: {}", compared.unwrap_or_else(|| "nothing was done".to_owned()))
        }
    }
}

pub(super) fn next(task: &Task, outcome: &Outcome) -> Option<String> {
    let Task { command, source, target, .. } = task;
    let writes = outcome.copy.is_some() || matches!(*command, "copy" | "sync" | "restore");
    let again = again(command);
    match outcome.exit_code() {
        exit::DONE if outcome.planned.is_some() => Some(format!("the same {command} without --dry-run does it.")),
        exit::DONE if outcome.verify.is_some() || outcome.against.is_some() => None,
        exit::DONE => Some(format!("zkreplicator verify {source} {target} proves that both are the same.")),
        exit::DIFFERENT if outcome.against.is_some() => {
            Some("compare it with the tree that was certified, or with an archive of it: a certificate can't tell which znodes differ.".to_owned())
        }
        exit::DIFFERENT => Some(format!(
            "see the differences below; zkreplicator verify --fix {source} {target} creates, sets and removes at the \
             target what they say, and nothing else{}.",
            removed(outcome)
        )),
        exit::INTERRUPTED if writes => Some(format!("run the same {command} again{again}: it goes on from there.")),
        exit::INTERRUPTED => Some(format!("run the same {command} again.")),
        exit::NOT_PROVEN => match &outcome.certificate {
            Some(Issued::Withheld(why)) => Some(format!("no certificate was written: {why}")),
            _ => Some(format!(
                "see below what is missing; where the source changed, run the same {command} again{again} when it is quiet."
            )),
        },
        _ if outcome.planned.is_some() => Some("see to what stands in the way, below; then plan again.".to_owned()),
        _ if writes => Some(format!("see to the cause, then run the same {command} again{again}: it goes on from there.")),
        _ => Some(format!("see to the cause, then run the same {command} again.")),
    }
}

/// How many znodes a fix would remove.
fn removed(outcome: &Outcome) -> String {
    match outcome.verify.as_ref().map_or(0, |verify| verify.differences.only_target) {
        0 => String::new(),
        1 => "; it would remove 1 znode, which only the target has".to_owned(),
        more => format!("; it would remove {} znodes, which only the target has", grouped(more)),
    }
}

/// What was asked, and how it went, for the head of a page.
pub(in super::super) fn facts(task: &Task, code: u8, watched: &Watched) -> Vec<(&'static str, String)> {
    let Task { command, source, target, acls, include, exclude, .. } = task;
    let [began, took] = watched.facts();
    let acls = match acls {
        Acls::Preserved => "read as they are",
        Acls::Mapped => "the source's taken for what the map makes of them",
        Acls::NotRead => "not read",
    };
    vec![
        ("Command", (*command).to_owned()),
        ("From", source.clone()),
        ("To", target.clone()),
        began,
        took,
        ("Exit code", format!("{code}: {}", meaning(code))),
        ("ACLs", acls.to_owned()),
        ("Taken (--include)", include.join(" ")),
        ("Left out (--exclude)", exclude.join(" ")),
    ]
}
