//! What the gateway orders of the process that reads strangers' files, and what that process reports, a line for each
//! on its standard error.

use frontgate_contract::Description;
use frontgate_runtime::Build;
use frontgate_system::sandbox::{Confinement, Limits};
use serde::{Deserialize, Serialize};

/// Bytes of everything that the process may report: a description has at most a thousand names of 200 bytes.
pub(super) const REPORT_BYTES_MAX: usize = 1 << 20;

/// What to do with the component on standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// What the process may take.
    pub(crate) limits: Limits,
    /// How to compile it; none to describe it only.
    pub(super) compile: Option<Compile>,
}

impl Default for Order {
    fn default() -> Self {
        let limits = Limits { memory_bytes_max: 1 << 30, cpu_seconds_max: 60, output_bytes_max: 0 };
        Self { limits, compile: None }
    }
}

/// How a component is compiled.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Compile {
    /// By the quick compiler.
    pub(super) quick: bool,
    /// Address space of a memory; none for wasmtime's own choice.
    pub(super) memory_reservation: Option<u64>,
}

impl Compile {
    pub(super) fn build(self) -> Build {
        if self.quick { Build::Quick } else { Build::Optimised }
    }
}

/// One line of the report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// The process is confined, and begins to read.
    Confined(Confinement),
    /// What the component says of itself.
    Described(Box<Description>),
    /// Why it cannot be described.
    Unreadable(String),
    /// Why it cannot be compiled.
    NotCompiled(String),
    /// Why nothing can be said about the component.
    Failed(String),
}
