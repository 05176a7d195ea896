//! The protocol with the compiler process. The gateway passes an order as an argument, and the process writes a report
//! to standard error, one line per message.

use frontgate_contract::Description;
use frontgate_runtime::Build;
use frontgate_system::sandbox::{Confinement, Limits};
use serde::{Deserialize, Serialize};

/// Maximum size of a report in bytes: enough for a description with a thousand names of 200 bytes each.
pub(super) const REPORT_BYTES_MAX: usize = 1 << 20;

/// An order for the compiler process. The component arrives on standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Limits of the process.
    pub(crate) limits: Limits,
    /// Options of the compilation; `None` to only describe the component.
    pub(super) compile: Option<Compile>,
}

impl Default for Order {
    fn default() -> Self {
        let limits = Limits { memory_bytes_max: 1 << 30, cpu_seconds_max: 60, output_bytes_max: 0 };
        Self { limits, compile: None }
    }
}

/// Options of the compilation of a component.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Compile {
    /// Whether to use the quick compiler.
    pub(super) quick: bool,
    /// Address space to reserve for a WebAssembly memory, in bytes; `None` for wasmtime's default.
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
