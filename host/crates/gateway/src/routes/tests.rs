use frontgate_runtime::TenantShare;
use frontgate_tenants::Settings;

use super::*;

fn routes() -> Routes {
    let mut settings: Settings = toml::from_str(
        r#"
        [front.sms]
        app_uid = { env = "UID" }
        app_secrets = [{ env = "SECRET" }]
        plugin = "echo-channel"
        "#,
    )
    .expect("a tenant");
    for app in settings.front.values_mut() {
        app.app_uid.iter_mut().chain(&mut app.app_secrets).for_each(|secret| secret.replace("secret"));
    }
    let tenant = Tenant::new("demo", &settings, "https://gw.example.org", TenantShare::new(1, 1, 1));
    Routes::new(vec![Arc::new(tenant.expect("a URL"))])
}

fn endpoint(path: &str) -> Option<Endpoint> {
    match routes().find(path)? {
        RouteMatch::Front(route) => Some(route.endpoint),
        RouteMatch::Twilio(_) | RouteMatch::CustomerSource(_) => None,
    }
}

#[test]
fn a_channel_is_found_below_its_app() {
    assert_eq!(endpoint("/front/sms"), Some(Endpoint::App));
    assert_eq!(endpoint("/front/sms/key"), Some(Endpoint::Channel("key".to_owned())));
    assert_eq!(endpoint("/front/sms/key/provider"), Some(Endpoint::Provider("key".to_owned())));
    assert_eq!(endpoint("/front/sms/key/provider/any/path"), Some(Endpoint::Provider("key".to_owned())));
}

#[test]
fn a_path_that_only_begins_like_an_app_is_not_found() {
    for path in ["/front/smsx", "/front/sm", "/front", "//front/sms", "/front/sms//key", "/front/sms/key/other"] {
        assert_eq!(endpoint(path), None, "{path}");
    }
}

#[test]
fn a_character_across_the_length_of_an_app_is_not_found() {
    assert_eq!(endpoint("/front/smé/key"), None);
}

/// Hashing a prefix takes time linear in its length, so the sum of the lengths is the cost of a lookup.
#[test]
fn the_cost_of_finding_an_app_does_not_depend_on_the_path() {
    let routes = routes();
    let apps: usize = routes.apps.keys().map(String::len).sum();
    for unit in ["/", "/front", "/front/sms", "//front/sms/", "/front/sms/key/provider"] {
        let path = unit.repeat(16_000 / unit.len());
        let hashed: usize = routes.app_prefixes(&path).map(|(prefix, _)| prefix.len()).sum();
        assert!(hashed <= apps, "{hashed} bytes hashed for {unit}...");
    }
}
