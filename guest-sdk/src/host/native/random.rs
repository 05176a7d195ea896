//! Deterministic random numbers, the same in every run of a test.

use std::cell::Cell;

thread_local! {
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

fn next() -> u64 {
    COUNTER.set(COUNTER.get() + 1);
    COUNTER.get()
}

/// Returns the next value of a counter in the form of a UUID.
pub(crate) fn uuid() -> String {
    format!("00000000-0000-4000-8000-{:012x}", next())
}

/// Returns bytes made from a counter. The multiplication spreads the counter over all bits.
pub(crate) fn bytes(count: u32) -> Vec<u8> {
    let words = std::iter::repeat_with(|| next().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    words.flatten().take(count as usize).collect()
}

pub(super) fn reset() {
    COUNTER.take();
}
