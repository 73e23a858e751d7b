//! Rules that rewrite who is meant by an ACL, for a target where people have other names.
//!
//! One rule a line, the first that fits an entry is the one; an entry that none fits stays as it is. Permissions are
//! never touched, and an entry that comes out twice is kept once, as the server does (PrepRequestProcessor.java,
//! `removeDuplicates`).
//!
//! ```text
//! # scheme:id -> scheme:id      a line that begins with # says nothing
//! digest:bob:x -> digest:bob:IuF44nXbw4Jf7P0Zk3rU2V3c0eM=
//! sasl:*       -> digest:*      every id of a scheme; the id is taken over
//! ip:*         -> world:anyone
//! x509:CN=old  -> drop          the entry goes away
//! ```
//!
//! An id that the server hides (`digest:bob:x`) is resolved by a rule for exactly that, or goes with its entry; `*` takes
//! no hidden id over, since nobody knows it. Parsing is total: any text gives rules, or an error that names the line.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::Error;
use crate::limits;
use crate::znode::{Acl, AclEntry};

/// The rules, in order; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclMap(Arc<[Rule]>);

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    from: Identity,
    /// `None`: the entry goes away.
    to: Option<Identity>,
}

/// A scheme with an id, or with `*`.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    scheme: Box<str>,
    /// `None` is `*`: on the left any id, on the right the one on the left.
    id: Option<Box<str>>,
}

impl AclMap {
    /// The ACL as the target is to have it; `None` if no entry is left.
    pub fn apply(&self, acl: &Acl) -> Option<Acl> {
        if !acl.entries().iter().any(|entry| self.rule(entry).is_some()) {
            return Some(acl.clone());
        }
        let mut mapped: Vec<AclEntry> = Vec::with_capacity(acl.entries().len());
        for entry in acl.entries() {
            let entry = match self.rule(entry) {
                None => entry.clone(),
                Some(Rule { to: None, .. }) => continue,
                Some(Rule { to: Some(to), .. }) => to.in_place_of(entry),
            };
            if !mapped.contains(&entry) {
                mapped.push(entry);
            }
        }
        if mapped.is_empty() { None } else { Some(Acl::new(mapped)) }
    }

    fn rule(&self, entry: &AclEntry) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.fits(entry))
    }
}

impl Rule {
    fn fits(&self, entry: &AclEntry) -> bool {
        let takes_over = self.to.as_ref().is_some_and(|to| to.id.is_none());
        self.from.scheme == entry.scheme
            && match &self.from.id {
                Some(id) => *id == entry.id,
                None => !(takes_over && entry.is_masked()),
            }
    }
}

impl Identity {
    fn in_place_of(&self, entry: &AclEntry) -> AclEntry {
        let id = self.id.as_ref().unwrap_or(&entry.id).clone();
        AclEntry { perms: entry.perms, scheme: self.scheme.clone(), id }
    }
}

impl FromStr for AclMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut rules = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| {
                let example = "a line is scheme:id -> scheme:id, for example sasl:* -> digest:*, or scheme:id -> drop";
                Error::bad_input(format!("line {}: {why}; {example}", number + 1))
            };
            if rules.len() == limits::ACL_MAP_RULES_MAX {
                return Err(wrong(&format!("these are more than {} rules", limits::ACL_MAP_RULES_MAX)));
            }
            rules.push(rule(line).map_err(wrong)?);
        }
        Ok(Self(rules.into()))
    }
}

fn rule(line: &str) -> Result<Rule, &'static str> {
    let (from, to) = split_at_arrow(line).ok_or("there is no arrow between blanks ( -> )")?;
    let from = identity(from.trim())?;
    let to = match to.trim() {
        "drop" => None,
        to => Some(to_be_written(identity(to)?)?),
    };
    Ok(Rule { from, to })
}

/// An id may have an arrow in it, but none with blanks on both sides.
fn split_at_arrow(line: &str) -> Option<(&str, &str)> {
    let mut arrows = line.match_indices("->").map(|(at, arrow)| (&line[..at], &line[at + arrow.len()..]));
    arrows.find(|(from, to)| from.ends_with(char::is_whitespace) && to.starts_with(char::is_whitespace))
}

fn identity(text: &str) -> Result<Identity, &'static str> {
    let (scheme, id) = text.split_once(':').ok_or("there is no colon between scheme and id")?;
    let id = id.trim();
    if scheme.is_empty() || id.is_empty() {
        return Err("the scheme or the id is missing");
    }
    if scheme.contains(char::is_whitespace) {
        return Err("a scheme has no blanks");
    }
    Ok(Identity { scheme: scheme.into(), id: (id != "*").then(|| id.into()) })
}

/// What the target would take and nobody can mean.
fn to_be_written(to: Identity) -> Result<Identity, &'static str> {
    match (&*to.scheme, to.id.as_deref()) {
        ("auth", _) => Err("auth stands for whoever writes: name who is meant"),
        ("world", id) if id != Some("anyone") => Err("the only id of world is anyone"),
        ("digest", Some(id)) if id.ends_with(":x") => {
            Err("this is how a server hides an id: nobody could log in as it")
        }
        _ => Ok(to),
    }
}

impl fmt::Display for AclMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Rule { from, to } in &*self.0 {
            match to {
                Some(to) => writeln!(f, "{from} -> {to}")?,
                None => writeln!(f, "{from} -> drop")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, self.id.as_deref().unwrap_or("*"))
    }
}

#[cfg(test)]
mod tests;
