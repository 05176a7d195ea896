use super::*;
use crate::config::Config;

fn routes() -> Routes {
    let mut config: Config = toml::from_str(include_str!("../../../config.toml")).expect("the example");
    config.secrets_mut().into_iter().for_each(|(_, secret)| secret.stand_in("secret"));
    Routes::new(crate::tenants::all(&config))
}

fn address(path: &str) -> Option<Address> {
    match routes().find(path)? {
        Place::Front(route) => Some(route.address),
        Place::Twilio(_) => None,
    }
}

#[test]
fn a_channel_is_found_below_its_app() {
    assert_eq!(address("/front/sms"), Some(Address::App));
    assert_eq!(address("/front/sms/key"), Some(Address::Channel("key".to_owned())));
    assert_eq!(address("/front/sms/key/provider"), Some(Address::Provider("key".to_owned())));
    assert_eq!(address("/front/sms/key/provider/any/path"), Some(Address::Provider("key".to_owned())));
}

#[test]
fn a_path_that_only_begins_like_an_app_is_not_found() {
    for path in ["/front/smsx", "/front/sm", "/front", "//front/sms", "/front/sms//key", "/front/sms/key/other"] {
        assert_eq!(address(path), None, "{path}");
    }
}

#[test]
fn a_letter_of_several_bytes_at_the_length_of_an_app_is_not_found() {
    assert_eq!(address("/front/smé/key"), None);
}

/// Hashing a prefix costs its length, so the sum of these lengths is what finding an app costs.
#[test]
fn finding_an_app_costs_what_the_configuration_says_however_long_the_path() {
    let routes = routes();
    let apps: usize = routes.apps.keys().map(String::len).sum();
    for unit in ["/", "/front", "/front/sms", "//front/sms/", "/front/sms/key/provider"] {
        let path = unit.repeat(16_000 / unit.len());
        let hashed: usize = routes.app_prefixes(&path).map(|(prefix, _)| prefix.len()).sum();
        assert!(hashed <= apps, "{hashed} bytes hashed for {unit}...");
    }
}
