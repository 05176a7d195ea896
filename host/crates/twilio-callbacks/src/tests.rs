use frontgate_contract::bindings::conversations::{
    ConversationAdd, ConversationChanges, ConversationVerdict, Media, ParticipantChanges,
};
use frontgate_contract::bindings::plugin_types::ContactChannel;
use frontgate_contract::bindings::templates::{Category, Template};
use proptest::prelude::*;

use super::conversations::PreEvent;
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

fn form(fields: &[(&str, &str)]) -> Form<'static> {
    Form::from_pairs(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn conversation_add(fields: &[(&str, &str)]) -> ConversationAdd {
    let form = form(&[&[("EventType", "onConversationAdd")], fields].concat());
    match conversations::decode(&form, &[]) {
        Ok(conversations::Event::ConversationAdd(event)) => event,
        other => panic!("{other:?}"),
    }
}

fn pre_event(fields: &[(&str, &str)]) -> PreEvent {
    match conversations::decode(&form(fields), &[]) {
        Ok(conversations::Event::Pre(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_field_without_a_place_in_the_record_is_kept() {
    let event = conversation_add(&[
        ("MessagingBinding.Address", "+12025550107"),
        ("MessagingBinding.ProxyAddress", "+12025550199"),
        ("MessagingBinding.Level", "cc"),
        ("MessageSubject", "Hello"),
        ("Twice", "1"),
        ("Twice", "2"),
        ("FriendlyName", ""),
        ("FriendlyName", "second"),
        ("Media", "not JSON"),
    ]);
    assert_eq!(
        (event.addresses, event.proxy_address.as_deref()),
        (vec!["+12025550107".to_owned()], Some("+12025550199"))
    );
    let kept = [
        ("MessagingBinding.Level", "cc"),
        ("MessageSubject", "Hello"),
        ("Twice", "1"),
        ("Twice", "2"),
        ("FriendlyName", "second"),
        ("Media", "not JSON"),
    ];
    assert_eq!(event.more, pairs(&kept));
}

#[test]
fn a_second_own_address_is_kept() {
    let event = conversation_add(&[
        ("MessagingBinding.Address", "+12025550107"),
        ("MessagingBinding.ProjectedAddress", "+12025550198"),
        ("MessagingBinding.ProxyAddress", "+12025550199"),
    ]);
    assert_eq!(event.proxy_address.as_deref(), Some("+12025550198"));
    assert_eq!(event.more, pairs(&[("MessagingBinding.ProxyAddress", "+12025550199")]));
}

#[test]
fn files_of_a_message_are_decoded() {
    let event = conversation_add(&[("Media", r#"[{"Sid":"ME1","ContentType":"image/png"},{"Sid":"ME2","Size":7}]"#)]);
    let media = |sid: &str, content_type: Option<&str>, size| Media {
        sid: sid.to_owned(),
        filename: None,
        content_type: content_type.map(str::to_owned),
        size,
    };
    assert_eq!(event.media.len(), 2);
    assert_eq!(format!("{:?}", event.media[0]), format!("{:?}", media("ME1", Some("image/png"), None)));
    assert_eq!(format!("{:?}", event.media[1]), format!("{:?}", media("ME2", None, Some(7))));
}

#[test]
fn numbers_and_truth_values_are_decoded_or_kept_as_text() {
    let user = ("UserSid", "US1");
    let (typed, odd) = (("isOnline", "true"), ("isNotifiable", "perhaps"));
    let PreEvent::UserUpdate(event) = pre_event(&[("EventType", "onUserUpdate"), user, typed, odd]) else {
        panic!("another event");
    };
    assert_eq!((event.is_online, event.is_notifiable), (Some(true), None));
    assert_eq!(event.more, pairs(&[odd]));
}

#[test]
fn a_participant_with_an_identity_is_decoded() {
    let fields = [
        ("EventType", "onParticipantAdded"),
        ("ConversationSid", "CH1"),
        ("ParticipantSid", "MB1"),
        ("Identity", "mora-in-the-chat"),
        ("MessagingBinding.Type", "chat"),
    ];
    let Ok(conversations::Event::ParticipantAdded(event)) = conversations::decode(&form(&fields), &[]) else {
        panic!("another event");
    };
    assert_eq!((event.identity.as_deref(), event.address), (Some("mora-in-the-chat"), None));
    assert_eq!(event.binding_type.as_deref(), Some("chat"));
    assert!(event.more.is_empty(), "{:?}", event.more);
}

#[test]
fn an_event_about_an_object_needs_the_objects_sid() {
    for (event, missing) in [
        ("onMessageUpdate", "MessageSid"),
        ("onMessageRemove", "MessageSid"),
        ("onParticipantUpdate", "ParticipantSid"),
        ("onUserUpdate", "UserSid"),
    ] {
        let fields = [("EventType", event), ("ConversationSid", "CH1")];
        let error = conversations::decode(&form(&fields), &[]).expect_err("no SID");
        assert_eq!(error.to_string(), format!("the parameter {missing} is missing"), "{event}");
    }
}

#[test]
fn page_size_and_worker_have_defaults() {
    let list = form(&[("Location", "GetCustomersList")]);
    for (default_worker, expected) in [(None, ""), (Some("ana@example.org"), "ana@example.org")] {
        let Ok(crm::CrmRequest::List(list)) = crm::decode(&list, None, default_worker, 1_000) else {
            panic!("no list");
        };
        assert_eq!((list.worker.as_str(), list.page_size), (expected, 30));
    }
    for size in ["0", "-1", "many"] {
        let list = form(&[("Location", "GetCustomersList"), ("PageSize", size)]);
        assert!(crm::decode(&list, None, None, 1_000).is_err(), "{size}");
    }
}

#[test]
fn a_reserved_identity_is_no_chat_address() {
    let sid = format!("US{}", "0a".repeat(16));
    let long = "x".repeat(257);
    for identity in ["", " ", "system", "private", "unique", &sid, &long] {
        assert!(!sanitize::channel("chat", identity), "{identity}");
    }
    for identity in ["mora", "systems", "US12", &long[1..], "mora@example.org"] {
        assert!(sanitize::channel("chat", identity), "{identity}");
    }
}

#[test]
fn a_chat_conversation_is_sent_from_an_identity() {
    let contact = |value: &str| ContactChannel { kind: "chat".to_owned(), value: value.to_owned() };
    assert!(outgoing::encode("the-company", &contact("mora")).is_ok());
    assert!(outgoing::encode("mora", &contact("mora")).is_err());
    assert!(outgoing::encode("system", &contact("mora")).is_err());
}

#[test]
fn an_address_is_not_a_name() {
    for name in [None, Some(""), Some(" "), Some("+12025550107"), Some("whatsapp:+12025550107")] {
        assert!(!conversations::is_named(name), "{name:?}");
    }
    for name in ["Mora Lind", "+12025550107, Mora Lind", "42"] {
        assert!(conversations::is_named(Some(name)), "{name}");
    }
}

#[test]
fn attributes_of_a_participant_are_replaced_on_request_only() {
    let changes =
        |overwrite| ParticipantChanges { customer_id: "c-7".to_owned(), display_name: None, avatar: None, overwrite };
    let present = r#"{"customer_id":"wrong"}"#;
    assert_eq!(conversations::participant_attributes(present, &changes(false)), Ok(None));
    let replaced = Ok(Some(r#"{"customer_id":"c-7"}"#.to_owned()));
    assert_eq!(conversations::participant_attributes(present, &changes(true)), replaced);
}

proptest! {
    #[test]
    fn any_form_is_decoded_or_rejected(fields in fields()) {
        let form = Form::from_pairs(fields);
        let numbers = ["+12025550101".to_owned()];
        let _ = (crm::decode(&form, None, None, 100), templates::decode(&form, None, None), outgoing::decode(&form, None, None));
        let _ = conversations::identity(&form);
        let _ = conversations::begins_unnamed(&form);
        if let Ok(inbound) = routing::decode(&form, &numbers) {
            prop_assert!(inbound.conversation.conversation_sid.starts_with("CH"));
            prop_assert!(!inbound.conversation.addresses.iter().any(|address| address.contains(',')));
        }
        let decoded = conversations::decode(&form, &numbers);
        if let Ok(conversations::Event::ConversationAdd(event)) = decoded {
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
        let event = ConversationAdd { attributes, ..conversation_add(&[("State", "active")]) };
        let changes = ConversationVerdict::Change(ConversationChanges { friendly_name: name, avatar });
        let answer = conversations::conversation(changes, &event).expect("changes");
        let read: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        let name = read["friendly_name"].as_str().unwrap_or_default();
        prop_assert!(name.chars().count() <= 256 && !name.contains(char::is_control));
        if let Some(attributes) = read["attributes"].as_str() {
            prop_assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(attributes).is_ok());
        }
    }
}
