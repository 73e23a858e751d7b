//! By which method: as a person says, or as the journal does.

use tokio_util::sync::CancellationToken;

use super::typed::{Common, MethodName};
use crate::conductor::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Contents;
use crate::migration::Migration;
use crate::plan::Plan;
use crate::state::State;
use crate::steps::{self, COPY, RECOVERY};

/// The method of a name. `auto` takes the copy where nothing stands in its way, and nothing else: a recovery is an outage and
/// can lose data, so a person has to ask for it.
pub(super) async fn chosen(common: &Common, plan: &Plan, name: MethodName) -> Result<&'static Method> {
    match name {
        MethodName::Copy => return Ok(&COPY),
        MethodName::Recovery => return Ok(&RECOVERY),
        MethodName::Auto => {}
    }
    let mut migration = Migration::new(plan.clone(), State::default(), None, CancellationToken::new())?;
    let found = Box::pin(steps::look(&mut migration)).await;
    if found.wrong.is_empty() {
        return Ok(&COPY);
    }
    let why = found.wrong.join("; ");
    let offer = format!(
        "{why}. See to that, or rebuild the metadata from the replica servers, which is an outage and can lose data \
         (docs/choosing.md): zkmigrator plan --method recovery --plan {plan}, then zkmigrator run --method recovery --plan \
         {plan} --execute",
        plan = common.plan.display()
    );
    Err(Error::new(ErrorKind::Refused, "cluster", "migrate by copy", offer))
}

/// The method that a migration was begun with; a copy where none was.
pub(super) fn method_of(contents: &Contents) -> Result<&'static Method> {
    match contents.method() {
        Some("copy") | None => Ok(&COPY),
        Some("recovery") => Ok(&RECOVERY),
        Some(other) => Err(Error::new(
            ErrorKind::Input,
            "journal",
            "go on",
            format!("it is of the method {other:?}, which this version does not know"),
        )),
    }
}
