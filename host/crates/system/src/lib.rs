//! What Linux offers the gateway beyond the standard library.
//!
//! [`ownership`] checks who can change a file or folder, [`sandbox`] confines the process that reads and compiles
//! components, [`scheduling`] decides which thread has the processor first, and [`process`] keeps secrets out of the
//! process's environment. Knows nothing of the gateway.

pub mod ownership;
pub mod process;
pub mod sandbox;
pub mod scheduling;
