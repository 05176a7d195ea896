//! Which processor the servers run on, and which one the load: apart where there are two.

use std::io;
use std::process::{Child, Command};
use std::thread;

use core_affinity::CoreId;

/// Where one side of a measurement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What is measured.
    Server,
    /// What measures.
    Load,
}

impl Side {
    /// The processor; none where there is only one.
    fn core(self) -> Option<CoreId> {
        let cores = core_affinity::get_core_ids().filter(|cores| cores.len() >= 2)?;
        let at = match self {
            Self::Load => 0,
            Self::Server => 1,
        };
        cores.get(at).copied()
    }

    /// Whether each side has a processor of its own.
    pub(crate) fn are_apart() -> bool {
        Self::Server.core().is_some()
    }

    /// Runs something on this side, on a thread of its own, as a thread stays where it was put.
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

    /// Starts a process on this side; what it starts is there as well.
    pub(crate) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        self.run(|| command.spawn())
    }
}
