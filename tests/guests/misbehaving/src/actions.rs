//! Executes scripts of actions on conversations: instructions separated by semicolons. Other instructions are those of
//! [`state`].

use frontgate_sdk::actions::{self, ConversationState, ConversationUpdate, NewMessage, NewParticipant};
use frontgate_sdk::{Error, Result};

use crate::state;

/// Executes a script. Fails at the first action that is not accepted.
pub(crate) fn script(script: &str) -> Result<String> {
    for instruction in script.split("; ") {
        let words: Vec<&str> = instruction.splitn(3, ' ').collect();
        match words[..] {
            ["post", sid, text] => actions::post_message(sid, NewMessage::text(text).by("bot"))?,
            ["template", sid, content] => actions::post_message(sid, NewMessage::template(content, [("1", "Mora")]))?,
            ["rename", sid, name] => {
                let name = ConversationUpdate { friendly_name: Some(name.to_owned()), ..Default::default() };
                actions::update_conversation(sid, name)?;
            }
            ["close", sid] => {
                let close = ConversationUpdate { state: Some(ConversationState::Closed), ..Default::default() };
                actions::update_conversation(sid, close)?;
            }
            ["timers", sid] => {
                let timers = ConversationUpdate {
                    inactive_after_seconds: Some(600),
                    closed_after_seconds: Some(3_600),
                    attributes: Some(r#"{"seen":true}"#.to_owned()),
                    ..Default::default()
                };
                actions::update_conversation(sid, timers)?;
            }
            ["add", sid, identity] => {
                let worker = NewParticipant { identity: Some(identity.to_owned()), ..Default::default() };
                actions::add_participant(sid, worker)?;
            }
            ["remove", sid, identity] => actions::remove_participant(sid, identity)?,
            ["transfer", sid, workers] => {
                let (from, to) = workers.split_once(' ').ok_or_else(|| Error::invalid("two workers"))?;
                actions::transfer(sid, from, to)?;
            }
            _ => drop(state::script(instruction)?),
        }
    }
    Ok("accepted".to_owned())
}
