use frontgate_contract::bindings::conversations::{ConversationAdd, ConversationChanges};
use frontgate_contract::bindings::plugin_types::ContactChannel;
use frontgate_contract::bindings::templates::{Category, Template};
use proptest::prelude::*;

use super::*;

/// Generates fields with known and unknown names and values.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = "Location|Worker|CustomerId|PageSize|ChannelType|ChannelValue|ConversationSid|ParticipantSid|EventType|\
                 Identity|Attributes|MessagingBinding\\.(Address|ProxyAddress|ProjectedAddress|AuthorAddress)|[a-zA-Z]{0,6}";
    let values = "GetCustomersList|GetProxyAddress|onConversationAdd|onParticipantAdded|onMessageAdd|CH[0-9a-f]{2,4}|MB1|\
                  \\+1202555010[0-9](, ?\\+1202555010[0-9]){0,3}|whatsapp:\\+12025550107|\\{\\}|\\PC{0,12}";
    proptest::collection::vec((names, values), 0..14)
}

#[test]
fn of_a_list_of_own_addresses_the_first_is_used() {
    let fields = [
        ("ConversationSid", "CH1"),
        ("MessagingBinding.AuthorAddress", "+12025550100,+12025550101"),
        ("MessagingBinding.Address", "+12025550100, +12025550102"),
        ("MessagingBinding.ProxyAddress", " , +12025550199"),
    ];
    let form = Form::from_pairs(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let conversation = routing::decode(&form, &[]).expect("a routing").conversation;
    assert_eq!(conversation.addresses, ["+12025550100", "+12025550102"]);
    assert_eq!(conversation.author.as_deref(), Some("+12025550100"));
    assert_eq!(conversation.proxy_address.as_deref(), Some("+12025550199"));
}

proptest! {
    #[test]
    fn any_form_is_decoded_or_rejected(fields in fields()) {
        let form = Form::from_pairs(fields);
        let numbers = ["+12025550101".to_owned()];
        let _ = (crm::decode(&form, None, 100), templates::decode(&form, None), outgoing::decode(&form, None));
        let _ = conversations::identity(&form);
        if let Ok(inbound) = routing::decode(&form, &numbers) {
            prop_assert!(inbound.conversation.conversation_sid.starts_with("CH"));
            prop_assert!(!inbound.conversation.addresses.iter().any(|address| address.contains(',')));
        }
        if let Ok(conversations::Event::ConversationAdd(event)) = conversations::decode(&form, &numbers) {
            let own = event.proxy_address.as_ref();
            prop_assert!(!event.addresses.iter().any(|address| Some(address) == own));
        }
    }

    #[test]
    fn templates_are_json_within_64_kib(texts in proptest::collection::vec("\\PC{0,400}", 0..80), size in 1..20_usize) {
        let template = |text: &String| Template { content: text.repeat(size), whatsapp_approved: size % 2 == 0 };
        let category = |texts: &[String]| Category {
            display_name: texts.concat(),
            templates: texts.iter().map(template).collect(),
        };
        let categories: Vec<_> = texts.chunks(7).map(category).collect();
        let answer = templates::encode(&categories);
        prop_assert!(answer.body.len() <= RESPONSE_BYTES_MAX);
        let read: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).expect("a list");
        prop_assert!(read.len() <= categories.len());
    }

    #[test]
    fn a_proxy_address_is_one_that_frontline_accepts(
        proxy in "(whatsapp:)?\\+?[0-9]{0,17}|\\PC{0,10}",
        kind in "sms|whatsapp|WhatsApp|voice",
        value in "(whatsapp:)?\\+[0-9]{7,8}",
    ) {
        let contact = ContactChannel { kind: kind.clone(), value };
        if outgoing::encode(&proxy, &contact).is_ok() {
            let number = proxy.strip_prefix("whatsapp:");
            prop_assert_eq!(number.is_some(), kind.eq_ignore_ascii_case("whatsapp"));
            let number = number.unwrap_or(&proxy);
            prop_assert!(number.starts_with('+') && number[1..].bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_ne!(proxy, contact.value);
        }
    }

    #[test]
    fn any_changes_to_a_conversation_are_json(
        name in proptest::option::of("\\PC{0,300}"),
        avatar in proptest::option::of("https://\\PC{0,20}|\\PC{0,20}"),
        attributes in "\\{\\}|\\{\"a\":1\\}|\\PC{0,10}",
    ) {
        let event = ConversationAdd {
            addresses: Vec::new(), proxy_address: None, author: None, message_body: None, attributes,
        };
        let answer = conversations::encode_conversation(&ConversationChanges { friendly_name: name, avatar }, &event);
        let read: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        let name = read["friendly_name"].as_str().unwrap_or_default();
        prop_assert!(name.chars().count() <= 256 && !name.contains(char::is_control));
        if let Some(attributes) = read["attributes"].as_str() {
            prop_assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(attributes).is_ok());
        }
    }
}
