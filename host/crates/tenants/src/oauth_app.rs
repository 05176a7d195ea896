//! The authorization server of a Front app: its client, lifetimes and limits.

use std::time::{Duration, Instant};

use frontgate_front::oauth::Client;
use frontgate_front::settings::oauth::Oauth;
use parking_lot::Mutex;

/// The period of the limit of steps.
const MINUTE: Duration = Duration::from_secs(60);

/// The authorization server of an app.
pub struct OauthApp {
    /// Front, as a client.
    pub client: Client,
    /// Name of the app on pages.
    pub display_name: String,
    /// Whether one sign-in serves several channels.
    pub shared_credentials: bool,
    /// Lifetime of a code.
    pub code_lifetime: Duration,
    /// Lifetime of an access token.
    pub access_lifetime: Duration,
    /// Lifetime of a refresh token.
    pub refresh_lifetime: Duration,
    /// Time limit of a sign-in.
    pub login_lifetime: Duration,
    /// Maximum number of sign-ins in progress.
    pub logins_max: usize,
    /// The limit of steps, which bounds how many passwords can be tried.
    pub steps: StepLimit,
}

impl OauthApp {
    /// Creates the server of resolved settings.
    pub(crate) fn new(settings: &Oauth) -> Self {
        Self {
            client: Client::new(settings),
            display_name: settings.display_name.clone(),
            shared_credentials: settings.shared_credentials,
            code_lifetime: Duration::from_millis(settings.code_lifetime_ms),
            access_lifetime: Duration::from_millis(settings.access_token_lifetime_ms),
            refresh_lifetime: Duration::from_millis(settings.refresh_token_lifetime_ms),
            login_lifetime: Duration::from_millis(settings.login_lifetime_ms),
            logins_max: settings.logins_max,
            steps: StepLimit::new(settings.steps_per_minute_max),
        }
    }
}

/// A number of steps per minute, counted in periods of a minute.
pub struct StepLimit {
    most: u32,
    period: Mutex<(Instant, u32)>,
}

impl StepLimit {
    fn new(most: u32) -> Self {
        Self { most, period: Mutex::new((Instant::now(), 0)) }
    }

    /// Counts a step; returns whether it may be made.
    pub fn admit(&self, now: Instant) -> bool {
        let mut period = self.period.lock();
        if now.saturating_duration_since(period.0) >= MINUTE {
            *period = (now, 0);
        }
        period.1 = period.1.saturating_add(1);
        period.1 <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_beyond_the_limit_wait_for_the_next_minute() {
        let (limit, now) = (StepLimit::new(2), Instant::now());
        assert_eq!([(); 3].map(|()| limit.admit(now)), [true, true, false]);
        assert!(limit.admit(now + MINUTE));
    }
}
