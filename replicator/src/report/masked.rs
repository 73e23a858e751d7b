//! What the report says of masked ACLs.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{grouped, more_text};
use crate::masked::MaskedReport;
use crate::options::MaskedAcls;

fn policy(policy: MaskedAcls) -> &'static str {
    match policy {
        MaskedAcls::Fail => "fail",
        MaskedAcls::Skip => "skip",
        MaskedAcls::Open => "open",
    }
}

pub(super) fn json(masked: &MaskedReport) -> Value {
    let list = masked.list.iter().map(|(path, acl)| json!({ "path": path.as_str(), "acl": acl.to_string() }));
    json!({
        "policy": policy(masked.policy),
        "znodes": masked.znodes,
        "below": masked.below,
        "list": list.collect::<Vec<_>>(),
    })
}

pub(super) fn text(masked: &MaskedReport, text: &mut String) -> fmt::Result {
    if masked.znodes == 0 {
        return Ok(());
    }
    let became = match masked.policy {
        MaskedAcls::Skip => format!("left out, with {} below them", grouped(masked.below)),
        MaskedAcls::Fail | MaskedAcls::Open => "copied without it, open to anyone where they were created".to_owned(),
    };
    let (znodes, policy) = (grouped(masked.znodes), policy(masked.policy));
    writeln!(text, "  masked ACL  {znodes} znode(s) {became} (--masked-acl {policy}):")?;
    for (path, acl) in &masked.list {
        writeln!(text, "              {} ({acl})", path.as_str().escape_debug())?;
    }
    more_text(masked.znodes, masked.list.len(), text)
}
