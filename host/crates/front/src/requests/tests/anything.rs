//! Checks that every input is decoded or rejected.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Generates JSON with known and unknown field names, and values of any type.
fn anything() -> impl Strategy<Value = Value> {
    let names = "type|payload|metadata|channel_id|_links|related|conversation|message_replied_to|id|message_uid|text|\
                 body|author|email|recipients|handle|role|name|attachments|filename|url|size|is_inline|cid|created_at|\
                 headers|in_reply_to|external_id|external_conversation_ids?|page_token|pagination|[a-z]{0,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "to|from|true|Attachment|msg_1|https://x.example/a/b_1/?c|<p>a</p>|\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let fields = proptest::collection::vec((names, inner.clone()), 0..8);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_of_a_known_type_is_decoded_or_rejected(
        name in "authorization|list_addresses|message|message_autoreply|message_imported|delete|[a-z]{0,4}",
        payload in anything(),
        metadata in anything(),
    ) {
        let body = json!({"type": name, "payload": payload, "metadata": metadata});
        if let Ok(decoded) = decode_stored(body.to_string().as_bytes()) {
            prop_assert_eq!(decoded.request.name(), name);
            if let ChannelRequest::Message(message) = decoded.request {
                prop_assert_eq!(message.idempotency_key("cha_1").len(), 64);
                prop_assert!(message.to.iter().all(|party| !party.handle.trim().is_empty()));
                prop_assert!(message.attachments.iter().all(|file| !file.filename.contains(['/', '"', '\n'])));
            }
        }
    }

    #[test]
    fn any_json_and_any_bytes_are_decoded_or_rejected(
        value in anything(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        is_delete: bool,
    ) {
        let _ = (decode_stored(value.to_string().as_bytes()), decode_stored(&bytes));
        let _ = signed(is_delete, &bytes, &bytes);
    }

    #[test]
    fn no_flipped_bit_of_a_message_causes_a_panic(bit in any::<prop::sample::Index>()) {
        let mut body = whole().to_string().into_bytes();
        let bit = bit.index(body.len() * 8);
        body[bit / 8] ^= 1 << (bit % 8);
        let _ = decode_stored(&body);
    }
}
