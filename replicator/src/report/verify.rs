//! What came of a verify, and of the certificate that was asked for.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{
    Task, bytes, elapsed_text, grouped, latencies_json, millis, rate, retries, skipped_json, skipped_text, summary_json,
};
use crate::certificate::Issued;
use crate::limits;
use crate::options::CounterPolicy;
use crate::verify::{Difference, Differences, Reading, Sign, Subtree, Subtrees, Summary, VerifyReport};

pub(super) fn json(task: &Task, verify: &VerifyReport) -> Value {
    json!({
        "equal": verify.is_equal(),
        "source": reading_json(&verify.source),
        "target": reading_json(&verify.target),
        "counters": match verify.counters {
            CounterPolicy::Compare => "compared",
            CounterPolicy::Ignore => "not compared",
        },
        "subtrees": subtrees_json(&verify.subtrees, ["source", "target"]),
        "differences": differences_json(&verify.differences),
        "skipped": skipped_json(&verify.skipped),
        "null_and_empty": task.null_and_empty(),
        "retries": retries::json(&verify.source_retries, &verify.target_retries),
        "latency_us": latencies_json(&verify.source_latencies, &verify.target_latencies),
        "elapsed_ms": millis(verify.elapsed),
        "znodes_per_second": rate(verify.source.sum.znodes, verify.elapsed),
    })
}

pub(super) fn reading_json(reading: &Reading) -> Value {
    let mut json = summary_json(&reading.sum);
    json["zxid"] = reading.zxid.map(|zxid| zxid.to_string()).into();
    json["written_while_read"] = reading.zxid.and_then(|_| reading.disturbed()).into();
    json
}

/// `names` are those of the two that are compared. One that holds nothing of a subtree is null there.
pub(super) fn subtrees_json(subtrees: &Subtrees, names: [&str; 2]) -> Value {
    if subtrees.asked == 0 {
        return Value::Null;
    }
    let held = |summary: &Summary| (summary.znodes > 0).then(|| summary_json(summary));
    let list = subtrees.list.iter().map(|subtree| {
        json!({
            "sign": subtree.sign.as_char().to_string(),
            "path": subtree.path.as_str(),
            names[0]: held(&subtree.source),
            names[1]: held(&subtree.target),
        })
    });
    json!({ "depth_asked": subtrees.asked, "depth": subtrees.depth, "list": list.collect::<Vec<_>>() })
}

fn differences_json(differences: &Differences) -> Value {
    let list = differences.list.iter().map(|difference| {
        json!({
            "sign": difference.sign.as_char().to_string(),
            "path": difference.path.as_str(),
            "what": difference.what,
            "counter": difference.counters.map(|[source, target]| json!({ "source": source, "target": target })),
        })
    });
    json!({
        "total": differences.total(),
        "only_source": differences.only_source,
        "only_target": differences.only_target,
        "differing": differences.differing,
        "unreadable": differences.unreadable,
        "list": list.collect::<Vec<_>>(),
    })
}

pub(super) fn issued_json(issued: &Issued) -> Value {
    match issued {
        Issued::Written(file) => json!({ "written": true, "file": file.display().to_string() }),
        Issued::Withheld(why) => json!({ "written": false, "reason": why }),
    }
}

pub(super) fn text(task: &Task, verify: &VerifyReport, text: &mut String) -> fmt::Result {
    differences_text(&verify.differences, text)?;
    subtrees_text(&verify.subtrees, ["source", "target"], text)?;
    let differences = &verify.differences;
    if verify.is_equal() {
        writeln!(text, "equal: {} and {}", task.source, task.target)?;
    } else if differences.total() + differences.unreadable > 0 {
        writeln!(text, "different: {} and {}", task.source, task.target)?;
        writeln!(
            text,
            "  differences {} only at the source (+), {} only at the target (-), {} differ (*), {} unreadable (!)",
            grouped(differences.only_source),
            grouped(differences.only_target),
            grouped(differences.differing),
            grouped(differences.unreadable)
        )?;
    }
    if differences.unreadable > 0 {
        writeln!(text, "  unreadable  give credentials that may read them, or leave them out with --exclude")?;
    }
    reading_text("source", &verify.source, text)?;
    reading_text("target", &verify.target, text)?;
    skipped_text(&verify.skipped, text)?;
    if verify.counters == CounterPolicy::Compare {
        writeln!(text, "  counters    compared, and part of the digests")?;
    }
    writeln!(text, "  null, empty {}", task.null_and_empty())?;
    retries::text(&verify.source_retries, &verify.target_retries, text)?;
    elapsed_text(verify.source.sum.znodes, verify.elapsed, text)
}

pub(super) fn differences_text(differences: &Differences, text: &mut String) -> fmt::Result {
    for difference in &differences.list {
        let path = difference.path.as_str().escape_debug();
        writeln!(text, "{} {path}{}", difference.sign.as_char(), what_text(difference))?;
    }
    let all = differences.total() + differences.unreadable;
    let listed = differences.list.len() as u64;
    if all > listed {
        writeln!(text, "... and {} more", grouped(all - listed))?;
    }
    Ok(())
}

fn what_text(difference: &Difference) -> String {
    if difference.what.is_empty() {
        return String::new();
    }
    let counters =
        difference.counters.map(|[source, target]| format!(" {source} at the source, {target} at the target"));
    // The counter stands last, with its numbers behind it.
    format!(" ({}{})", difference.what.join(", "), counters.unwrap_or_default())
}

/// A line for each subtree, marked with `/**` behind its root: all from there down.
pub(super) fn subtrees_text(subtrees: &Subtrees, names: [&str; 2], text: &mut String) -> fmt::Result {
    for Subtree { path, source, target, sign } in &subtrees.list {
        write!(text, "{} {}/**", sign.as_char(), path.as_str().escape_debug())?;
        match sign {
            Sign::Same | Sign::OnlySource => writeln!(text, "  {}", summary_text(source))?,
            Sign::OnlyTarget => writeln!(text, "  {}", summary_text(target))?,
            Sign::Differs | Sign::Unreadable => {
                let [one, other] = names;
                writeln!(text, "  {one}: {}; {other}: {}", summary_text(source), summary_text(target))?;
            }
        }
    }
    if subtrees.depth < subtrees.asked {
        let (depth, more, max) = (subtrees.depth, subtrees.depth + 1, grouped(limits::SUBTREES_MAX as u64));
        writeln!(text, "... subtrees down to depth {depth} only: down to depth {more} there are more than {max}")?;
    }
    Ok(())
}

fn summary_text(Summary { znodes, bytes: size, digest }: &Summary) -> String {
    format!("{} znodes, {}, digest {digest}", grouped(*znodes), bytes(*size))
}

/// What was read of a tree, in a line that begins with `name`.
pub(super) fn reading_text(name: &str, reading: &Reading, text: &mut String) -> fmt::Result {
    let behind = reading.zxid.map(|zxid| format!(", read behind zxid {zxid}"));
    writeln!(text, "  {name:<11} {}{}", summary_text(&reading.sum), behind.unwrap_or_default())?;
    match reading.zxid.and_then(|_| reading.disturbed()) {
        Some(why) => writeln!(text, "              {why}"),
        None => Ok(()),
    }
}

pub(super) fn issued_text(issued: &Issued, text: &mut String) -> fmt::Result {
    match issued {
        Issued::Written(file) => writeln!(text, "  certificate {}", file.display()),
        Issued::Withheld(why) => writeln!(text, "  certificate none was written: {why}"),
    }
}
