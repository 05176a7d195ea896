//! Stops the background threads of a test even if the test panics.

use std::sync::atomic::{AtomicBool, Ordering};

/// A guard that sets a flag on drop.
pub struct SetOnDrop<'f>(pub &'f AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
