//! The configuration and `frontgate check`.

use std::fs;

use frontgate_tests::{Front, Provider, Setup, component, root, run};

/// The output of `check` for a setup, and its exit code.
fn check(setup: &Setup) -> (String, Option<i32>) {
    setup.write();
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn check_lists_what_a_valid_configuration_contains() {
    let (output, code) = check(&Setup::misbehaving());
    assert_eq!(code, Some(0), "{output}");
    for line in ["✓ config.toml is valid", "✓ tenant demo at / with 1 key", "answers crm", "no problems found"] {
        assert!(output.contains(line), "{line} in {output}");
    }
}

#[test]
fn each_configuration_fault_is_reported_with_position_and_fix() {
    let table = [
        (("server.lisen", "1"), "config.toml:5:8", "unknown key `lisen`", "did you mean `listen`?"),
        (("server.zzzzzz", "1"), "config.toml:", "unknown key `zzzzzz`", "known here: listen, public_url"),
        (
            ("server.headers_max", "\"many\""),
            "config.toml:5:22",
            "invalid type: a text, expected usize",
            "example config.toml",
        ),
        (("server.headers_max", "0"), "config.toml:5:8", "0 cannot work", "from 1 to 10000"),
        (("server.public_url", "\"ftp://x\""), "config.toml:", "neither an https nor an http address", "https://"),
        (("server.public_url", "\"https://x/?a\""), "config.toml:", "a query or a fragment", "scheme and host"),
        (
            ("tenants.demo.twilio.auth_tokens", "[{ env = \"NOT_SET_ANYWHERE\" }]"),
            "config.toml:",
            "the environment variable `NOT_SET_ANYWHERE` is not set",
            "set it",
        ),
        (
            ("tenants.demo.twilio.auth_tokens", "[{ file = \"nowhere\" }]"),
            "config.toml:",
            "the file `nowhere` cannot be read",
            "set it",
        ),
        (("tenants.demo.twilio.auth_tokens", "[\"literal-token\"]"), "config.toml:", "a secret by reference", ""),
        (("tenants.demo.twilio.auth_tokens", "[]"), "config.toml:", "there is no token", "auth_tokens = "),
        (("tenants.demo.twilio.callback_timeout_ms", "6000"), "config.toml:", "6000 cannot work", "from 1 to 5999"),
        (("tenants.demo.path", "\"acme/\""), "config.toml:", "is not a path", "begin with `/`"),
        (("tenants.demo.roles.crm", "[\"a b\"]"), "config.toml:", "is not a plugin's name", "without `.wasm`"),
        (("plugins.directory", "\"nowhere\""), "config.toml:", "there is no folder", "create it"),
        (("plugins.named.plugin.files", "\"nowhere\""), "config.toml:", "there is no folder", "create it"),
        (("plugins.named.plugin.config.list", "[1]"), "config.toml:", "the setting `list` is a list", ""),
        (("log.level", "\"infoo\""), "config.toml:", "unknown level `infoo`", "write error, warn"),
        (("log.level", "\"a=b=c\""), "config.toml:", "log.level", "write error, warn"),
        (("plugins.named.plugin.limits.cpu_time_ms", "0"), "config.toml:", "0 cannot work", "from 1"),
        (("tenants.demo.twilio.page_size_max", "0"), "config.toml:", "0 cannot work", "from 1"),
        (("tenants.demo.twilio.auth_tokens", "\"literal-token\""), "config.toml:", "invalid type: a text", ""),
    ];
    for ((key, value), place, problem, remedy) in table {
        let setup = Setup::misbehaving().set(key, value);
        let (text, code) = check(&setup);
        assert_eq!(code, Some(1), "{key} = {value}: {text}");
        for words in [place, problem, remedy] {
            assert!(text.contains(words), "{key} = {value}: no `{words}` in {text}");
        }
        assert!(!text.contains("literal-token"), "{text}");
        let output = run(setup.folder(), &["run", "--config", "config.toml"]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && complaint.contains(problem), "{complaint}");
        assert!(!complaint.contains("serving"), "{complaint}");
    }
}

#[test]
fn several_faults_are_reported_at_once() {
    let (output, _) =
        check(&Setup::misbehaving().set("server.lisen", "1").set("plugins.callsmax", "1").set("unknown", "true"));
    assert!(output.contains("3 problems"), "{output}");
}

#[test]
fn two_tenants_cannot_share_a_path() {
    let (output, code) = check(&Setup::misbehaving().set("tenants.other.path", "\"/\""));
    assert_eq!(code, Some(1));
    assert!(output.contains("is the path of tenant `demo` too"), "{output}");
}

#[test]
fn an_unusable_plugin_and_an_unanswered_role_are_faults() {
    let (output, code) = check(&Setup::new().plugin("plugin", b"hello"));
    assert_eq!(code, Some(1));
    assert!(output.contains("✗ plugin plugin is not usable: it is not WebAssembly"), "{output}");
    assert!(output.contains("no plugin answers the role crm"), "{output}");
}

#[test]
fn a_role_with_a_missing_or_unsuitable_plugin_is_a_fault() {
    let (output, code) = check(
        &Setup::misbehaving()
            .plugin("directory", &component("directory"))
            .set("tenants.demo.roles.routing", "[\"plugin\", \"plugni\", \"directory\"]"),
    );
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("the role routing names `plugni`, which is not there"), "{output}");
    assert!(output.contains("the role routing names `directory`, which answers crm"), "{output}");
}

#[test]
fn an_incomplete_front_app_is_reported_with_what_is_missing() {
    let app = |key: &str, value: &str| (format!("tenants.demo.front.sms.{key}"), value.to_owned());
    let faults = [
        (app("plugin", "\"plugin\""), "app_uid: is missing"),
        (app("plugin", "\"plugin\""), "app_secrets: there is no secret"),
        (app("api_url", "\"http://api2.frontapp.com\""), "api_url: is no https address"),
        (app("files_urls", "[\"*.frontapp.com\"]"), "files_urls[0]: is neither a host nor"),
        (app("timeout_ms", "7000"), "timeout_ms: 7000 cannot work"),
        (app("timeout", "7000"), "did you mean `timeout_ms`?"),
    ];
    for ((key, value), problem) in faults {
        let (output, code) = check(&Setup::misbehaving().set(&key, value));
        assert_eq!(code, Some(1), "{output}");
        assert!(output.contains(problem), "{output}");
    }
    let setup = Setup::courier(&Front::start(), &Provider::start());
    let (output, code) = check(&setup.set("tenants.demo.front.sms.plugin", "\"courrier\""));
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("no plugin answers the role channel (named: courrier)"), "{output}");
}

#[test]
fn a_missing_configuration_file_is_an_error() {
    let setup = Setup::new();
    let output = run(setup.folder(), &["check", "--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_example_configuration_is_valid() {
    let shipped = ["directory", "templates", "numbers", "owner-routing", "echo-channel"];
    let setup = shipped.iter().fold(Setup::new(), |setup, name| setup.plugin(name, &component(name)));
    let example = fs::read_to_string(root().join("config.toml")).expect("the example");
    let secrets = ["TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET"];
    let secrets = secrets.into_iter().chain(["FRONT_APP_UID", "FRONT_APP_SECRET"]);
    let example =
        secrets.fold(example, |text, name| text.replace(&format!("{{ env = \"{name}\" }}"), "{ file = \"token\" }"));
    for folder in ["data/directory", "data/templates"] {
        fs::create_dir_all(setup.folder().join(folder)).expect("a folder");
    }
    fs::write(setup.folder().join("config.toml"), &example).expect("a file");
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn send_twilio_signs_its_request_and_shows_the_answer() {
    let gateway = Setup::misbehaving().start();
    let output = gateway.command(&["send", "twilio", "crm", "--set", "PageSize=3"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"searchable\": true"));
    let output = gateway.command(&["send", "twilio", "crm", "--set", "Worker="]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("missing-parameter"));
}
