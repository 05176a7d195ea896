//! Asks Twilio all that commands ask it about a tenant, and for its time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frontgate_config::Config;
use frontgate_net::Client;
use frontgate_store::now_ms;
use frontgate_tenants::Tenant;

use super::twilio::Found;
use super::{Finding, Verdict, twilio};

/// Difference between the clocks from which a person is warned. Front's signatures are valid for minutes.
const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(10);

/// Returns what `frontgate check --online` and `frontgate setup twilio` show for a tenant, and compares the clocks.
pub(crate) async fn ask(config: &Config, tenant: &Tenant, client: &Arc<Client>) -> Vec<Finding> {
    let api = match twilio::api(config, tenant, client) {
        Ok(api) => api,
        Err(finding) => return vec![finding],
    };
    let found = match Found::read(&api).await {
        Ok(found) => found,
        Err(failure) => return vec![twilio::failed(config, tenant, &failure)],
    };
    let mut findings = twilio::compared(config, tenant, &found.webhooks);
    findings.extend(found.elsewhere(tenant));
    if let Ok(Some(time)) = api.server_time().await {
        findings.push(clock(&tenant.name, time, UNIX_EPOCH + Duration::from_millis(now_ms())));
    }
    findings
}

/// Compares the clock with that of Twilio's server, which reports whole seconds.
fn clock(tenant: &str, server: SystemTime, own: SystemTime) -> Finding {
    let (difference, word) = match own.duration_since(server) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if difference < CLOCK_DIFFERENCE_MAX {
        let text = "the clock of this machine agrees with Twilio's";
        return Finding::new(Verdict::Good, Some(tenant), "clock", text);
    }
    let text = format!("the clock of this machine is {} s {word} Twilio's", difference.as_secs());
    let fix = "synchronize the clock: Front's requests and the gateway's tokens for Front are valid for a short time";
    Finding::new(Verdict::Problem, Some(tenant), "clock", text).with_fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_by_a_minute_is_a_problem() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(clock("demo", now, now + Duration::from_secs(2)).verdict, Verdict::Good);
        let ahead = clock("demo", now, now + Duration::from_secs(60));
        assert!(ahead.is_problem() && ahead.text.contains("60 s ahead of"), "{ahead:?}");
        let behind = clock("demo", now, now - Duration::from_secs(60));
        assert!(behind.is_problem() && behind.text.contains("60 s behind"), "{behind:?}");
    }
}
