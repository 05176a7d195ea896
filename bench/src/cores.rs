//! Pins the servers and the load generator to different processors if the machine has two.

use std::io;
use std::process::{Child, Command};
use std::thread;

use core_affinity::CoreId;

/// One side of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The measured server.
    Server,
    /// The load generator.
    Load,
}

impl Side {
    /// Returns the processor of this side, or `None` if the machine has only one.
    fn core(self) -> Option<CoreId> {
        let cores = core_affinity::get_core_ids().filter(|cores| cores.len() >= 2)?;
        let at = match self {
            Self::Load => 0,
            Self::Server => 1,
        };
        cores.get(at).copied()
    }

    /// Returns whether each side has its own processor.
    pub(crate) fn are_apart() -> bool {
        Self::Server.core().is_some()
    }

    /// Runs a closure on this side. Uses a new thread, because a thread stays pinned.
    pub(crate) fn run<T: Send>(self, work: impl FnOnce() -> T + Send) -> T {
        let core = self.core();
        let pinned = move || {
            if let Some(core) = core {
                core_affinity::set_for_current(core);
            }
            work()
        };
        thread::scope(|scope| scope.spawn(pinned).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Starts a process on this side; its children inherit the processor.
    pub(crate) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        self.run(|| command.spawn())
    }
}
