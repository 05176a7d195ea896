//! Stored events of a call.

use frontgate_store::{sql::Row, values};
use frontgate_twilio::form::Form;
use frontgate_twilio_callbacks::voice::StoredEvent;

use super::{Store, StoreError};

/// Maximum number of events that are read about one call. A call has about ten.
const EVENTS_MAX: i64 = 100;

impl Store {
    /// Returns the events of a call in order of arrival, handled or not. `sids` are the call's legs.
    pub(crate) async fn call_events(&self, tenant: &str, sids: Vec<String>) -> Result<Vec<StoredEvent>, StoreError> {
        let owner = tenant.to_owned();
        self.database
            .read(tenant, move |read| {
                let select = "SELECT created_ms, payload FROM deliveries
                              WHERE tenant = ?1 AND kind = 'call' AND conversation IN (?2, ?3) ORDER BY id LIMIT ?4";
                let (first, last) = (sids.first(), sids.last());
                let values = values![owner, first, last, EVENTS_MAX];
                read.rows(select, values, event)
            })
            .await
    }
}

fn event(row: &Row<'_>) -> frontgate_store::sql::Result<StoredEvent> {
    let fields: Vec<(String, String)> = serde_json::from_str(&row.get::<String>(1)?).unwrap_or_default();
    Ok(StoredEvent { time_ms: row.get::<i64>(0)?.try_into().unwrap_or_default(), form: Form::from_pairs(fields) })
}
