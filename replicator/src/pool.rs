//! The processors: whole chunks to compare and digest, beside the task that drives the sockets.
//!
//! A pool of rayon threads takes jobs from a bounded crossbeam channel. Only whole chunks go there, never single
//! znodes: the hop costs more than a hash. Where a chunk is small, the channel is full, or there is no processor to spare,
//! the work is done on the spot: the pool can make things faster and never slower or stuck.

use crossbeam_channel::{Sender, bounded};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::pair::Pairs;

type Job = Box<dyn FnOnce() + Send>;

/// Threads of our own, if any; they end when the pool is dropped.
#[derive(Debug)]
pub struct Pool {
    /// `None`: everything is done on the spot.
    jobs: Option<Sender<Job>>,
}

impl Pool {
    /// A pool for this machine: one processor is left to the thread that drives the sockets, and one to whoever it talks to,
    /// be that the kernel or a server beside us. On two processors a third busy thread only takes turns with those two: a
    /// dump of 1,000,000 znodes with ACLs took 14.3 s with it and 12.4 s without (a scan 12.3), a verify as long and 6 %
    /// more processor time.
    ///
    /// `RAYON_NUM_THREADS` says another number, as it does wherever rayon is used.
    pub fn new() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let said = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
        Self::of(said.unwrap_or(processors.saturating_sub(2)).min(limits::POOL_THREADS_MAX))
    }

    /// A pool of so many threads.
    pub fn of(threads: usize) -> Result<Self> {
        if threads == 0 {
            return Ok(Self { jobs: None });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("digest-{index}"))
            .build()
            .map_err(|error| Error::new(ErrorKind::Io(error.to_string()), "start threads"))?;
        let (jobs, taken) = bounded::<Job>(limits::CHUNKS_IN_FLIGHT_MAX);
        pool.spawn_broadcast(move |_| taken.iter().for_each(|job| job()));
        Ok(Self { jobs: Some(jobs) })
    }

    /// Does `work` with pairs, on the pool where their size makes it worth while; their permit goes with them.
    pub async fn run_sized<T: Send + 'static>(
        &self,
        pairs: Pairs,
        work: impl FnOnce(Pairs) -> T + Send + 'static,
    ) -> T {
        if pairs.permit.weight().bytes < limits::INLINE_BYTES_MAX {
            return on_the_spot(|| work(pairs)).await;
        }
        self.run(move || work(pairs)).await
    }

    /// Does `work` on the pool, or on the spot where no thread has room.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Some(jobs) = self.jobs.as_ref().filter(|jobs| !jobs.is_full()) else { return on_the_spot(work).await };
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits for it any more: the command was stopped.
            let _ = done.send(work());
        });
        match jobs.try_send(job) {
            Ok(()) => result.await.expect("a job that the pool took is done: its threads live as long as the sender"),
            // It filled up since we looked: on the spot. The job answers through its channel all the same.
            Err(refused) => {
                refused.into_inner()();
                result.await.expect("the job has just been done here")
            }
        }
    }
}

/// Does it here, and lets whoever else needs this thread have it before the next piece: sockets, signals, the status line.
async fn on_the_spot<T>(work: impl FnOnce() -> T) -> T {
    let done = work();
    tokio::task::yield_now().await;
    done
}

#[cfg(test)]
mod tests;
