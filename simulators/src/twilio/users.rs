//! Users of Frontline, who exist after their first login.

use serde_json::{Value, json};

use crate::twilio::Twilio;

/// A user, with the fields of Frontline's API.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) sid: String,
    pub(crate) identity: String,
    pub(crate) friendly_name: Option<String>,
    pub(crate) avatar: Option<String>,
    /// `active` or `deactivated`.
    pub(crate) state: String,
    pub(crate) is_available: bool,
}

impl User {
    /// Returns the JSON of the user. `base` is the URL of the API's version.
    pub(crate) fn json(&self, base: &str) -> Value {
        json!({
            "sid": self.sid,
            "identity": self.identity,
            "friendly_name": self.friendly_name,
            "avatar": self.avatar,
            "state": self.state,
            "is_available": self.is_available,
            "url": format!("{base}/Users/{}", self.sid),
        })
    }
}

impl Twilio {
    /// Logs a worker in to Frontline. Creates the user at the first login, who is not available yet. Returns `US...`.
    pub fn log_in(&self, identity: &str) -> String {
        self.shared.update(|state| {
            if let Some(known) = state.world.users.iter().find(|user| user.identity == identity) {
                return known.sid.clone();
            }
            let sid = state.world.sid("US");
            state.world.users.push(User {
                sid: sid.clone(),
                identity: identity.to_owned(),
                friendly_name: None,
                avatar: None,
                state: "active".to_owned(),
                is_available: false,
            });
            sid
        })
    }

    /// Returns the URL of Frontline's API, which Twilio serves under another host name.
    pub fn frontline_url(&self) -> String {
        format!("{}/frontline", self.url())
    }
}
