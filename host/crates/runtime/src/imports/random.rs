//! `host-random`: randomness that no toolchain has frozen.

use frontgate_contract::bindings::host_random::Host;

use crate::run::store::CallStore;

/// `bytes` in `wit/imports.wit`.
const BYTES_MAX: u32 = 65_536;

impl Host for CallStore {
    fn bytes(&mut self, count: u32) -> Vec<u8> {
        let mut bytes = vec![0; count.min(BYTES_MAX) as usize];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        bytes
    }

    fn uuid(&mut self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
