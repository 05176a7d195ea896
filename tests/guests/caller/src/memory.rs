//! Searches the plugin's own memory.
#![expect(unsafe_code, reason = "the search covers the whole memory")]

/// The difference between each byte of the argument and the text to find. The search must not find its own argument.
const SHIFT: u8 = 1;

/// Returns whether the memory contains a text. `shifted` is that text, shifted and in hexadecimal.
pub(crate) fn holds(shifted: &str) -> bool {
    let digits = shifted.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let shifted: Vec<u8> = digits.filter_map(byte).collect();
    let bytes = core::arch::wasm32::memory_size::<0>() * 65_536;
    // SAFETY: linear memory begins at 0 and ends at `bytes`; the first byte is left out, since no reference may be
    // null.
    let memory = unsafe { std::slice::from_raw_parts(std::ptr::without_provenance::<u8>(1), bytes - 1) };
    let found = |window: &[u8]| window.iter().zip(&shifted).all(|(byte, other)| byte.wrapping_add(SHIFT) == *other);
    !shifted.is_empty() && memory.windows(shifted.len()).any(found)
}
