//! A strict reader of Prometheus's text exposition format, which knows nothing of the program that writes it: every line is a
//! HELP, a TYPE or a sample, each family is whole and comes once, and its names keep to Prometheus's rules.

use std::collections::{BTreeMap, HashSet};

/// Samples by their name and labels, as they are written.
pub(crate) type Samples = BTreeMap<String, f64>;

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Samples, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut samples = Samples::new();
    let mut families: HashSet<String> = HashSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) =
            line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).ok_or(format!("no HELP: {line}"))?;
        let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '));
        let kind = kind.ok_or(format!("no TYPE behind: {line}"))?;
        if !is_name(name) || help.is_empty() || !families.insert(name.to_owned()) {
            return Err(format!("not a family, or one that comes twice: {line}"));
        }
        let is_total = name.ends_with("_total");
        if is_total != (kind == "counter") || !matches!(kind, "counter" | "gauge" | "histogram") {
            return Err(format!("{name} is a {kind}"));
        }
        let mut family = Samples::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (key, value) = sample(line)?;
            let of = key.split('{').next().unwrap_or_default();
            let suffix = of.strip_prefix(name).ok_or(format!("{of} is not of {name}"))?;
            if !(suffix.is_empty() || kind == "histogram" && matches!(suffix, "_bucket" | "_sum" | "_count")) {
                return Err(format!("{of} is not of {name}"));
            }
            if family.insert(key, value).is_some() {
                return Err(format!("it comes twice: {line}"));
            }
        }
        if kind == "histogram" {
            check_histogram(name, &family)?;
        }
        samples.extend(family);
    }
    Ok(samples)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `name{label="text",...} value`.
fn sample(line: &str) -> Result<(String, f64), String> {
    let wrong = |why: &str| format!("{why}: {line}");
    let end = line.find(['{', ' ']).ok_or(wrong("no value"))?;
    if !is_name(&line[..end]) {
        return Err(wrong("no name"));
    }
    let mut rest = &line[end..];
    if let Some(mut labels) = rest.strip_prefix('{') {
        let mut seen = HashSet::new();
        loop {
            let (label, text) = labels.split_once("=\"").ok_or(wrong("no label"))?;
            if !is_name(label) || !seen.insert(label) {
                return Err(wrong("a label that is none, or that comes twice"));
            }
            let mut chars = text.char_indices();
            let end = loop {
                match chars.next().ok_or(wrong("a label without an end"))? {
                    (at, '"') => break at,
                    (_, '\\') if !matches!(chars.next(), Some((_, '\\' | '"' | 'n'))) => {
                        return Err(wrong("no escape"));
                    }
                    _ => {}
                }
            };
            labels = &text[end + 1..];
            match labels.strip_prefix(',') {
                Some(more) => labels = more,
                None => break,
            }
        }
        rest = labels.strip_prefix('}').ok_or(wrong("labels without an end"))?;
    }
    let value = rest.strip_prefix(' ').ok_or(wrong("no blank before the value"))?;
    let number = if value == "+Inf" { f64::INFINITY } else { value.parse().map_err(|_| wrong("no number"))? };
    Ok((line[..line.len() - value.len() - 1].to_owned(), number))
}

/// Buckets grow, the last is that of all, and each has a sum and a count.
fn check_histogram(name: &str, family: &Samples) -> Result<(), String> {
    for (key, count) in family.iter().filter(|(key, _)| key.starts_with(&format!("{name}_count"))) {
        let labels = key.trim_start_matches(&format!("{name}_count")).trim_end_matches('}');
        let of = format!("{name}_bucket{labels},le=\"");
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (bucket, value) in family.iter().filter(|(bucket, _)| bucket.starts_with(&of)) {
            let le = bucket[of.len()..].trim_end_matches("\"}");
            let le = if le == "+Inf" { f64::INFINITY } else { le.parse().map_err(|_| format!("le is {le}"))? };
            buckets.push((le, *value));
        }
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        if !buckets.windows(2).all(|two| two[0].1 <= two[1].1) || buckets.last() != Some(&(f64::INFINITY, *count)) {
            return Err(format!("buckets of {key}: {buckets:?}"));
        }
        if !family.contains_key(&format!("{name}_sum{labels}}}")) {
            return Err(format!("{key} has no sum"));
        }
    }
    Ok(())
}

#[test]
fn what_is_no_exposition_is_refused() {
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\ \\n}\"} 1\n";
    assert_eq!(read(good).unwrap().len(), 1);
    for bad in [
        "a 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"c\"d\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{l=\"1\",le=\"1\"} 3\na_bucket{l=\"1\",le=\"+Inf\"} 2\na_sum{l=\"1\"} 1\na_count{l=\"1\"} 2\n",
    ] {
        read(bad).expect_err(bad);
    }
}
