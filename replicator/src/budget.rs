//! The permits: bytes that the line may hold at once.
//!
//! Whatever carries znodes carries its permit; dropping it gives the bytes back. What a reply will weigh is only
//! guessed when it is asked for, so a permit is resized when the reply is there: the budget may then be overdrawn by
//! what was in flight, which the read limits bound, and nothing new starts until it has recovered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A number of bytes, shared by everything between the source and the target's acknowledgement.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: AtomicUsize,
    freed: Notify,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, used: AtomicUsize::new(0), freed: Notify::new() }))
    }

    /// A permit for `bytes`, if there is room. When nothing at all is held, a permit is given whatever its size: a
    /// znode larger than the budget must still pass.
    pub fn try_take(&self, bytes: usize) -> Option<Permit> {
        let taken = self.0.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            (used == 0 || used + bytes <= self.0.limit).then_some(used + bytes)
        });
        taken.is_ok().then(|| Permit { budget: self.clone(), bytes })
    }

    /// Waits until something was given back since the last call. One waiter only.
    pub async fn freed(&self) {
        self.0.freed.notified().await;
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Acquire)
    }
}

/// Bytes taken from a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Budget,
    bytes: usize,
}

impl Permit {
    /// A permit for nothing: for work whose bytes are bounded by something else.
    pub fn none() -> Self {
        Self { budget: Budget::new(0), bytes: 0 }
    }

    /// Bytes that it stands for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Corrects the guess.
    pub fn resize(&mut self, bytes: usize) {
        let used = &self.budget.0.used;
        if bytes >= self.bytes {
            used.fetch_add(bytes - self.bytes, Ordering::AcqRel);
        } else {
            used.fetch_sub(self.bytes - bytes, Ordering::AcqRel);
            self.budget.0.freed.notify_one();
        }
        self.bytes = bytes;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::AcqRel);
        self.budget.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
