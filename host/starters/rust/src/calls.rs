//! Role `calls`: writes an entry for each call to a CRM.

use frontgate_sdk::{Call, CallDirection, Calls, Result, http, settings};
use serde_json::json;

use crate::Plugin;

impl Calls for Plugin {
    fn log_call(call: Call) -> Result<()> {
        // The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
        // configuration.
        let crm = settings::require("crm")?;
        let entry = json!({
            "direction": match call.direction {
                CallDirection::Inbound => "inbound",
                CallDirection::Outbound => "outbound",
            },
            "status": call.status,
            "worker": call.worker,
            "customer": call.customer_address,
            "started_at": call.started_at,
            "seconds": call.duration_seconds,
            "recording": call.recording.and_then(|recording| recording.url),
        });
        // After a failure the gateway calls again, and the entry may exist: PUT under the call's SID replaces it.
        let url = format!("{crm}/calls/{}", http::segment(&call.call_sid));
        http::request("PUT", &url).json(&entry).send()?.success()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::Error;
    use frontgate_sdk::testing::{self, expect};

    use super::*;

    #[test]
    fn an_entry_has_the_calls_sid() {
        testing::settings([("crm", "https://crm.example.com")]);
        let _crm = testing::serve([expect(http::request("PUT", "https://crm.example.com/calls/CA7"))]);
        assert_eq!(Plugin::log_call(Call::inbound("CA7", "+12025550107", "+12025550199")), Ok(()));
    }

    #[test]
    fn an_unreachable_crm_is_a_reason_to_retry() {
        testing::settings([("crm", "https://crm.example.com")]);
        let put = expect(http::request("PUT", "https://crm.example.com/calls/CA7"));
        let _crm = testing::serve([put.fail(http::Error::Timeout)]);
        let logged = Plugin::log_call(Call::inbound("CA7", "+12025550107", "+12025550199"));
        assert!(matches!(logged, Err(Error::Unavailable(_))));
    }
}
