//! Amounts as people write them: `10M`, `250ms`.

use std::time::Duration;

/// Bytes: a number, with K, M, G or T behind it for 1024 of what comes before; `KiB` and its like are the same. Not 0.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let power = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KIB" => 1,
        "M" | "MIB" => 2,
        "G" | "GIB" => 3,
        "T" | "TIB" => 4,
        _ => return Err("an amount of bytes is a number, with K, M, G or T behind it: 10M".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "an amount of bytes begins with a number: 10M".to_owned())?;
    match number.checked_mul(1024_u64.pow(power)) {
        Some(0) => Err("it is 1 at least".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("it is more than 64 bits hold".to_owned()),
    }
}

/// Milliseconds, up to an hour: a number alone.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let is_one = |ms: &u64| (1..=3_600_000).contains(ms);
    text.parse().ok().filter(is_one).ok_or_else(|| {
        "it is milliseconds, a plain number from 1 to 3600000 without a unit: 10000 for ten seconds".to_owned()
    })
}

/// How many: a number alone. Not 0.
pub fn count(text: &str) -> Result<u64, String> {
    let is_one = |count: &u64| *count > 0;
    text.parse().ok().filter(is_one).ok_or_else(|| "it is a plain number, 1 at least, without a unit: 5000".to_owned())
}

/// A duration: `250ms`, `2s`, `1m 30s`. Not 0.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it is more than 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; a duration is a number and a unit: 250ms, 2s")),
    }
}

#[cfg(test)]
mod tests;
