//! What a comparison has found: differences, and the proof where there are none.

use crate::certificate::{Certificate, Issued};
use crate::report::page::{Column, list, paragraph, remark, table};
use crate::report::{Task, bytes, grouped};
use crate::verify::{AgainstReport, Difference, Differences, Reading, Sign, Subtree, Subtrees, VerifyReport};

pub(super) fn differences(differences: &Differences) -> String {
    let Differences { only_source, only_target, differing, unreadable, list: listed, .. } = differences;
    let all = differences.total() + unreadable;
    if all == 0 {
        return paragraph("None.");
    }
    let facts = list(&[
        ("+ only at the source", grouped(*only_source)),
        ("- only at the target", grouped(*only_target)),
        ("* both have it, and it differs", grouped(*differing)),
        ("! unreadable", grouped(*unreadable)),
    ]);
    let rows: Vec<_> = listed.iter().map(difference).collect();
    let columns = [("Sign", Column::Text), ("Znode", Column::Code), ("What", Column::Words)];
    let caption = match all - listed.len() as u64 {
        0 => "Each difference".to_owned(),
        more => {
            format!("The first {} differences; {} more are only counted", grouped(listed.len() as u64), grouped(more))
        }
    };
    facts + &table(&caption, &columns, &rows)
}

fn difference(difference: &Difference) -> Vec<String> {
    let Difference { sign, path, what, counters } = difference;
    let what = match (sign, counters) {
        (Sign::OnlySource, _) => "only the source has it".to_owned(),
        (Sign::OnlyTarget, _) => "only the target has it".to_owned(),
        (Sign::Unreadable, _) if what.is_empty() => "could not be read".to_owned(),
        (_, Some([source, target])) => format!("{} ({source} at the source, {target} at the target)", what.join(", ")),
        (_, None) => what.join(", "),
    };
    vec![sign.as_char().to_string(), path.as_str().escape_debug().to_string(), what]
}

pub(super) fn proof(task: &Task, verify: &VerifyReport, issued: Option<&Issued>) -> String {
    let rows = [reading("Source", &verify.source), reading("Target", &verify.target)];
    let mut html = readings(&rows);
    html += &match issued {
        Some(Issued::Written(file)) => paragraph(&format!("Certificate: {}", file.display())),
        Some(Issued::Withheld(why)) => paragraph(&format!("No certificate was written: {why}")),
        None => String::new(),
    };
    html += &remark(&format!("Null and empty data were {}.", task.null_and_empty()));
    html
}

pub(super) fn beside_certificate(against: &AgainstReport, certificate: &Certificate) -> String {
    let sum = certificate.source.sum;
    let certified = vec![
        "Certificate".to_owned(),
        grouped(sum.znodes),
        bytes(sum.bytes),
        String::new(),
        sum.digest.to_string(),
        String::new(),
    ];
    readings(&[certified, reading("Tree", &against.tree)])
}

fn readings(rows: &[Vec<String>]) -> String {
    let columns = [
        ("Tree", Column::Text),
        ("Znodes", Column::Number),
        ("Data", Column::Number),
        ("Read behind zxid", Column::Number),
        ("Digest", Column::Code),
        ("Of one moment", Column::Words),
    ];
    table("Both trees as they were read", &columns, rows)
}

fn reading(name: &str, reading: &Reading) -> Vec<String> {
    vec![
        name.to_owned(),
        grouped(reading.sum.znodes),
        bytes(reading.sum.bytes),
        reading.zxid.map(|zxid| zxid.to_string()).unwrap_or_default(),
        reading.sum.digest.to_string(),
        reading.disturbed().unwrap_or_else(|| "yes".to_owned()),
    ]
}

pub(super) fn subtrees(subtrees: &Subtrees, names: [&str; 2]) -> String {
    let rows = subtrees.list.iter().map(|Subtree { path, source, target, sign }| {
        vec![
            sign.as_char().to_string(),
            path.as_str().escape_debug().to_string(),
            grouped(source.znodes),
            grouped(target.znodes),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let columns =
        [("Sign", Column::Text), ("Subtree", Column::Code), (names[0], Column::Number), (names[1], Column::Number)];
    table("Znodes of each subtree", &columns, &rows)
}
