//! Which part of a tree is meant: globs on paths below its root, taken in or left out.
//!
//! A glob is a path of patterns for names: `/apps/*/config`. A pattern stands for one name and never crosses a slash;
//! `**` stands for any number of names (at the end of a glob, for at least one). A glob speaks of what it matches and of
//! everything below it. What an exclude speaks of is left out. Where there are includes, only what one of them speaks of
//! is taken; a znode above it is *on the way*: it is entered, and belongs to the tree as soon as something below it is
//! taken, for no znode can stand without its parent. The root is always taken.
//!
//! All of it is a function of the path alone, so that two trees that are compared are cut to the same shape.

use std::sync::Arc;

use globset::GlobMatcher;

use crate::error::{Error, Result};
use crate::znode::ZnodePath;

/// What a filter makes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Left out, and everything below it.
    LeftOut,
    /// Entered, since it may lead to something that is taken.
    OnTheWay,
    /// Part of the tree.
    Taken,
}

/// What was said with `--include` and `--exclude`; by default nothing, and every path is taken.
#[derive(Clone, Debug, Default)]
pub struct Filter(Arc<Globs>);

#[derive(Debug, Default)]
struct Globs {
    includes: Vec<PathGlob>,
    excludes: Vec<PathGlob>,
    /// As they were said, includes and excludes.
    said: [Vec<String>; 2],
}

impl Filter {
    /// A filter of these globs; the error names the one that is none.
    pub fn new(includes: &[String], excludes: &[String]) -> Result<Self> {
        let parse = |option: &str, globs: &[String]| {
            let parsed = globs.iter().map(|glob| {
                PathGlob::new(glob).map_err(|why| {
                    Error::bad_input(format!("{option} {glob:?}: {why}; a glob is a path, for example /apps/*/config"))
                })
            });
            parsed.collect::<Result<Vec<_>>>()
        };
        let said = [includes.to_vec(), excludes.to_vec()];
        let globs = Globs { includes: parse("--include", includes)?, excludes: parse("--exclude", excludes)?, said };
        Ok(Self(Arc::new(globs)))
    }

    /// The globs that it was made of: includes, and excludes.
    pub fn said(&self) -> [&[String]; 2] {
        let [includes, excludes] = &self.0.said;
        [includes, excludes]
    }

    /// Whether every path is taken.
    pub fn is_empty(&self) -> bool {
        self.0.includes.is_empty() && self.0.excludes.is_empty()
    }

    /// What becomes of `path`, given that its parent is not left out.
    pub fn place(&self, path: &ZnodePath) -> Place {
        if self.is_empty() || path.is_root() {
            return Place::Taken;
        }
        let names: Vec<&str> = path.as_str()[1..].split('/').collect();
        let Globs { includes, excludes, .. } = &*self.0;
        if excludes.iter().any(|glob| glob.place(&names) == Place::Taken) {
            Place::LeftOut
        } else if includes.is_empty() {
            Place::Taken
        } else {
            includes.iter().map(|glob| glob.place(&names)).max().unwrap_or(Place::LeftOut)
        }
    }
}

/// One glob, cut at its slashes and at each `**`.
#[derive(Debug)]
struct PathGlob {
    /// The names from the root down to the first `**`.
    head: Vec<GlobMatcher>,
    /// Names that follow one another, each run at any depth below the one before it.
    runs: Vec<Vec<GlobMatcher>>,
}

impl PathGlob {
    fn new(text: &str) -> Result<Self, String> {
        let below_root = text.strip_prefix('/').ok_or("it must start with / (/**/name matches at any depth)")?;
        if below_root.is_empty() {
            return Err("the root is always there".to_owned());
        }
        // The globs' own crate matches names only: its classes would match a slash, and it does not tell what leads to
        // a match.
        let mut runs = vec![Vec::new()];
        let mut parts = below_root.split('/').peekable();
        while let Some(part) = parts.next() {
            match part {
                "" => return Err("it has an empty part (// or a / at the end)".to_owned()),
                "**" if parts.peek().is_none() => runs.push(vec![name("*")?]),
                "**" => runs.push(Vec::new()),
                pattern => runs.last_mut().expect("it begins with one run and only grows").push(name(pattern)?),
            }
        }
        let head = runs.remove(0);
        runs.retain(|run| !run.is_empty());
        Ok(Self { head, runs })
    }

    /// What this glob makes of a path by itself: taken is one that it matches, or an ancestor of which it matches.
    fn place(&self, names: &[&str]) -> Place {
        if !fits(&self.head, names) {
            return Place::LeftOut;
        }
        let Some(mut below) = names.get(self.head.len()..) else { return Place::OnTheWay };
        for run in &self.runs {
            // The first place is as good as any: whatever comes after it may lie at any depth.
            match below.windows(run.len()).position(|names| fits(run, names)) {
                Some(start) => below = &below[start + run.len()..],
                None => return Place::OnTheWay,
            }
        }
        Place::Taken
    }
}

/// Whether the patterns fit the names, as far as there are both.
fn fits(patterns: &[GlobMatcher], names: &[&str]) -> bool {
    patterns.iter().zip(names).all(|(pattern, name)| pattern.is_match(name))
}

fn name(pattern: &str) -> Result<GlobMatcher, String> {
    globset::Glob::new(pattern)
        .map(|glob| glob.compile_matcher())
        .map_err(|error| format!("{} (braces and brackets hold no slash)", error.kind()))
}

#[cfg(test)]
mod tests;
