//! What work waits for, told from what is under way: whoever has something to answer most of the time is who is waited for.
//!
//! The line is one chain. Where the target is slow its acknowledgements are outstanding all the time, and the source is asked
//! only now and then; where the source is slow it is the other way round; where this machine is, nothing is outstanding for long.

use std::time::Duration;

use crate::error::Side;
use crate::latency::Busy;

/// Of one core, from where on the thread that drives all sockets is what is waited for: it has no more than one.
const PROCESSOR_FULL: f64 = 0.85;
/// Shares of time from where on a side is waited for all the time: then several are.
const ALWAYS: f64 = 0.85;
/// And up to where it is not waited for.
const HARDLY: f64 = 0.2;

/// What was going on in a while.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// How long it was.
    pub lasted: Duration,
    /// Processor time that the thread took that drives the work.
    pub processor: Duration,
    /// For how long each side had something to answer.
    pub sides: Vec<(Side, Busy)>,
}

/// What was waited for most.
pub fn waits_for(load: &Load) -> String {
    let share = |time: Duration| time.as_secs_f64() / load.lasted.as_secs_f64().max(1e-6);
    if share(load.processor) >= PROCESSOR_FULL {
        return "waits: this machine's processor".to_owned();
    }
    let mut answers: Vec<(f64, String)> = load
        .sides
        .iter()
        .flat_map(|(side, busy)| {
            [(share(busy.reads), format!("{side} answers")), (share(busy.writes), format!("{side} acknowledgements"))]
        })
        .filter(|(share, _)| *share > HARDLY)
        .collect();
    answers.sort_by(|one, other| other.0.total_cmp(&one.0));
    let always = answers.iter().filter(|(share, _)| *share >= ALWAYS).count();
    answers.truncate(always.max(1));
    if answers.is_empty() {
        return if load.sides.is_empty() { "waits: files" } else { "waits: sessions, or this machine" }.to_owned();
    }
    let names: Vec<String> = answers.into_iter().map(|(_, name)| name).collect();
    format!("waits: {}", names.join(" and "))
}

#[cfg(test)]
mod tests;
