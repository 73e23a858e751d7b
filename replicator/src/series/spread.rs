//! How long the answers of a short time took: a histogram that is small enough to be kept by the hundred.
//!
//! Eight bins a doubling: a quantile is told to within 5 %. A few dozen bins are used in practice, eight kilobytes are the
//! most; the histograms of a run ([`crate::latency`]) take twenty-four each.

use hdrhistogram::Histogram;

/// Bins in which a latency doubles.
const BINS_A_DOUBLING: f64 = 8.0;

/// Latencies in bins, by how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread(Vec<(u8, u64)>);

impl Spread {
    /// What `now` has and `then`, an earlier moment of the same, had not.
    pub fn since(then: Option<&Histogram<u64>>, now: &Histogram<u64>) -> Self {
        let mut spread = Self::default();
        for value in now.iter_recorded() {
            let micros = value.value_iterated_to();
            let count = value.count_at_value().saturating_sub(then.map_or(0, |then| then.count_at(micros)));
            if count > 0 {
                spread.add(bin(micros), count);
            }
        }
        spread
    }

    /// Adds those of another time.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(bin, count)| self.add(*bin, *count));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// So many of all (0.5: half of them) took no longer, in microseconds; `None` where there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = (share * self.count() as f64).ceil().max(1.0);
        let mut passed = 0.0;
        let reached = self.0.iter().find(|(_, count)| {
            passed += *count as f64;
            passed >= wanted
        });
        reached.map(|(bin, _)| middle(*bin))
    }

    fn add(&mut self, bin: u8, count: u64) {
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(index) => self.0[index].1 += count,
            Err(index) => self.0.insert(index, (bin, count)),
        }
    }
}

/// Of 1 us the first; the longest latency that is told apart, ten minutes, has the 234th.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 255")]
fn bin(micros: u64) -> u8 {
    ((micros.max(1) as f64).log2() * BINS_A_DOUBLING).floor().min(255.0) as u8
}

/// The middle of a bin, in microseconds.
fn middle(bin: u8) -> f64 {
    ((f64::from(bin) + 0.5) / BINS_A_DOUBLING).exp2()
}

#[cfg(test)]
mod tests;
