//! A plugin's file before compilation: reads its manifest and its differences from the contract.

use frontgate_contract::{Description, Manifest};

/// Maximum length in bytes of a description or reason in the log, for each name that a component may have.
const REASON_BYTES_MAX: usize = 1 << 20;

/// Asserts that any bytes are described or rejected, deterministically, and that a description is bounded.
pub fn run(input: &[u8]) {
    let described = manifest(input);
    match &described {
        Ok((manifest, incompatibility)) => {
            assert_eq!(manifest.bytes, input.len());
            assert!(incompatibility.as_ref().is_none_or(|reason| reason.len() <= REASON_BYTES_MAX));
        }
        Err(reason) => assert!(reason.len() <= REASON_BYTES_MAX),
    }
    assert_eq!(described, manifest(input));
}

fn manifest(wasm: &[u8]) -> Result<(Manifest, Option<String>), String> {
    let description = Description::of(wasm).map_err(|error| format!("{error:#}"))?;
    Ok((description.manifest, description.incompatibility))
}
