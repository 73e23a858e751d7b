//! Makes the target what the source is: a copy that also removes what the source does not have.
//!
//! What is to go is counted before anything is written, and more than the user allows is refused then. It may become
//! more, where the source loses znodes meanwhile: while it is removed, one more than is allowed stops it, and so does a
//! znode that somebody has written since it was read.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio_util::sync::CancellationToken;

use crate::copy::{CopyReport, copy};
use crate::error::{Error, Result, Side};
use crate::limits;
use crate::options::{AclPolicy, CopyOptions, EnsembleOptions, VerifyOptions};
use crate::progress::Progress;
use crate::session::Lane;
use crate::verify::{VerifyReport, verify};
use crate::znode::ZnodePath;

/// Makes the trees the same. `max_delete` znodes may be removed at most; where it is not said, a tenth of the target or
/// [`limits::DELETES_ALLOWED`], whichever is more. Counts into `progress`.
///
/// An error before the first write says that nothing was changed; after it, what was written and removed stands, and the
/// same call goes on from there. A target that holds nothing is copied to.
pub async fn sync(
    options: &CopyOptions,
    max_delete: Option<u64>,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<CopyReport> {
    let (allowed, within) = count_extras(options, stop).await?.bound(&options.target, max_delete);
    within?;
    removing(options, allowed, progress, stop).await
}

/// Sends what a verify has found to differ, and removes what it has found only at the target, within the same bounds.
pub async fn fix(
    options: &CopyOptions,
    found: &VerifyReport,
    max_delete: Option<u64>,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<CopyReport> {
    let unreadable = found.differences.unreadable;
    if unreadable > 0 {
        return Err(Error::bad_input(format!(
            "{unreadable} znode(s) could not be compared (the lines with !), and nothing was sent: give credentials that may \
             read them and have ADMIN there, or leave them out with --exclude"
        )));
    }
    let (allowed, within) = Extras::of(found).bound(&options.target, max_delete);
    within?;
    removing(options, allowed, progress, stop).await
}

async fn removing(
    options: &CopyOptions,
    allowed: u64,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<CopyReport> {
    let removal = Some(Arc::new(AtomicU64::new(allowed)));
    copy(&CopyOptions { update: true, removal, ..options.clone() }, progress, stop).await
}

/// What the target has and the source has not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    extras: u64,
    /// All znodes of the target.
    all: u64,
}

impl Extras {
    fn of(found: &VerifyReport) -> Self {
        Self { extras: found.differences.only_target, all: found.target.sum.znodes }
    }

    /// How many znodes may be removed, which the user has said or which is harmless for the target; and a refusal, if these
    /// are more.
    pub(crate) fn bound(self, target: &EnsembleOptions, max_delete: Option<u64>) -> (u64, Result<()>) {
        let Self { extras, all } = self;
        let allowed = max_delete.unwrap_or_else(|| limits::DELETES_ALLOWED.max(all / 10));
        if extras <= allowed {
            return (allowed, Ok(()));
        }
        let said = if max_delete.is_some() { "--max-delete says" } else { "are removed without --max-delete" };
        let refused = Error::bad_input(format!(
            "{extras} of {all} znodes at the target {} are not at the source and would be removed, and at most {allowed} \
             {said}: nothing was changed; look at what they are (zkreplicator verify), then give --max-delete {extras}",
            target.connect
        ));
        (allowed, Err(refused.at(Side::Target)))
    }
}

/// Counts them; reads only.
pub(crate) async fn count_extras(options: &CopyOptions, stop: &CancellationToken) -> Result<Extras> {
    if holds_nothing(options).await? {
        return Ok(Extras::default());
    }
    // Which ACLs stand there decides nothing, and would cost a request each.
    let compare = VerifyOptions {
        acl: AclPolicy::Open,
        ephemerals: options.ephemerals,
        differences_listed: 0,
        ..VerifyOptions::between(options.source.clone(), options.target.clone(), options.filter.clone())
    };
    let found = verify(&compare, &Progress::default(), stop).await?;
    Ok(Extras::of(&found))
}

async fn holds_nothing(options: &CopyOptions) -> Result<bool> {
    let target =
        Lane::connect(Side::Target, &options.target).await.map_err(|error| options.target.with_schemes(error))?;
    let root = target.stat(&ZnodePath::root()).await;
    target.close().await;
    Ok(root?.is_none_or(|root| root.num_children == 0))
}
