use frontgate_runtime::settings::{Limits, Named, Probation};
use frontgate_tenants::Roles;
use serde::de::DeserializeOwned;

use super::*;

const EXAMPLE: &str = include_str!("../../../../config.toml");

fn example() -> Config {
    toml::from_str(EXAMPLE).expect("the example is a configuration")
}

/// Every key that a section knows, as its own error message lists them.
fn known<S: DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<S>("no-such-key = 1").err().expect("an unknown key is an error");
    let names = error.message().split('`').skip(3).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_example_names_every_option() {
    let document: toml::Table = toml::from_str(EXAMPLE).expect("TOML");
    let sections: [(&str, Vec<String>); 14] = [
        ("server", known::<Server>()),
        ("admin", known::<Admin>()),
        ("log", known::<frontgate_telemetry::Settings>()),
        ("store", known::<frontgate_store::Settings>()),
        ("delivery", known::<frontgate_delivery::Settings>()),
        ("plugins", known::<Plugins>()),
        ("plugins.limits", known::<Limits>()),
        ("plugins.probation", known::<Probation>()),
        ("plugins.named.directory", known::<Named>()),
        ("tenants.demo", known::<frontgate_tenants::Settings>()),
        ("tenants.demo.twilio", known::<frontgate_twilio::Settings>()),
        ("tenants.demo.roles", known::<Roles>()),
        ("tenants.demo.front.sms", known::<frontgate_front::Settings>()),
        ("", known::<Config>()),
    ];
    for (section, keys) in sections {
        let names = section.split('.').filter(|name| !name.is_empty());
        let table = names.fold(&document, |table, name| table[name].as_table().expect("a section"));
        assert!(!keys.is_empty(), "[{section}] knows no keys");
        for key in keys {
            assert!(table.contains_key(&key), "`{key}` is not in [{section}] of config.toml");
        }
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let example = example();
    let server = Server { public_url: example.server.public_url.clone(), ..Server::default() };
    assert_eq!(format!("{:?}", example.server), format!("{server:?}"));
    assert_eq!(format!("{:?}", example.admin), format!("{:?}", Admin::default()));
    let log =
        frontgate_telemetry::Settings { level: Some("info".to_owned()), ..frontgate_telemetry::Settings::default() };
    assert_eq!(format!("{:?}", example.log), format!("{log:?}"));
    assert_eq!(format!("{:?}", example.store), format!("{:?}", frontgate_store::Settings::default()));
    assert_eq!(format!("{:?}", example.delivery), format!("{:?}", frontgate_delivery::Settings::default()));
    let shown = format!("{:?}", example.plugins);
    let plugins = Plugins { named: example.plugins.named, ..Plugins::default() };
    assert_eq!(shown, format!("{plugins:?}"));
    let demo = &example.tenants["demo"];
    assert_eq!(demo.path, frontgate_tenants::Settings::default().path);
    assert_eq!(demo.twilio.callback_timeout_ms, frontgate_twilio::Settings::default().callback_timeout_ms);
    assert_eq!(demo.twilio.webhook_timeout_ms, frontgate_twilio::Settings::default().webhook_timeout_ms);
    assert_eq!(demo.twilio.webhooks_fail, frontgate_twilio::Settings::default().webhooks_fail);
    assert_eq!(demo.twilio.page_size_max, frontgate_twilio::Settings::default().page_size_max);
    let shown = &demo.front["sms"];
    let limits = |app: &frontgate_front::Settings| {
        format!("{app:?}").split_once("files_networks").expect("a field").1.to_owned()
    };
    assert_eq!(limits(shown), limits(&frontgate_front::Settings::default()));
}

#[test]
fn the_example_has_the_defaults_once_the_lines_of_the_simulators_are_deleted() {
    let lines = EXAMPLE.lines().filter(|line| !line.ends_with("# simulator"));
    let text = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(text.lines().count() + 3, EXAMPLE.lines().count());
    let example: Config = toml::from_str(&text).expect("the rest is a configuration");
    let (demo, front) = (&example.tenants["demo"], frontgate_front::Settings::default());
    assert_eq!(demo.twilio.conversations_url, frontgate_twilio::Settings::default().conversations_url);
    let shown = &demo.front["sms"];
    assert_eq!(
        (&shown.api_url, &shown.files_urls, &shown.storage_urls),
        (&front.api_url, &front.files_urls, &front.storage_urls)
    );
    for url in [&frontgate_twilio::Settings::default().conversations_url, &front.api_url, &front.storage_urls[0]] {
        assert!(EXAMPLE.contains(url.as_str()), "{url} is not in config.toml");
    }
}

#[test]
fn a_secret_never_prints_itself() {
    let mut secret: BTreeMap<String, Secret> = toml::from_str("token = { env = \"PATH\" }").expect("a secret");
    let secret = secret.get_mut("token").expect("the secret");
    secret.resolve(Path::new("."), frontgate_system::ownership::open);
    assert!(!secret.expose().is_empty());
    for printed in [format!("{secret}"), format!("{secret:?}")] {
        assert!(printed.contains("PATH") && !printed.contains(secret.expose()), "{printed}");
    }
}

#[test]
fn an_environment_variable_has_precedence_over_the_file_of_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "from the file\n").expect("a file");
    let read = |reference: &str| {
        let mut table: BTreeMap<String, Secret> = toml::from_str(&format!("it = {reference}")).expect("a secret");
        let mut secret = table.remove("it").expect("the secret");
        secret.resolve(folder.path(), |path| std::fs::File::open(path));
        match secret.fault() {
            None => Ok(secret.expose().to_owned()),
            Some(fault) => Err(fault.to_owned()),
        }
    };
    let path = std::env::var("PATH").expect("PATH is set");
    assert_eq!(read("{ env = \"PATH\", file = \"secret\" }"), Ok(path));
    assert_eq!(read("{ env = \"NOT_SET_ANYWHERE\", file = \"secret\" }"), Ok("from the file".to_owned()));
    let fault = read("{ env = \"NOT_SET_ANYWHERE\", file = \"nowhere\" }").expect_err("neither is there");
    assert!(fault.starts_with("the environment variable `NOT_SET_ANYWHERE` is not set, and the file `nowhere`"));
}
