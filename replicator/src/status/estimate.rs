//! How far work is, and how long it may yet take: pure, and rather silent than wrong.

use std::time::Duration;

/// Below this a rate says little about what is to come.
const RATE_TRUSTED_AFTER: Duration = Duration::from_secs(2);
/// What is further away than this is not told: no rate lasts so long.
const LEFT_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many znodes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// Nobody knows.
    #[default]
    Unknown,
    /// So many were seen to be there, and there may be any number more.
    AtLeast(u64),
    /// Somebody has counted them: a copy before, a quota, an archive. They may have changed since.
    About(u64),
    /// Only what has changed since the pass before this one began is looked for: how much that is nobody knows before its end.
    Changes {
        /// The number of the pass; the first is another matter.
        pass: u64,
    },
}

impl Size {
    /// What is to be thought of it when `done` are done: a count that was exceeded is none.
    #[must_use]
    pub fn beside(self, done: u64) -> Self {
        match self {
            Self::About(count) if count >= done && count > 0 => self,
            Self::AtLeast(count) if count > done => self,
            Self::Changes { .. } => self,
            _ => Self::Unknown,
        }
    }
}

/// How much of it is done, in hundredths; never all of it: what is done is seen by its end.
pub fn percent(done: u64, size: Size) -> Option<u8> {
    let Size::About(count) = size.beside(done) else { return None };
    let hundredths = u128::from(done) * 100 / u128::from(count);
    Some(u8::try_from(hundredths).unwrap_or(u8::MAX).min(99))
}

/// How long the rest takes if `done_lately` in a time of `lately` is how it goes on; `None` where that can't be said.
pub fn left(done: u64, size: Size, done_lately: u64, lately: Duration) -> Option<Duration> {
    let Size::About(count) = size.beside(done) else { return None };
    if done_lately == 0 || lately < RATE_TRUSTED_AFTER {
        return None;
    }
    let seconds = lately.as_secs_f64() * (count - done) as f64 / done_lately as f64;
    Duration::try_from_secs_f64(seconds).ok().filter(|left| *left <= LEFT_MAX)
}

#[cfg(test)]
mod tests;
