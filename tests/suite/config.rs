//! Tests the configuration and `frontgate check`.

use std::fs;

use frontgate_tests::{Front, Provider, Setup, TOKEN, component, root, run};

/// Runs `check` on a setup, and returns its output and exit code.
fn check(setup: &Setup) -> (String, Option<i32>) {
    setup.write();
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn check_lists_what_a_valid_configuration_contains() {
    let (output, code) = check(&Setup::misbehaving());
    assert_eq!(code, Some(0), "{output}");
    for line in ["✓ config.toml is valid", "✓ tenant demo at / with 1 key", "has the roles crm", "no problems found"]
    {
        assert!(output.contains(line), "{line} in {output}");
    }
}

#[test]
fn each_configuration_fault_is_reported_with_position_and_fix() {
    let table = [
        (("server.lisen", "1"), "config.toml:6:8", "unknown key `lisen`", "did you mean `listen`?"),
        (("server.zzzzzz", "1"), "config.toml:", "unknown key `zzzzzz`", "known keys: listen, public_url"),
        (
            ("server.headers_max", "\"many\""),
            "config.toml:6:22",
            "invalid type: string, expected usize",
            "docs/operate/configuration.md",
        ),
        (("server.headers_max", "0"), "config.toml:6:8", "0 is out of range", "from 1 to 10000"),
        (("server.public_url", "\"ftp://x\""), "config.toml:", "neither an https nor an http URL", "https://"),
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
        (("tenants.demo.twilio.auth_tokens", "[]"), "config.toml:", "no callback can be verified", "auth_tokens = "),
        (("tenants.demo.twilio.callback_timeout_ms", "6000"), "config.toml:", "6000 is out of range", "from 1 to 5999"),
        (("tenants.demo.path", "\"acme/\""), "config.toml:", "is not a path", "begin with `/`"),
        (("tenants.demo.roles.crm", "[\"a b\"]"), "config.toml:", "is not a plugin's name", "without `.wasm`"),
        (("plugins.source", "\"store\""), "config.toml:", "needs a database on Postgres", "write \"folder\""),
        (("plugins.directory", "\"nowhere\""), "config.toml:", "does not exist", "create it"),
        (("plugins.named.plugin.files", "\"nowhere\""), "config.toml:", "does not exist", "create it"),
        (
            ("plugins.named.plugin.config.list", "[1]"),
            "config.toml:",
            "setting `list`: lists are not supported; write one string",
            "",
        ),
        (("log.level", "\"infoo\""), "config.toml:", "`infoo` is not a log level", "write error, warn"),
        (("log.level", "\"a=b=c\""), "config.toml:", "log.level", "write error, warn"),
        (("plugins.named.plugin.limits.cpu_time_ms", "0"), "config.toml:", "0 is out of range", "from 1"),
        (("tenants.demo.twilio.page_size_max", "0"), "config.toml:", "0 is out of range", "from 1"),
        (("tenants.demo.twilio.auth_tokens", "\"literal-token\""), "config.toml:", "invalid type: string", ""),
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
        assert!(!complaint.contains("listening on"), "{complaint}");
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
    assert!(output.contains("is also the path of tenant `demo`"), "{output}");
}

#[test]
fn an_unusable_plugin_and_an_unanswered_role_are_faults() {
    let (output, code) = check(&Setup::new().plugin("plugin", b"hello"));
    assert_eq!(code, Some(1));
    assert!(output.contains("✗ plugin plugin is not usable: it is not WebAssembly"), "{output}");
    assert!(output.contains("no live plugin has the role crm"), "{output}");
}

#[test]
fn a_role_with_a_missing_or_unsuitable_plugin_is_a_fault() {
    let (output, code) = check(
        &Setup::misbehaving()
            .plugin("directory", &component("directory"))
            .set("tenants.demo.roles.routing", "[\"plugin\", \"plugni\", \"directory\"]"),
    );
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("plugin `plugni` of role routing is not live"), "{output}");
    assert!(output.contains("plugin `directory` configured for role routing has only the roles crm"), "{output}");
}

#[test]
fn an_incomplete_front_app_is_reported_with_what_is_missing() {
    let app = |key: &str, value: &str| (format!("tenants.demo.front.sms.{key}"), value.to_owned());
    let faults = [
        (app("plugin", "\"plugin\""), "app_uid: is missing"),
        (app("plugin", "\"plugin\""), "app_secrets: is empty"),
        (app("api_url", "\"http://api2.frontapp.com\""), "api_url: is not an https URL"),
        (app("files_urls", "[\"*.frontapp.com\"]"), "files_urls[0]: is neither an origin nor a wildcard origin"),
        (app("timeout_ms", "7000"), "timeout_ms: 7000 is out of range"),
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
    assert!(output.contains("no live plugin has the role channel (configured: courrier)"), "{output}");
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
    for folder in ["data/directory", "data/templates", "data/secrets"] {
        fs::create_dir_all(setup.folder().join(folder)).expect("a folder");
    }
    let secrets = ["twilio-auth-token", "twilio-account-sid", "twilio-api-key", "twilio-api-secret"];
    for name in secrets.into_iter().chain(["front-app-uid", "front-app-secret"]) {
        fs::write(setup.folder().join("data/secrets").join(name), TOKEN).expect("a file");
    }
    fs::write(setup.folder().join("config.toml"), &example).expect("a file");
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_number_out_of_range_is_reported_with_its_key_and_the_range() {
    let table = [
        ("plugins.limits.handles_max", "0", "0 is out of range", "write a number from 1 to 1000000"),
        ("store.timeout_ms", "86400001", "86400001 is out of range", "write a number from 1 to 86400000"),
        ("plugins.breaker.pause_max_ms", "999", "999 is less than plugins.breaker.pause_ms", "write 1000 or more"),
        ("delivery.retry_longest_ms", "499", "499 is less than delivery.retry_first_ms", "write 500 or more"),
        ("plugins.cache_bytes_max", "1", "1 is less than plugins.code_bytes_max", "write 536870912 or more"),
        ("plugins.memory_bytes_total_max", "1", "1 is less than the largest memory_bytes_max", "or more"),
        (
            "plugins.named.plugin.limits.call_timeout_ms",
            "30001",
            "30001 is greater than plugins.drain_timeout_ms",
            "write 30000 or less",
        ),
    ];
    for (key, value, problem, fix) in table {
        let (said, code) = check(&Setup::misbehaving().set(key, value));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("{key}: {problem}")) && said.contains(fix), "{said}");
        assert!(said.contains("1 problem in the configuration"), "{said}");
    }
}

/// Runs a command that must succeed, and returns its output.
fn output(setup: &Setup, arguments: &[&str]) -> String {
    let output = run(setup.folder(), arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_schema_accepts_the_example_and_rejects_mistakes() {
    let schema = serde_json::from_str(&output(&Setup::new(), &["config", "schema"])).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let example = fs::read_to_string(root().join("config.toml")).expect("the example");
    let example: serde_json::Value = toml::from_str(&example).expect("TOML");
    let faults: Vec<String> = schema.iter_errors(&example).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let table = [
        ("server", "lisen", serde_json::json!("127.0.0.1:1")),
        ("server", "headers_max", serde_json::json!(0)),
        ("server", "headers_max", serde_json::json!("many")),
        ("log", "format", serde_json::json!("xml")),
    ];
    for (section, key, value) in table {
        let mut mistaken = example.clone();
        mistaken[section][key] = value;
        assert!(!schema.is_valid(&mistaken), "{section}.{key}");
    }
}

#[test]
fn the_effective_configuration_has_defaults_and_no_secret() {
    let setup = Setup::misbehaving()
        .set("server.public_url", "\"https://user:planted-word@gateway.example.com\"")
        .set("tenants.demo.twilio.account_sid", "{ env = \"NOT_SET_ANYWHERE\" }")
        .set("plugins.named.plugin.state", "{ keys_max = 7 }");
    setup.write();
    let shown = output(&setup, &["config", "show", "--config", "config.toml"]);
    assert!(!shown.contains(TOKEN) && !shown.contains("planted-word"), "{shown}");
    let shown: toml::Table = shown.parse().expect("TOML");
    assert_eq!(shown["server"]["public_url"].as_str(), Some("https://***@gateway.example.com"));
    assert_eq!(shown["server"]["headers_max"].as_integer(), Some(64));
    assert_eq!(shown["plugins"]["named"]["plugin"]["state"]["keys_max"].as_integer(), Some(7));
    let twilio = &shown["tenants"]["demo"]["twilio"];
    assert_eq!(twilio["account_sid"]["env"].as_str(), Some("NOT_SET_ANYWHERE"));
    assert_eq!(twilio["auth_tokens"][0]["file"].as_str(), Some("token"));
    assert_eq!(twilio["page_size_max"].as_integer(), Some(1000));
}

#[test]
fn what_is_shown_is_a_configuration_that_shows_the_same() {
    let setup = Setup::new();
    fs::copy(root().join("config.toml"), setup.folder().join("config.toml")).expect("a file");
    let shown = output(&setup, &["config", "show", "--config", "config.toml"]);
    fs::write(setup.folder().join("shown.toml"), &shown).expect("a file");
    assert_eq!(output(&setup, &["config", "show", "--config", "shown.toml"]), shown);
}

#[test]
fn send_twilio_signs_its_request_and_shows_the_answer() {
    let gateway = Setup::misbehaving().start();
    let output = gateway.command(&["send", "twilio", "crm", "--set", "PageSize=3"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"searchable\": true"));
    let output = gateway.command(&["send", "twilio", "crm", "--set", "PageSize=0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("invalid-parameter"));
}
