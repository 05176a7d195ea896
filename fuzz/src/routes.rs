//! `Routes::find`: finds the route of a path, compared with a second router that works by segments.

use std::fs;
use std::sync::LazyLock;

use frontgate_config::Config;
use frontgate_gateway::routes::{Endpoint, OauthEndpoint, RouteMatch, Routes};

/// Paths of tenants, by name. The last one contains the name of another tenant's app.
const TENANTS: [(&str, &str); 3] = [("root", "/"), ("acme", "/acme"), ("deep", "/acme/front/sms")];
/// The apps of each tenant.
const APPS: [&str; 2] = ["sms", "front"];
/// The app that has an authorization server, and the names of its endpoints.
const WITH_OAUTH: &str = "front";
const OAUTH: [(&str, OauthEndpoint); 6] = [
    ("authorize", OauthEndpoint::Authorize),
    ("sign-in", OauthEndpoint::SignIn),
    ("return", OauthEndpoint::Return),
    ("token", OauthEndpoint::Token),
    ("introspect", OauthEndpoint::Introspect),
    ("revoke", OauthEndpoint::Revoke),
];
/// Names of callbacks in a path.
const CALLBACKS: [&str; 6] =
    ["crm", "templates", "outgoing-conversation", "routing", "conversations", "twilio-conversations"];

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("plugins")).expect("a folder");
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    fs::write(folder.path().join("long-secret"), "secret".repeat(8)).expect("a file");
    let mut text = "[server]\nlisten = \"127.0.0.1:8080\"\n".to_owned();
    for (name, path) in TENANTS {
        text += &format!("[tenants.{name}]\npath = {path:?}\n");
        text += &format!("[tenants.{name}.twilio]\nauth_tokens = [{{ file = \"secret\" }}]\n");
        for app in APPS {
            text += &format!("[tenants.{name}.front.{app}]\nplugin = \"channel\"\napp_uid = {{ file = \"secret\" }}\n");
            text += "app_secrets = [{ file = \"secret\" }]\n";
            if app == WITH_OAUTH {
                text += &format!("[tenants.{name}.front.{app}.oauth]\nclient_id = \"front\"\n");
                text += "client_secrets = [{ file = \"long-secret\" }]\n";
                text += "redirect_uris = [\"https://app.example.com/return\"]\n";
            }
        }
    }
    let path = folder.path().join("config.toml");
    fs::write(&path, text).expect("a file");
    let checked = Config::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    Routes::new(checked.config.all_tenants())
});

/// Asserts that both routers find the same route for a path.
pub fn run(input: &[u8]) {
    let Ok(path) = str::from_utf8(input) else { return };
    let found = ROUTES.find(path).map(|found| match found {
        RouteMatch::Twilio(route) => format!("{} {}", route.tenant.name, route.callback.name()),
        RouteMatch::CustomerSource(tenant) => format!("{} customers", tenant.name),
        RouteMatch::Front(route) => {
            let endpoint = match route.endpoint {
                Endpoint::App => String::new(),
                Endpoint::Channel(key) => format!(" channel {key}"),
                Endpoint::Provider(key) => format!(" provider {key}"),
                Endpoint::Oauth(endpoint) => format!(" oauth {endpoint:?}"),
            };
            format!("{} front {}{endpoint}", route.tenant.name, route.app.name)
        }
    });
    assert_eq!(found, expected(path));
}

fn expected(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    for (tenant, prefix) in TENANTS {
        for name in CALLBACKS {
            if path == format!("{}/callbacks/{name}", prefix.trim_end_matches('/')) {
                return Some(format!("{tenant} {}", name.trim_start_matches("twilio-")));
            }
        }
    }
    // Find the shortest app path that is a prefix of the segments.
    let mut apps: Vec<(String, &str, &str)> = Vec::new();
    for (tenant, prefix) in TENANTS {
        apps.extend(APPS.map(|app| (format!("{}/front/{app}", prefix.trim_end_matches('/')), tenant, app)));
    }
    apps.sort_by_key(|(path, ..)| path.len());
    let begins = |app: &str| path == app || path.starts_with(&format!("{app}/"));
    let (app_path, tenant, app) = apps.into_iter().find(|(app, ..)| begins(app))?;
    let segments: Vec<&str> = path[app_path.len()..].split('/').skip(1).collect();
    let address = match segments.as_slice() {
        [] => String::new(),
        ["oauth", name] if app == WITH_OAUTH => {
            let (_, endpoint) = OAUTH.iter().find(|(known, _)| known == name)?;
            format!(" oauth {endpoint:?}")
        }
        [key] if !key.is_empty() => format!(" channel {key}"),
        [key, "provider", ..] if !key.is_empty() => format!(" provider {key}"),
        _ => return None,
    };
    Some(format!("{tenant} front {app}{address}"))
}
