//! Tests the requests and texts of the authorization server.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_settings::Secret;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::settings::oauth::Oauth;

const RETURN: &str = "https://front.example.com/return?kept=1";
const SECRET: &str = "s3cret:with+100% of=signs & 32 letters";
/// Appendix B of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client() -> Client {
    let mut secret: Secret = serde_json::from_value(json!({ "env": "UNSET" })).expect("a secret");
    secret.replace(SECRET);
    Client::new(&Oauth {
        client_id: "front".to_owned(),
        client_secrets: vec![secret],
        redirect_uris: vec![RETURN.to_owned()],
        ..Oauth::default()
    })
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn request(change: &[(&str, &str)]) -> Result<AuthorizationRequest, Invalid> {
    let mut pairs = vec![("response_type", "code"), ("client_id", "front"), ("redirect_uri", RETURN), ("state", "s t")];
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    AuthorizationRequest::read(&query(&pairs), &client())
}

fn error(result: Result<AuthorizationRequest, Invalid>) -> OauthError {
    match result {
        Err(Invalid::Redirect { error, url }) => {
            assert!(url.starts_with(&format!("{RETURN}&error={}", error.code())), "{url}");
            error
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_returns_to_the_exact_address_with_its_state() {
    let asked = request(&[]).expect("a request");
    assert_eq!(asked.granted("fgc_1"), format!("{RETURN}&code=fgc_1&state=s+t"));
    for other in [
        "https://front.example.com/return",
        "https://front.example.com/return?kept=1&",
        "http://front.example.com/return?kept=1",
        "https://front.example.com/RETURN?kept=1",
    ] {
        assert!(matches!(request(&[("redirect_uri", other)]), Err(Invalid::Page(_))), "{other}");
    }
}

#[test]
fn a_request_without_an_address_returns_to_the_only_one() {
    let asked = request(&[("redirect_uri", "")]).expect("a request");
    assert_eq!((asked.redirect_uri.as_str(), asked.is_redirect_uri_named), (RETURN, false));
    assert!(request(&[]).expect("a request").is_redirect_uri_named);
}

#[test]
fn requests_of_others_are_never_redirected() {
    for change in [("client_id", "other"), ("client_id", "")] {
        assert!(matches!(request(&[change]), Err(Invalid::Page(_))), "{change:?}");
    }
    let repeated = format!("{}&state=2", query(&[("client_id", "front"), ("redirect_uri", RETURN), ("state", "1")]));
    assert!(matches!(AuthorizationRequest::read(&repeated, &client()), Err(Invalid::Page(_))));
}

#[test]
fn only_codes_are_issued() {
    assert_eq!(error(request(&[("response_type", "token")])), OauthError::UnsupportedResponseType);
    assert_eq!(error(request(&[("response_type", "")])).code(), "invalid_request");
    assert_eq!(error(request(&[("response_mode", "form_post")])).code(), "invalid_request");
}

#[test]
fn only_the_method_s256_is_accepted() {
    let s256 = request(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).expect("a request");
    assert_eq!(s256.challenge.expect("a challenge").text(), CHALLENGE);
    for change in [
        &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")][..],
        &[("code_challenge", VERIFIER)],
        &[("code_challenge_method", "S256")],
        &[("code_challenge", "short"), ("code_challenge_method", "S256")],
    ] {
        assert_eq!(error(request(change)).code(), "invalid_request", "{change:?}");
    }
}

#[test]
fn a_request_has_a_state_or_a_challenge() {
    assert_eq!(error(request(&[("state", "")])).code(), "invalid_request");
    let challenge = [("state", ""), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    assert!(request(&challenge).is_ok());
}

#[test]
fn a_challenge_is_met_by_its_verifier_only() {
    let challenge = Challenge::read(CHALLENGE).expect("a challenge");
    assert!(challenge.is_met_by(VERIFIER));
    for other in [CHALLENGE, "", &VERIFIER[1..], &format!("{VERIFIER}=")] {
        assert!(!challenge.is_met_by(other), "{other}");
    }
}

#[test]
fn a_client_authenticates_by_header_or_form() {
    let (client, none) = (client(), Parameters::read(b"").expect("none"));
    let basic = |text: String| format!("Basic {}", BASE64_STANDARD.encode(text));
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    for header in [basic(format!("front:{SECRET}")), basic(format!("front:{encoded}"))] {
        assert_eq!(client.authenticate(Some(&header), &none), Ok(()), "{header}");
    }
    let form = query(&[("client_id", "front"), ("client_secret", SECRET)]);
    let form = Parameters::read(form.as_bytes()).expect("a form");
    assert_eq!(client.authenticate(None, &form), Ok(()));
    let both = client.authenticate(Some(&basic(format!("front:{SECRET}"))), &form);
    assert_eq!(both.expect_err("two ways").code(), "invalid_request");
}

#[test]
fn wrong_credentials_of_a_client_have_one_error() {
    let (client, none) = (client(), Parameters::read(b"").expect("none"));
    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    for header in [
        basic("front:wrong"),
        basic(&format!("other:{SECRET}")),
        basic("front"),
        basic("front:"),
        "Bearer x".to_owned(),
        "Basic !".to_owned(),
    ] {
        assert_eq!(client.authenticate(Some(&header), &none), Err(OauthError::InvalidClient), "{header}");
    }
    assert_eq!(client.authenticate(None, &none), Err(OauthError::InvalidClient));
    let named = Parameters::read(b"client_id=other").expect("a form");
    let header = basic(&format!("front:{SECRET}"));
    assert_eq!(client.authenticate(Some(&header), &named), Err(OauthError::InvalidClient));
}

#[test]
fn a_token_request_needs_the_right_kind_of_token() {
    let token = |kind| Token::new(kind, [1; 16], [2; 32]).text().to_string();
    let read = |grant: &str, name: &str, text: &str| {
        let form = query(&[("grant_type", grant), (name, text)]);
        TokenRequest::read(&Parameters::read(form.as_bytes()).expect("a form")).err().map(OauthError::code)
    };
    assert_eq!(read("authorization_code", "code", &token(Kind::Code)), None);
    assert_eq!(read("refresh_token", "refresh_token", &token(Kind::Refresh)), None);
    assert_eq!(read("authorization_code", "code", &token(Kind::Refresh)), Some("invalid_grant"));
    assert_eq!(read("refresh_token", "refresh_token", &token(Kind::Access)), Some("invalid_grant"));
    assert_eq!(read("refresh_token", "code", &token(Kind::Refresh)), Some("invalid_request"));
    assert_eq!(read("password", "code", ""), Some("unsupported_grant_type"));
    assert_eq!(read("", "code", ""), Some("invalid_request"));
}

#[test]
fn introspection_names_the_channel_or_with_shared_credentials_the_account() {
    let [client, account_id, account_name, account_address] =
        ["front", "AC1", "Support", "+12025550107"].map(str::to_owned);
    let found =
        Introspected { client, account_id, account_name, account_address, issued: 1, expires: 2, is_access: true };
    let private = introspection(Some(&found), false);
    assert_eq!(
        (&private["front_channel_name"], &private["front_channel_address"]),
        (&json!("Support"), &json!("+12025550107"))
    );
    assert!(private.get("resource_owner_id").is_none());
    let shared = introspection(Some(&found), true);
    assert_eq!((&shared["resource_owner_id"], &shared["resource_owner_name"]), (&json!("AC1"), &json!("Support")));
    assert!(shared.get("front_channel_name").is_none());
    assert_eq!(introspection(None, false), json!({ "active": false }));
}

proptest! {
    #[test]
    fn a_token_survives_its_text(grant: [u8; 16], secret: [u8; 32]) {
        for kind in [Kind::Code, Kind::Access, Kind::Refresh] {
            let token = Token::new(kind, grant, secret);
            let read = Token::read(&token.text()).expect("a token");
            prop_assert_eq!(read.kind(), kind);
            prop_assert!(read.is(Some(&token.digest())));
            prop_assert_eq!(read.grant(), token.grant());
        }
    }

    #[test]
    fn another_secret_grant_or_kind_has_another_digest(grant: [u8; 16], secret: [u8; 32], at in 0_usize..48) {
        let token = Token::new(Kind::Access, grant, secret);
        let (mut other_grant, mut other_secret) = (grant, secret);
        if at < 16 { other_grant[at] ^= 1 } else { other_secret[at - 16] ^= 1 }
        prop_assert!(!Token::new(Kind::Access, other_grant, other_secret).is(Some(&token.digest())));
        prop_assert!(!Token::new(Kind::Refresh, grant, secret).is(Some(&token.digest())));
        prop_assert_ne!(token.digest(), token.key().to_vec());
    }

    #[test]
    fn no_text_is_read_as_a_token_by_chance(text in "(fg[acr]_)?[-_A-Za-z0-9+/=]{0,70}") {
        if let Some(token) = Token::read(&text) {
            prop_assert_eq!(&*token.text(), &text);
        }
    }
}
