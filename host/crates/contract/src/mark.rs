//! The mark of a component whose cases got the same answers in reused instances.
//!
//! `frontgate plugin test` appends the mark as the last custom section. The section contains the digest of all bytes
//! before it, so a component that is built, stripped or changed afterwards has no valid mark.

use super::digest::Digest;

/// A custom section: its kind, its size, the size of its name, its name.
const HEADER: &[u8] = b"\x00\x33\x12frontgate-reusable";
/// Size of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Returns whether a component is marked as reusable.
pub fn is_marked(wasm: &[u8]) -> bool {
    wasm.len() > unmarked(wasm).len()
}

/// Returns a component without the mark.
pub fn unmarked(wasm: &[u8]) -> &[u8] {
    let split = || {
        let (rest, digest) = wasm.split_at_checked(wasm.len().checked_sub(DIGEST_BYTES)?)?;
        let component = rest.strip_suffix(HEADER)?;
        (Digest::of(component).bytes() == digest).then_some(component)
    };
    split().unwrap_or(wasm)
}

/// Returns a component with the mark.
pub fn marked(wasm: &[u8]) -> Vec<u8> {
    let component = unmarked(wasm);
    [component, HEADER, Digest::of(component).bytes()].concat()
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn the_mark_is_a_custom_section_of_a_valid_component() {
        let marked = marked(EMPTY);
        wasmparser::validate(&marked).expect("a component");
        let sections = Parser::new(0).parse_all(&marked).filter_map(|payload| match payload {
            Ok(Payload::CustomSection(section)) => Some((section.name(), section.data().len())),
            _ => None,
        });
        assert_eq!(sections.collect::<Vec<_>>(), [("frontgate-reusable", DIGEST_BYTES)]);
    }

    #[test]
    fn marking_twice_changes_nothing() {
        let once = marked(EMPTY);
        assert_eq!(marked(&once), once);
        assert_eq!(unmarked(&once), EMPTY);
    }

    #[test]
    fn a_component_that_changed_after_its_test_is_not_marked() {
        let marked = marked(EMPTY);
        assert!(is_marked(&marked));
        let another = b"\0asm\x0d\0\x01\0\0\x02\x01n";
        let moved = [another, &marked[EMPTY.len()..]].concat();
        let extended = [&marked[..], b"\0\x02\x01n"].concat();
        for changed in [EMPTY, &moved, &extended, &marked[..marked.len() - 1], b""] {
            assert!(!is_marked(changed));
        }
    }
}
