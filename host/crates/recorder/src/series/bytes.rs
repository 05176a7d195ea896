//! Series as bytes: a header with the version, then each series with its intervals. Numbers are LEB128.

use std::collections::VecDeque;

use super::counts::{BUCKETS, Counts};
use super::{History, Interval, LONG_MAX, SERIES_MAX, SHORT_MAX, SeriesKey};

const MAGIC: &[u8; 8] = b"FGSERIES";
/// Version of the format, and of the bounds of the buckets.
const VERSION: u8 = 1;
/// Bytes of a name. Names are those of the configuration.
const NAME_BYTES_MAX: u64 = 4_096;

/// Reason why series were not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// The bytes are something else.
    #[error("not a file of series")]
    Foreign,
    /// Another version of the gateway stored them.
    #[error("series have version {0}, not {VERSION}")]
    Version(u8),
    /// The bytes end too early, or contradict each other.
    #[error("series are damaged")]
    Damaged,
}

pub(super) fn write<'s>(series: impl ExactSizeIterator<Item = (&'s SeriesKey, &'s History)>) -> Vec<u8> {
    let mut output = MAGIC.to_vec();
    output.push(VERSION);
    number(&mut output, series.len() as u64);
    for (key, history) in series {
        match key {
            SeriesKey::Callback { tenant, callback } => {
                output.push(0);
                text(&mut output, tenant);
                text(&mut output, callback);
            }
            SeriesKey::Plugin { plugin } => {
                output.push(1);
                text(&mut output, plugin);
            }
        }
        intervals(&mut output, &history.short);
        intervals(&mut output, &history.long);
    }
    output
}

fn intervals(output: &mut Vec<u8>, intervals: &VecDeque<Interval>) {
    number(output, intervals.len() as u64);
    for Interval { number: at, counts } in intervals {
        number(output, *at);
        number(output, counts.errors.into());
        number(output, counts.refusals.into());
        counts.latencies.iter().for_each(|count| number(output, (*count).into()));
    }
}

fn text(output: &mut Vec<u8>, text: &str) {
    number(output, text.len() as u64);
    output.extend_from_slice(text.as_bytes());
}

fn number(output: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        output.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    output.push(value.to_le_bytes()[0]);
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<(SeriesKey, History)>, SeriesError> {
    let Some((version, rest)) = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
        return Err(SeriesError::Foreign);
    };
    if *version != VERSION {
        return Err(SeriesError::Version(*version));
    }
    let mut input = Input(rest);
    let found = input.all().ok_or(SeriesError::Damaged)?;
    if input.0.is_empty() { Ok(found) } else { Err(SeriesError::Damaged) }
}

/// Bytes that are not read yet.
struct Input<'b>(&'b [u8]);

impl Input<'_> {
    fn all(&mut self) -> Option<Vec<(SeriesKey, History)>> {
        let count = self.count(SERIES_MAX as u64)?;
        (0..count).map(|_| self.series()).collect()
    }

    fn series(&mut self) -> Option<(SeriesKey, History)> {
        let key = match self.byte()? {
            0 => SeriesKey::Callback { tenant: self.text()?.into(), callback: self.text()?.into() },
            1 => SeriesKey::Plugin { plugin: self.text()?.into() },
            _ => return None,
        };
        // The interval at each end may be incomplete.
        Some((key, History { short: self.intervals(SHORT_MAX + 2)?, long: self.intervals(LONG_MAX + 2)? }))
    }

    fn intervals(&mut self, max: u64) -> Option<VecDeque<Interval>> {
        let (count, mut found) = (self.count(max)?, VecDeque::<Interval>::new());
        for _ in 0..count {
            let number = self.number()?;
            // Times beyond this do not fit a product with the duration of an interval.
            let is_later = found.back().is_none_or(|last| last.number < number);
            if !is_later || number > u64::from(u32::MAX) {
                return None;
            }
            let (errors, refusals) = (self.small()?, self.small()?);
            let mut latencies = [0; BUCKETS];
            for count in &mut latencies {
                *count = self.small()?;
            }
            found.push_back(Interval { number, counts: Counts { errors, refusals, latencies } });
        }
        Some(found)
    }

    fn text(&mut self) -> Option<&str> {
        let length = usize::try_from(self.count(NAME_BYTES_MAX)?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn count(&mut self, max: u64) -> Option<u64> {
        self.number().filter(|count| *count <= max)
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}
