//! The protocol with the compiler process: the gateway's order, and the process's report, one line per message on
//! standard error.

use frontgate_contract::Description;
use frontgate_runtime::Build;
use frontgate_system::sandbox::{Confinement, Limits};
use serde::{Deserialize, Serialize};

/// Maximum size of a report in bytes: a description has at most a thousand names of 200 bytes.
pub(super) const REPORT_BYTES_MAX: usize = 1 << 20;

/// An order about the component on standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Limits of the process.
    pub(crate) limits: Limits,
    /// How to compile it; `None` to describe it only.
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
    /// Whether to use the quick compiler.
    pub(super) quick: bool,
    /// Address space of a memory; `None` for wasmtime's default.
    pub(super) memory_reservation: Option<u64>,
}

impl Compile {
    pub(super) fn build(self) -> Build {
        if self.quick { Build::Quick } else { Build::Optimized }
    }
}

/// One line of the report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// The process is confined and starts to read.
    Confined(Confinement),
    /// The component's description.
    Described(Box<Description>),
    /// Why it cannot be described.
    Unreadable(String),
    /// Why it cannot be compiled.
    NotCompiled(String),
    /// The process failed for another reason than the component.
    Failed(String),
}
