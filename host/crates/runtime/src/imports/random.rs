//! `host-random`: random bytes of the operating system.
//!
//! Some toolchains freeze the state of their random number generator into the component; this interface avoids that.

use frontgate_contract::bindings::host_random::Host;
use wasmtime::component::HasData;

/// Maximum number of bytes per call, documented at `bytes` in `wit/imports.wit`.
const BYTES_MAX: u32 = 65_536;

/// Host side of the import `host-random`, which has no state.
pub(crate) struct RandomHost;

impl HasData for RandomHost {
    type Data<'a> = RandomHost;
}

impl Host for RandomHost {
    fn bytes(&mut self, count: u32) -> Vec<u8> {
        let mut bytes = vec![0; count.min(BYTES_MAX) as usize];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        bytes
    }

    fn uuid(&mut self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
