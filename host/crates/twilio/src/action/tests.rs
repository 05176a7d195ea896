//! Tests which actions are accepted, and the fields of their requests.

use super::*;

fn message() -> NewMessage {
    NewMessage { body: Some("Hello".to_owned()), ..NewMessage::default() }
}

#[test]
fn a_message_has_a_mark_beside_its_own_attributes() {
    let message = NewMessage { attributes: Some(r#"{"a":1}"#.to_owned()), ..message() };
    let fields = message.fields("7");
    assert_eq!(fields, [("Attributes", r#"{"a":1,"frontgate_action":"7"}"#.to_owned()), ("Body", "Hello".to_owned())]);
}

#[test]
fn timers_are_durations() {
    let update = ConversationUpdate {
        state: Some(ConversationState::Closed),
        inactive_after_seconds: Some(0),
        closed_after_seconds: Some(3_600),
        ..ConversationUpdate::default()
    };
    let fields = update.fields();
    assert_eq!(fields[0], ("State", "closed".to_owned()));
    assert_eq!(fields[1..], [("Timers.Inactive", "PT0S".to_owned()), ("Timers.Closed", "PT3600S".to_owned())]);
}

#[test]
fn what_twilio_would_reject_is_rejected_with_its_reason() {
    let sid = |prefix: &str| Some(format!("{prefix}{}", "0".repeat(32)));
    let text = |length: usize| Some("x".repeat(length));
    let table: Vec<(Action, &str)> = vec![
        (Action::PostMessage(NewMessage::default()), "needs a body"),
        (Action::PostMessage(NewMessage { body: text(1_601), ..message() }), "1 to 1600 characters"),
        (Action::PostMessage(NewMessage { media_sid: sid("HX"), ..message() }), "media-sid"),
        (Action::PostMessage(NewMessage { content_sid: sid("ME"), ..message() }), "content-sid"),
        (
            Action::PostMessage(NewMessage { content_variables: [("1".into(), "x".into())].into(), ..message() }),
            "need a content-sid",
        ),
        (Action::PostMessage(NewMessage { attributes: Some("[]".into()), ..message() }), "not a JSON object"),
        (Action::PostMessage(NewMessage { author: Some("a\nb".into()), ..message() }), "author"),
        (Action::UpdateConversation(ConversationUpdate::default()), "nothing to change"),
        (
            Action::UpdateConversation(ConversationUpdate { closed_after_seconds: Some(5), ..Default::default() }),
            "0 or at least 600",
        ),
        (Action::AddParticipant(NewParticipant::default()), "an identity or an address"),
        (Action::RemoveParticipant { participant: "..".into() }, "not a name"),
        (Action::Transfer { from: "a".into(), to: "a".into() }, "the same worker"),
    ];
    for (action, reason) in table {
        let found = action.check().expect_err(reason);
        assert!(found.contains(reason), "{found}");
    }
    assert_eq!(Action::PostMessage(message()).check(), Ok(()));
    assert!(check_conversation("CH1").is_err());
}

#[test]
fn an_action_survives_storage() {
    let action = Action::Transfer { from: "ana".into(), to: "ben".into() };
    let text = serde_json::to_string(&action).expect("JSON");
    assert_eq!(text, r#"{"action":"transfer","from":"ana","to":"ben"}"#);
    assert_eq!(serde_json::from_str::<Action>(&text).expect("an action"), action);
}
