//! The permits: operations and bytes that the line may hold at once.
//!
//! Whatever carries znodes carries its permit; dropping it gives back what it stands for. What a reply will weigh is
//! only guessed when it is asked for, so a permit is resized when the reply is there: the budget may then be overdrawn
//! by what was in flight, which the read limits bound, and nothing new starts until it has recovered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::limits;

/// What something weighs on its way through the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Visits: znodes, children lists and what else a walk meets.
    pub operations: usize,
    /// Bytes of memory.
    pub bytes: usize,
}

/// An amount of both, shared by everything between the source and the target's acknowledgement.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: Weight,
    used: Mutex<Weight>,
    freed: Notify,
}

impl Budget {
    /// The budget of one line.
    pub fn of_line() -> Self {
        Self::new(Weight { operations: limits::BUDGET_OPERATIONS, bytes: limits::BUDGET_BYTES })
    }

    /// A budget of `limit`.
    pub fn new(limit: Weight) -> Self {
        Self(Arc::new(Shared { limit, used: Mutex::default(), freed: Notify::new() }))
    }

    /// A permit for `weight`, if there is room. When nothing at all is held, a permit is given whatever its size: a
    /// znode larger than the budget must still pass.
    pub fn try_take(&self, weight: Weight) -> Option<Permit> {
        let Shared { limit, .. } = *self.0;
        let mut used = self.0.used();
        let after = Weight { operations: used.operations + weight.operations, bytes: used.bytes + weight.bytes };
        if *used != Weight::default() && (after.operations > limit.operations || after.bytes > limit.bytes) {
            return None;
        }
        *used = after;
        Some(Permit { budget: self.clone(), weight })
    }

    /// Waits until something was given back since the last call. One waiter only.
    pub async fn freed(&self) {
        self.0.freed.notified().await;
    }

    /// What is held now.
    pub fn used(&self) -> Weight {
        *self.0.used()
    }
}

impl Shared {
    fn used(&self) -> MutexGuard<'_, Weight> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something taken from a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Budget,
    weight: Weight,
}

impl Permit {
    /// A permit for nothing: for work that is bounded by something else.
    pub fn none() -> Self {
        Self { budget: Budget::new(Weight::default()), weight: Weight::default() }
    }

    /// What it stands for.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// Corrects the guess.
    pub fn resize(&mut self, weight: Weight) {
        let mut used = self.budget.0.used();
        used.operations = used.operations - self.weight.operations + weight.operations;
        used.bytes = used.bytes - self.weight.bytes + weight.bytes;
        drop(used);
        self.weight = weight;
        self.budget.0.freed.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.resize(Weight::default());
    }
}

#[cfg(test)]
mod tests;
