//! Templates of the Content API.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::Twilio;

/// A template with a text.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// `HX...`
    pub(crate) sid: String,
    pub(crate) friendly_name: String,
    pub(crate) language: String,
    /// The text, with variables such as `{{1}}`.
    pub(crate) body: String,
    /// Sample values by key.
    pub(crate) variables: Map<String, Value>,
    /// WhatsApp's approval, such as `approved`.
    pub(crate) status: String,
    pub(crate) date_created: SystemTime,
}

impl Content {
    /// Returns the text with these values. The sample replaces a missing one.
    pub(crate) fn filled(&self, values: &Map<String, Value>) -> String {
        self.variables.iter().fold(self.body.clone(), |text, (key, sample)| {
            let value = values.get(key).unwrap_or(sample).as_str().unwrap_or_default();
            text.replace(&format!("{{{{{key}}}}}"), value)
        })
    }
}

impl Twilio {
    /// Adds an English template, with WhatsApp's approval such as `approved` or `pending`. Every variable has the sample
    /// `sample`. Returns the SID.
    pub fn content(&self, name: &str, body: &str, status: &str) -> String {
        let keys = body.split("{{").skip(1).filter_map(|part| part.split_once("}}")).map(|(key, _)| key.to_owned());
        let variables = keys.map(|key| (key, "sample".into())).collect();
        self.shared.update(|state| {
            let sid = state.world.sid("HX");
            state.world.contents.push(Content {
                sid: sid.clone(),
                friendly_name: name.to_owned(),
                language: "en".to_owned(),
                body: body.to_owned(),
                variables,
                status: status.to_owned(),
                date_created: SystemTime::now(),
            });
            sid
        })
    }

    /// Changes the approval of a template.
    ///
    /// # Panics
    ///
    /// Panics if the template does not exist.
    pub fn approval(&self, sid: &str, status: &str) {
        self.shared.update(|state| {
            let content = state.world.contents.iter_mut().find(|content| content.sid == sid);
            status.clone_into(&mut content.unwrap_or_else(|| panic!("unknown template {sid}")).status);
        });
    }

    /// Removes a template.
    pub fn remove_content(&self, sid: &str) {
        self.shared.update(|state| state.world.contents.retain(|content| content.sid != sid));
    }

    /// Moves all messages into the past, as if this much time had passed since.
    pub fn age_messages(&self, by: Duration) {
        self.shared.update(|state| {
            let conversations = state.world.conversations.iter_mut();
            for message in conversations.flat_map(|conversation| &mut conversation.messages) {
                message.date_created -= by;
                message.date_updated -= by;
            }
        });
    }
}
