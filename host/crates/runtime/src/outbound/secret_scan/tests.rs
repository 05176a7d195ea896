//! Tests of the search for secrets in every encoding.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "pat-na1-s3cr3t+T0ken/9f2c7e=Zq";

fn marked(text: &str) -> Marked {
    Zeroizing::new(text.bytes().map(|byte| (byte, true)).collect())
}

fn finds(secret: &str, text: impl AsRef<[u8]>) -> bool {
    Patterns::new(&[marked(secret)]).expect("patterns").search().finds(text.as_ref())
}

fn each(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect()
}

fn base64_of(text: &str) -> Vec<String> {
    [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD]
        .iter()
        .map(|engine| engine.encode(text))
        .collect()
}

/// Returns a text in all encodings that servers use.
fn forms(text: &str) -> Vec<String> {
    let mixed =
        |at: usize, byte: u8| if at.is_multiple_of(3) { format!("%{byte:02X}") } else { char::from(byte).to_string() };
    let mut all = vec![
        text.to_owned(),
        text.to_uppercase(),
        text.to_lowercase(),
        each(text, |byte| format!("%{byte:02x}")),
        each(text, |byte| format!("%{byte:02X}")),
        each(text, |byte| format!("%25{byte:02x}")),
        each(text, |byte| format!("%2525{byte:02x}")),
        text.bytes().enumerate().map(|(at, byte)| mixed(at, byte)).collect(),
        text.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"),
        each(text, |byte| format!("\\u{byte:04x}")),
        each(text, |byte| format!("\\\\u{byte:04X}")),
        each(text, |byte| format!("%5Cu{byte:04X}")),
        each(text, |byte| format!("\\u{{{byte:x}}}")),
        each(text, |byte| format!("\\U{byte:08x}")),
        each(text, |byte| format!("%u{byte:04x}")),
        each(text, |byte| format!("\\x{byte:02x}")),
        each(text, |byte| format!("\\{byte:03o}")),
        each(text, |byte| format!("\\{byte:x} ")),
        each(text, |byte| format!("0x{byte:02x}, ")),
        text.replace('/', "\\/"),
        text.replace('+', "\\n").replace('-', "\\t"),
        each(text, |byte| format!("&#{byte};")),
        each(text, |byte| format!("&#{byte:05}")),
        each(text, |byte| format!("&#x{byte:x};")),
        each(text, |byte| format!("&amp;#x{byte:06X};")),
        text.replace('+', "&plus;").replace('/', "&sol;").replace('=', "&equals;"),
        text.replace('+', "&amp;plus;").replace('-', "&amp;hyphen;"),
        each(text, |byte| format!("={byte:02X}")),
        text.split_at(11).0.to_owned() + "=\r\n" + text.split_at(11).1,
        each(text, |byte| format!("{byte:02x}")),
        each(text, |byte| format!("{byte:02X} ")),
        each(text, |byte| format!("{byte}, ")),
        each(text, |byte| format!("{}\0", char::from(byte))),
        each(text, |byte| format!("\0\0\0{}", char::from(byte))),
        each(text, |byte| format!("{}\n", char::from(byte))),
        each(text, |byte| format!("\"{}\",", char::from(byte))),
    ];
    all.push(text.chars().rev().collect());
    all.push(BASE64_STANDARD.encode(each(text, |byte| format!("{}\0", char::from(byte)))));
    all.push(each(&BASE64_STANDARD.encode(text), |byte| format!("{byte:02x}")));
    all.push(BASE64_STANDARD.encode(each(text, |byte| format!("{byte:02x}"))));
    for before in ["", "a", "ab", "Basic user:"] {
        for inner in base64_of(&format!("{before}{text}")) {
            all.extend(["", "b", "bc"].map(|outer| BASE64_URL_SAFE.encode(format!("{outer}{inner}"))));
        }
        for encoded in base64_of(&format!("{before}{text}, and so on")) {
            all.push(encoded.replace('=', "%3D").replace('/', "\\/"));
            let lines: Vec<&str> =
                encoded.as_bytes().chunks(8).map(|line| str::from_utf8(line).expect("text")).collect();
            all.push(lines.join("\r\n"));
        }
    }
    all
}

#[test]
fn a_secret_is_found_in_every_form_between_any_others() {
    for form in forms(SECRET) {
        for (before, after) in
            [("", ""), ("{\"a\":\"", "\"}"), ("%4", "1"), ("\\u00", "00"), ("&#", ";"), ("p", "p"), ("pat-na1-", "x")]
        {
            // The search finds a secret in base64 even between letters that would change the decoded text.
            assert!(finds(SECRET, format!("{before}{form}{after}")), "{before}{form}{after}");
        }
    }
}

#[test]
fn any_sixteen_letters_in_a_row_are_the_secret() {
    let letters: String = SECRET.chars().filter(char::is_ascii_alphanumeric).collect();
    for start in 0..=letters.len() - WINDOW {
        assert!(finds(SECRET, &letters[start..start + WINDOW]), "{start}");
        assert!(!finds(SECRET, &letters[start..start + WINDOW - 1]), "{start}");
    }
}

#[test]
fn a_long_secret_is_found_in_parts() {
    let secret: String = (0..200_u32).map(|at| format!("{:x}", at * 7919 % 4093)).collect();
    for start in 0..secret.len() - 64 {
        assert!(finds(&secret, &secret[start..start + 64]), "{start}");
    }
}

#[test]
fn what_is_no_secret_is_not_found() {
    let text = "{\"id\":\"c-1\",\"name\":\"Mora\",\"token\":\"pat-na1-other-T0ken\",\"html\":\"&lt;b&gt;\\u00e9%20\"}";
    assert!(!finds(SECRET, text.repeat(50)));
    let other: String = SECRET.chars().map(|c| if c == 'z' { 'z' } else { char::from(c as u8 + 1) }).collect();
    assert!(!finds(SECRET, other));
}

#[test]
fn a_short_text_cannot_be_recognised_and_a_visible_one_is_not() {
    assert!(Patterns::new(&[marked("mora")]).is_none());
    let mut pair = marked("AC0123456789abcdef:");
    pair.iter_mut().for_each(|(_, is_secret)| *is_secret = false);
    pair.extend(marked(SECRET).iter());
    let patterns = Patterns::new(&[pair]).expect("patterns");
    assert!(!patterns.search().finds(b"AC0123456789abcdef"));
    assert!(!patterns.search().finds(BASE64_STANDARD.encode("AC0123456789abcdef:").as_bytes()));
    assert!(patterns.search().finds(BASE64_STANDARD.encode(format!("AC0123456789abcdef:{SECRET}")).as_bytes()));
}

proptest! {
    #[test]
    fn a_secret_is_found_across_any_pieces(
        secret in "[!-~]{24,60}", which: prop::sample::Index, before in "\\PC{0,40}", sizes in prop::collection::vec(1_usize..9, 1..8),
    ) {
        prop_assume!(secret.bytes().filter(u8::is_ascii_alphanumeric).count() >= WINDOW);
        prop_assume!(!secret.starts_with("eyJ"));
        let forms = forms(&secret);
        let text = format!("{before} {}", which.get(&forms));
        let mut search = Patterns::new(&[marked(&secret)]).expect("patterns").search();
        let (mut rest, mut sizes, mut found) = (text.as_bytes(), sizes.iter().cycle(), false);
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(rest.len().min(*sizes.next().expect("a size")));
            found |= search.finds(piece);
            rest = others;
        }
        prop_assert!(found, "{}", text);
    }

    #[test]
    fn text_by_chance_is_not_found(text in "[ -~]{0,4000}") {
        prop_assert!(!finds(SECRET, text));
    }
}
