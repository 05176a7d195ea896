//! `front::requests`: decodes JSON that Front signed, as a POST and as a DELETE.

use frontgate_front::requests::{
    ATTACHMENTS_MAX, CONVERSATION_IDS_MAX, ChannelRequest, Decoded, FILENAME_CHARS_MAX, RECIPIENTS_MAX, decode,
    decode_stored,
};
use frontgate_front::signature::{Key, Keys, SignedRequest};

/// Maximum length of an unknown type in characters.
const TYPE_CHARS_MAX: usize = 64;
/// Time at which the signed request is sent and received, in milliseconds since 1970.
const NOW_MS: u64 = 1_700_000_000_000;

/// Asserts that any bytes are decoded or rejected, and that a decoded request is within every limit.
pub fn run(input: &[u8]) {
    let kept = decode_stored(input);
    let keys = Keys::new(vec![Key::new("app_secrets[0]", "secret")], 1);
    let (timestamp, signature) = (NOW_MS.to_string(), keys.sign(&NOW_MS.to_string(), input).expect("a key"));
    for is_delete in [false, true] {
        let (timestamp, signature) = (Some(&*timestamp), Some(&*signature));
        let request = SignedRequest { is_delete, timestamp, signature, body: input };
        let decoded = decode(&keys.verify(&request, NOW_MS).expect("a signed request"));
        if let Ok(decoded) = &decoded {
            check(decoded);
        }
        match is_delete {
            true => assert!(decoded.map_or(true, |decoded| matches!(decoded.request, ChannelRequest::Delete(_)))),
            false => assert_eq!(decoded, kept),
        }
    }
}

fn check(decoded: &Decoded) {
    match &decoded.request {
        ChannelRequest::Message(message) => {
            assert!(message.attachments.len() <= ATTACHMENTS_MAX);
            assert!(message.recipients.len() <= RECIPIENTS_MAX && message.to.len() <= RECIPIENTS_MAX);
            assert!(message.conversation_ids.len() <= CONVERSATION_IDS_MAX);
            assert_eq!(message.idempotency_key("cha_1").len(), 64);
            for file in &message.attachments {
                assert!((1..=FILENAME_CHARS_MAX).contains(&file.filename.chars().count()), "{:?}", file.filename);
                assert!(!file.filename.contains(['/', '\\', '"']) && !matches!(&*file.filename, "." | ".."));
                assert!(!file.filename.chars().any(char::is_control));
                assert!(file.content_type.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            assert!(message.to.iter().all(|party| !party.handle.trim().is_empty()));
        }
        ChannelRequest::Unknown(name) => {
            assert!(name.chars().count() <= TYPE_CHARS_MAX && !name.chars().any(char::is_control));
        }
        _ => {}
    }
}
