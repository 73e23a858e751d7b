//! The processors: whole chunks to compare and digest, beside the task that drives the sockets.
//!
//! A pool of rayon threads takes jobs from a bounded crossbeam channel. Only whole chunks go there, never single
//! znodes: the hop costs more than a hash. Where a chunk is small, or the channel is full, the work is done on the
//! spot: the pool can make things faster and never slower or stuck.

use crossbeam_channel::{Sender, bounded};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::pair::Pairs;

type Job = Box<dyn FnOnce() + Send>;

/// Threads of our own; they end when the pool is dropped.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    /// A pool of one thread for each processor but one, which drives the sockets; at least one.
    pub fn new() -> Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = processors.saturating_sub(1).clamp(1, limits::POOL_THREADS_MAX);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("digest-{index}"))
            .build()
            .map_err(|error| Error::new(ErrorKind::Io(error.to_string()), "start threads"))?;
        let (jobs, taken) = bounded::<Job>(limits::CHUNKS_IN_FLIGHT_MAX);
        pool.spawn_broadcast(move |_| taken.iter().for_each(|job| job()));
        Ok(Self { jobs })
    }

    /// Does `work` with pairs, where their size makes it worth while; their permit goes with them.
    pub async fn run_sized<T: Send + 'static>(
        &self,
        pairs: Pairs,
        work: impl FnOnce(Pairs) -> T + Send + 'static,
    ) -> T {
        self.run(pairs.permit.weight().bytes, move || work(pairs)).await
    }

    /// Does `work`, which is about `bytes` of data, on the pool or on the spot.
    pub async fn run<T: Send + 'static>(&self, bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
        if bytes < limits::INLINE_BYTES_MAX || self.jobs.is_full() {
            return work();
        }
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits for it any more: the command was stopped.
            let _ = done.send(work());
        });
        match self.jobs.try_send(job) {
            Ok(()) => result.await.expect("a job that the pool took is done: its threads live as long as the sender"),
            // It filled up since we looked: on the spot. The job answers through its channel all the same.
            Err(refused) => {
                refused.into_inner()();
                result.await.expect("the job has just been done here")
            }
        }
    }
}
