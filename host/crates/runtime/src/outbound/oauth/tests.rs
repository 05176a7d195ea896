//! Tests of the tokens of a bound secret, without a network.

use frontgate_settings::open_as_is;
use zeroize::Zeroizing;

use super::*;
use crate::outbound::held::HeldRequests;
use crate::outbound::network::{Network, NetworkOverrides};
use crate::settings::{Named, Plugins};

const SETTINGS: &str = r#"
outbound = ["https://api.example.com"]
[[bound_secrets]]
to = "https://api.example.com"
header = "authorization"
value = "Bearer {token}"
[bound_secrets.oauth]
grant = "client-credentials"
token_url = "https://login.example.com/token"
client_id = "id"
client_secret = { file = "secret" }
"#;

fn source() -> (Arc<TokenSource>, Egress) {
    source_with(&NetworkOverrides::default())
}

fn source_with(overrides: &NetworkOverrides) -> (Arc<TokenSource>, Egress) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "a secret of the client").expect("a file");
    let mut named: Named = toml::from_str(SETTINGS).expect("settings");
    named.secrets_mut("p").into_iter().for_each(|(_, secret)| secret.resolve(folder.path(), open_as_is));
    let network = Arc::new(Network::new(&Plugins::default(), overrides));
    let egress = Egress::new(&"p".into(), Some(&named), &network);
    (TokenSource::new(&named.bound_secrets[0]).expect("a source"), egress)
}

fn obtained(generation: i64, expires_in: Duration) -> Obtained {
    let access_token = Zeroizing::new(format!("access-token-{generation}"));
    Obtained { access_token, refresh_token: None, expires_in, generation }
}

#[tokio::test]
async fn a_valid_token_is_used_without_a_renewal() {
    let (source, egress) = source();
    source.end(&egress, Ok(obtained(1, Duration::from_secs(3600))));
    let token = source.token(&Arc::new(egress), Instant::now()).await.expect("a token");
    assert_eq!(token.value, "Bearer access-token-1");
    assert!(token.value.is_sensitive());
}

#[tokio::test]
async fn a_token_is_renewed_from_a_margin_before_its_expiry() {
    let (source, egress) = source();
    for (lifetime, margin) in [(3600, 60), (100, 25), (4, 1)] {
        source.end(&egress, Ok(obtained(1, Duration::from_secs(lifetime))));
        let token = source.state.lock().current.clone().expect("a token");
        assert_eq!(token.expires - token.renewed_from, Duration::from_secs(margin), "{lifetime}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_not_used_again() {
    let (source, egress) = source();
    source.end(&egress, Ok(obtained(1, Duration::from_secs(3600))));
    assert!(source.reject(1), "the request is repeated");
    assert!(source.state.lock().current.is_none());
}

#[tokio::test]
async fn a_request_with_an_earlier_token_is_repeated_with_the_present_one() {
    let (source, egress) = source();
    source.end(&egress, Ok(obtained(2, Duration::from_secs(3600))));
    assert!(source.reject(1));
    assert!(source.state.lock().current.is_some());
}

#[tokio::test]
async fn a_second_rejection_within_the_interval_renews_nothing() {
    let (source, egress) = source();
    source.end(&egress, Ok(obtained(1, Duration::from_secs(3600))));
    source.reject(1);
    source.end(&egress, Ok(obtained(2, Duration::from_secs(3600))));
    assert!(!source.reject(2), "the plugin gets the 401");
    assert!(source.state.lock().current.is_some());
}

#[tokio::test]
async fn a_failed_renewal_is_reported_until_the_pause_is_over() {
    let (source, egress) = source();
    source.end(&egress, Err("invalid_client (status 401)".to_owned()));
    let failure = source.token(&Arc::new(egress), Instant::now()).await.err().expect("a failure").to_string();
    let expected = "failed to get an access token from https://login.example.com: invalid_client (status 401)";
    assert_eq!(failure, format!("request not sent: {expected}"));
}

#[tokio::test]
async fn pauses_are_doubled_up_to_the_longest() {
    let (source, egress) = source();
    let pause = |source: &TokenSource| source.state.lock().failed.as_ref().map(|failed| failed.pause);
    source.end(&egress, Err(String::new()));
    assert_eq!(pause(&source), Some(PAUSE_FIRST));
    for _ in 0..10 {
        source.end(&egress, Err(String::new()));
    }
    assert_eq!(pause(&source), Some(PAUSE_LONGEST));
}

#[tokio::test]
async fn a_token_that_is_too_short_to_be_recognised_is_refused() {
    let (source, egress) = source();
    let access_token = Zeroizing::new("short-1".to_owned());
    let obtained = Obtained { access_token, refresh_token: None, expires_in: Duration::from_secs(60), generation: 1 };
    source.end(&egress, Ok(obtained));
    assert!(source.state.lock().failed.as_ref().is_some_and(|failed| failed.reason.contains("fewer than 8")));
}

#[tokio::test]
async fn tokens_are_searched_for_in_responses_for_a_while() {
    let (source, egress) = source();
    for generation in 1..100 {
        source.end(&egress, Ok(obtained(generation, Duration::from_secs(60))));
    }
    assert_eq!(source.added(), 99);
    assert_eq!(source.confidential().len(), RECENT_MAX);
}

#[tokio::test]
async fn a_simulation_requests_no_token() {
    let held = Arc::new(HeldRequests::default());
    let (source, egress) =
        source_with(&NetworkOverrides { held_requests: Some(Arc::clone(&held)), ..Default::default() });
    let failed = source.token(&Arc::new(egress), Instant::now() + Duration::from_secs(10)).await;
    assert!(failed.is_err_and(|failure| failure.to_string().contains("could change something")));
    let held: Vec<_> = held.all().into_iter().map(|held| (held.method, held.site, held.path)).collect();
    let text = str::to_owned;
    assert_eq!(held, [(text("POST"), text("https://login.example.com"), text("/token"))]);
}
