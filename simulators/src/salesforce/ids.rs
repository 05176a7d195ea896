//! Record ids: a key prefix, a number in base 62, and a checksum for systems that ignore case.

/// The length of the part that the checksum covers.
pub(super) const CORE: usize = 15;
/// The length with the checksum, as the API writes ids.
const WHOLE: usize = 18;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// Returns the id with this key prefix and number. A larger number is a larger id.
pub(super) fn id(prefix: &str, number: u64) -> String {
    let mut core = format!("{prefix}Hs").into_bytes();
    let places = CORE - core.len();
    let digit = |place: usize| DIGITS[(number / 62_u64.pow(u32::try_from(place).expect("small")) % 62) as usize];
    core.extend((0..places).rev().map(digit));
    whole(&core)
}

/// Returns the id of 18 characters for one of 15 or 18, or `None` for another text.
pub(super) fn parse(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), CORE | WHOLE) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = is_id.then(|| whole(&text.as_bytes()[..CORE]))?;
    (text.len() == CORE || id == text).then_some(id)
}

fn whole(core: &[u8]) -> String {
    let bit = |(place, byte): (usize, &u8)| usize::from(byte.is_ascii_uppercase()) << place;
    let sums = core.chunks(5).map(|chunk| CHECKSUM[chunk.iter().enumerate().map(bit).sum::<usize>()]);
    core.iter().copied().chain(sums).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_salesforces_checksum_and_grow_with_their_numbers() {
        assert_eq!(parse("a0D30000001n7Pi").as_deref(), Some("a0D30000001n7PiEAI"));
        assert_eq!(parse("0019000000B98deAAB").as_deref(), Some("0019000000B98deAAB"));
        assert_eq!((parse("0019000000B98deAAA"), parse("7")), (None, None));
        let ids: Vec<_> = (0..10_000).step_by(37).map(|number| id("003", number)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| parse(id).as_ref() == Some(id)));
    }
}
