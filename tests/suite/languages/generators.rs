//! Tests plugins without a starter project, built from the contract's WIT with public generators.

use std::fs;

use frontgate_tests::{root, run};
use serde_json::Value;
use tempfile::TempDir;

use super::{ROLES, run_as_author, walk};

/// The name of the customer, in JavaScript and Rust.
const NAME: &str = "Mora Lind";

#[test]
fn the_written_contract_equals_that_of_the_repository() {
    let folder = TempDir::new().expect("a folder");
    assert!(run(folder.path(), &["plugin", "wit", "wit"]).status.success());
    let written = walk(&folder.path().join("wit"));
    assert!(written.len() > 8, "{written:?}");
    for path in written {
        let own = root().join(path.strip_prefix(folder.path()).expect("inside"));
        assert_eq!(fs::read(&path).expect("a file"), fs::read(own).expect("the same file"), "{}", path.display());
    }
}

#[test]
fn bindings_are_generated_for_every_role_and_rewritten_only_on_change() {
    let folder = TempDir::new().expect("a folder");
    for (language, file) in [("c", "plugin.h"), ("go", "wit_exports.go"), ("typescript", "frontgate.d.ts")] {
        for role in ROLES {
            let place = format!("{language}-{role}");
            let written = || {
                let output = run(folder.path(), &["plugin", "bindings", language, &place, "--role", role]);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                fs::metadata(folder.path().join(&place).join(file)).and_then(|data| data.modified()).expect("a file")
            };
            assert_eq!(written(), written(), "{place}");
        }
    }
}

#[test]
fn componentize_qjs_builds_a_plugin_from_the_contract_alone() {
    let folder = contract();
    let source = format!(
        "const customer = {{ customerId: '7', displayName: '{NAME}', channels: [], links: [] }};
         export const crm = {{
           listCustomers: () => ({{ customers: [customer] }}),
           getCustomer: () => customer,
           findCustomer: () => null,
         }};"
    );
    fs::write(folder.path().join("plugin.js"), source).expect("a file");
    run_as_author(
        folder.path(),
        "componentize-qjs",
        &["--wit", "wit", "--world", "crm-plugin", "--js", "plugin.js", "--sync", "--output", "plugin.wasm"],
    );
    assert_answers(&folder);
}

#[test]
fn a_plugin_with_async_exports_is_rejected_with_advice() {
    let folder = contract();
    fs::write(folder.path().join("plugin.js"), "export const crm = {};").expect("a file");
    run_as_author(
        folder.path(),
        "componentize-qjs",
        &["--wit", "wit", "--world", "crm-plugin", "--js", "plugin.js", "--output", "plugin.wasm"],
    );
    let output = run(folder.path(), &["plugin", "inspect", "plugin.wasm"]);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(!output.status.success() && text.contains("build it with synchronous functions"), "{text}");
}

#[test]
fn wasi_config_reads_the_settings() {
    let folder = contract();
    let own = folder.path().join("own");
    fs::create_dir_all(own.join("deps/plugin")).expect("a folder");
    fs::rename(folder.path().join("wit/deps/config"), own.join("deps/config")).expect("the interface");
    for file in fs::read_dir(folder.path().join("wit")).expect("the contract").map(|file| file.expect("a file")) {
        if file.path().is_file() {
            fs::copy(file.path(), own.join("deps/plugin").join(file.file_name())).expect("a file");
        }
    }
    fs::rename(folder.path().join("wit/deps/keyvalue"), own.join("deps/keyvalue")).expect("the interface");
    let world = "package company:settings;
                 world plugin { import wasi:config/store@0.2.0-rc.1; include frontgate:plugin/crm-plugin@0.1.0; }";
    fs::write(own.join("world.wit"), world).expect("a file");
    let source = "import { get } from 'wasi:config/store@0.2.0-rc.1';
         const customer = () => ({ customerId: '7', displayName: get('name'), channels: [], links: [] });
         export const crm = {
           listCustomers: () => ({ customers: [customer()] }),
           getCustomer: customer,
           findCustomer: () => null,
         };";
    fs::write(folder.path().join("plugin.js"), source).expect("a file");
    run_as_author(
        folder.path(),
        "componentize-qjs",
        &["--wit", "own", "--world", "plugin", "--js", "plugin.js", "--sync", "--output", "plugin.wasm"],
    );
    let settings = format!("[plugin.config]\nname = \"{NAME}\"\n");
    fs::write(folder.path().join("plugin.toml"), settings).expect("a file");
    assert_answers(&folder);
}

#[test]
fn wit_bindgen_builds_a_plugin_from_the_contract_alone() {
    let folder = contract();
    let manifest = "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
                    [lib]\ncrate-type = [\"cdylib\"]\n[dependencies.wit-bindgen]\nversion = \"0.63\"\n\
                    default-features = false\nfeatures = [\"macros\", \"realloc\"]\n\
                    [profile.release]\nlto = true\npanic = \"abort\"\nstrip = true\n";
    let source = format!(
        r#"wit_bindgen::generate!({{ path: "wit", world: "frontgate:plugin/crm-plugin" }});
           use exports::frontgate::plugin::crm::{{CustomerPage, Guest, ListRequest}};
           use frontgate::plugin::plugin_types::{{Customer, Error}};
           struct Plugin;
           impl Guest for Plugin {{
               fn list_customers(_: ListRequest) -> Result<CustomerPage, Error> {{ Err(Error::NotFound) }}
               fn get_customer(_: String, id: String) -> Result<Customer, Error> {{
                   let (links, channels) = (vec![], vec![]);
                   let (display_name, avatar, details, worker) = ("{NAME}".to_owned(), None, None, None);
                   Ok(Customer {{ customer_id: id, display_name, avatar, channels, links, details, worker }})
               }}
               fn find_customer(_: String) -> Result<Option<Customer>, Error> {{ Ok(None) }}
           }}
           export!(Plugin);"#
    );
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a file");
    fs::write(folder.path().join("src/lib.rs"), source).expect("a file");
    // The lock file selects versions that have been downloaded already.
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("a file");
    run_as_author(folder.path(), "cargo", &["build", "--quiet", "--offline", "--release", "--target", "wasm32-wasip2"]);
    let built = frontgate_tests::target().join("starters/target/wasm32-wasip2/release/plain.wasm");
    fs::copy(built, folder.path().join("plugin.wasm")).expect("the plugin");
    assert_answers(&folder);
}

/// Creates a folder with the contract.
fn contract() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    assert!(run(folder.path(), &["plugin", "wit", "wit"]).status.success());
    folder
}

/// Asks the plugin for a customer.
#[track_caller]
fn assert_answers(folder: &TempDir) {
    let question = r#"{ "worker": "ana@example.org", "customer-id": "7" }"#;
    let output = run(folder.path(), &["plugin", "call", "plugin.wasm", "crm.get-customer", "--json", question]);
    let answer: Value = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
        .expect("JSON");
    assert_eq!(answer["ok"]["display-name"], NAME, "{answer}");
}
