//! The page of a bench.

use super::outcome::cost;
use super::outcome::head::{facts, tone};
use super::run::{Watched, latencies};
use super::{Column, Page, paragraph, table};
use crate::bench::{BenchReport, Left, Phase, plan};
use crate::latency::Latency;
use crate::report::bench::{Account, micros_a_znode, remove_command};
use crate::report::{bytes, exit, grouped, rate};

/// The page of a bench. `program` is who says it.
pub fn page(program: &str, account: &Account<'_>, watched: &Watched) -> String {
    let (task, code, verdict) = (account.task, account.exit_code(), account.verdict());
    let BenchReport { phases, verified, left, error } = account.report;
    let title = format!("{verdict}: bench {} to {}", task.source, task.target);
    let mut page = Page::new(program, &title, tone(code), verdict, &sentence(account));
    if let Some(error) = error {
        page.error(&error.to_string());
    }
    for Left { site, why } in left {
        let at = &site.ensemble().connect;
        page.error(&format!(
            "Left behind at the {}: {at} ({why}); remove it with: {}",
            site.side(),
            remove_command(site)
        ));
    }
    page.facts(&facts(task, code, watched));
    page.section("What each part took", &parts(phases));
    page.section("Rates and latency over time", &watched.plots());
    let spent = phases.iter().flat_map(|phase| {
        let Phase { name, source_latencies, target_latencies, .. } = phase;
        [(format!("{name}, source"), source_latencies), (format!("{name}, target"), target_latencies)]
    });
    let spent: Vec<(String, &Vec<Latency>)> = spent.collect();
    let spent: Vec<(&str, &[Latency])> = spent.iter().map(|(name, of)| (&**name, &of[..])).collect();
    page.section("Latency", &latencies(&spent));
    if let Some(verify) = verified {
        let znodes = grouped(verify.source.sum.znodes);
        page.section(
            "The copy",
            &if verify.is_equal() {
                paragraph(&format!("Equal: {znodes} znodes, digest {}.", verify.source.sum.digest))
            } else {
                let differences = grouped(verify.differences.total() + verify.differences.unreadable);
                paragraph(&format!("Not the same in {differences} place(s); others may have written below the paths."))
            },
        );
    }
    page.section("Znodes that stand out", &watched.tops());
    page.section("Cost", &cost(&account.resources));
    let text = account.text();
    if !text.is_empty() {
        page.details("The same as text", &text);
    }
    page.finish()
}

fn sentence(account: &Account<'_>) -> String {
    let Account { task, options, planned, report, .. } = account;
    let between = format!("between {} and {}", task.source, task.target);
    let Some(options) = options else { return format!("The bench {between} could not begin") };
    let tree = options.tree;
    let what = format!("{} znodes of the shape {}, {} of data,", grouped(tree.znodes), tree.shape, bytes(tree.bytes()));
    if *planned {
        let paths = plan(options)
            .map(|(source, target)| format!(" below {} and {}", source.ensemble().connect, target.ensemble().connect));
        return format!("A bench would write {what}{}", paths.unwrap_or_default());
    }
    match (&report.error, account.exit_code()) {
        (None, exit::DONE) => format!("{what} {between}: generated, copied, compared, copied again and removed"),
        _ => format!("The bench of {what} {between} did not end as it should"),
    }
}

fn parts(phases: &[Phase]) -> String {
    let row = |phase: &Phase| {
        vec![
            phase.name.to_owned(),
            super::duration(phase.elapsed),
            grouped(phase.znodes),
            grouped(rate(phase.znodes, phase.elapsed)),
            format!("{}/s", bytes(rate(phase.bytes, phase.elapsed))),
            format!("{:.1}", micros_a_znode(phase)),
            grouped(phase.write_requests),
        ]
    };
    let columns = [
        ("Part", Column::Text),
        ("Took", Column::Number),
        ("Znodes", Column::Number),
        ("Znodes/s", Column::Number),
        ("Data/s", Column::Number),
        ("Processor time a znode, us", Column::Number),
        ("Write requests", Column::Number),
    ];
    table("Rates by part", &columns, &phases.iter().map(row).collect::<Vec<_>>())
}
