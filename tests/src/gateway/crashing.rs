//! Starts the gateway with a point at which it kills itself.

use std::fs;

use super::{Gateway, Home};
use crate::crashing_program;

impl Gateway {
    /// Restarts an exited gateway in the same folder, with a crash point at which it aborts.
    pub fn start_again_crashing(mut self, crash_point: &str) -> Self {
        let home = std::mem::take(&mut self.home);
        Self::start_crashing(home, crash_point)
    }

    /// Starts the gateway with a crash point at which it aborts. Points count once it listens.
    pub(crate) fn start_crashing(home: Home, crash_point: &str) -> Self {
        let mark = home.folder.path().join("count-crash-points");
        let _ = fs::remove_file(&mark);
        let gateway = Self::start_with(home, &crashing_program(), &[("FRONTGATE_CRASH_AT", crash_point)]);
        fs::write(mark, "").expect("a file");
        gateway
    }
}
