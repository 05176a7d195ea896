//! The users of the org as teams of the gateway's index: a team for each user who can own contacts.
//!
//! Every contact names its owner as a team. A changed or deactivated user therefore changes a team and no contact.

use frontgate_sdk::{Team, debug, state, warn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::{self, Found, Rows, Stop};
use crate::settings::Settings;
use crate::soql;

/// The key of all users in the store.
const ALL: &str = "users";
/// Salesforce's limit on rows of one response.
const PAGE: u32 = 2_000;
/// Most requests for users, so that a call stays within its time.
const PAGES_MAX: usize = 5;

/// A user and the identity in the owner's field, which is empty for users who see nothing.
#[derive(Serialize, Deserialize)]
struct User(String, String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: String,
    is_active: bool,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Returns a team for each user: the workers who see the user's contacts. Inactive users have empty teams.
pub(crate) fn teams(settings: &Settings) -> Result<Vec<Team>, Stop> {
    let users = match state::get_json(ALL) {
        Ok(Some(users)) => users,
        _ => {
            let users = all(settings)?;
            // More users than `value_bytes_max` has room for are read again in each run.
            if let Err(error) = state::set_json(ALL, &users, settings.users_keep()) {
                debug!("users are not cached: {error:?}");
            }
            users
        }
    };
    let workers = |user: &'_ str| -> Vec<String> {
        if user.is_empty() { Vec::new() } else { settings.workers.workers_with(user).map(str::to_owned).collect() }
    };
    Ok(users.into_iter().map(|User(id, user)| Team::new(id, workers(&user))).collect())
}

fn all(settings: &Settings) -> Result<Vec<User>, Stop> {
    let mut users: Vec<User> = Vec::new();
    for _ in 0..PAGES_MAX {
        let mut conditions = vec!["UserType = 'Standard'".to_owned()];
        conditions.extend(users.last().map(|User(id, _)| soql::after(id)));
        let soql = soql::select(&["Id", "IsActive", &settings.owner_field], "User", &conditions, PAGE);
        let Found { records, done, .. } = api::query::<Row>(settings, Rows::Existing, &soql)?;
        let is_last = done && records.len() < PAGE as usize || records.is_empty();
        users.extend(records.into_iter().map(|row| {
            let user = soql::cell(&row.fields, &settings.owner_field).and_then(Value::as_str).filter(|_| row.is_active);
            User(row.id, user.unwrap_or_default().trim().to_owned())
        }));
        if is_last {
            return Ok(users);
        }
    }
    warn!("more than {} users; contacts of the others are visible to no worker", users.len());
    Ok(users)
}
