//! Tests versions of the contract: released versions are frozen, and a plugin of another version is rejected with the
//! differences.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use frontgate_tests::{Setup, built_against, component, digest, root};

/// Returns the reason why a gateway rejects a plugin.
fn reason(plugin: &[u8]) -> String {
    let gateway = Setup::new().plugin("plugin", plugin).start();
    let receipt = gateway.history("plugin").pop().expect("a receipt");
    assert_eq!(receipt["outcome"], "refused", "{receipt}");
    receipt["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn a_plugin_built_with_the_current_contract_loads() {
    let gateway = Setup::new().plugin("plugin", &built_against(str::to_owned)).start();
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
}

#[test]
fn a_plugin_of_an_older_contract_is_rejected_with_the_difference() {
    let older = built_against(|wit| wit.replace("@0.1.0", "@0.0.9").replace("    links: list<link>,\n", ""));
    assert_eq!(
        reason(&older),
        "contract mismatch: the plugin lacks field `links` of record `customer` of `plugin-types`: built for contract \
         0.0.9, this gateway supports 0.1.0; rebuild the plugin with frontgate-sdk 0.1"
    );
}

#[test]
fn each_kind_of_contract_difference_is_named() {
    let cases = [
        (
            "  find-customer: func(address: string) -> result<option<customer>, error>;\n",
            "",
            "the plugin lacks function `find-customer` of `crm`",
        ),
        (
            "page-size: u32",
            "page-size: u16",
            "field `page-size` of record `list-request` of `crm` is u32 in this gateway, u16 in the plugin",
        ),
        ("    invalid(string),\n", "", "the plugin lacks case `invalid` of variant `error` of `plugin-types`"),
        (
            "get-customer: func(worker: string, ",
            "get-customer: func(tenant: string, worker: string, ",
            "function `get-customer` of `crm` takes 2 parameters in this gateway, 3 in the plugin",
        ),
    ];
    for (from, to, words) in cases {
        let output = reason(&built_against(|wit| wit.replace(from, to)));
        assert!(output.contains(words) && output.contains("rebuild it with this gateway's frontgate-sdk"), "{output}");
    }
}

#[test]
fn the_sdk_version_is_visible_to_operators() {
    let gateway = Setup::new().plugin("plugin", &component("misbehaving")).start();
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"]["sdk"], "0.1.0");
    let list = gateway.command(&["plugin", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("SDK 0.1.0"), "{list:?}");
}

/// Compares the frozen versions in a folder with the digests in its file `DIGESTS`, and returns the differences.
fn faults(folder: &Path) -> Vec<String> {
    let listed = fs::read_to_string(folder.join("DIGESTS")).unwrap_or_default();
    let listed: BTreeMap<_, _> = listed.lines().filter_map(|line| line.split_once("  ")).map(|(a, b)| (b, a)).collect();
    let mut found = BTreeMap::new();
    for version in fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(version.path()).expect("a version").flatten() {
            let name = format!("{}/{}", version.file_name().display(), file.file_name().display());
            found.insert(name, digest(&fs::read(file.path()).expect("a file")));
        }
    }
    let gone = listed.keys().filter(|name| !found.contains_key(**name)).map(|name| format!("{name} is gone"));
    let wrong = found.iter().filter(|(name, digest)| listed.get(name.as_str()) != Some(&digest.as_str()));
    gone.chain(wrong.map(|(name, _)| format!("{name} is not what was released"))).collect()
}

#[test]
fn released_contract_versions_are_unchanged() {
    let released = root().join("wit/released");
    assert_eq!(faults(&released), Vec::<String>::new());
    // The current contract may differ from a released one only if its version differs too.
    let world = fs::read_to_string(root().join("wit/worlds.wit")).expect("the contract");
    let version = world.split_once('@').and_then(|(_, rest)| rest.split_once(';')).expect("a version").0;
    for file in fs::read_dir(released.join(version)).into_iter().flatten().flatten() {
        let now = fs::read(root().join("wit").join(file.file_name())).unwrap_or_default();
        let frozen = fs::read(file.path()).expect("a file");
        assert!(now == frozen, "{} differs from released {version}: raise the version", file.file_name().display());
    }
}

#[test]
fn an_edited_release_is_detected() {
    let folder = tempfile::TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("0.1.0")).expect("a folder");
    fs::write(folder.path().join("0.1.0/crm.wit"), "text").expect("a file");
    assert_eq!(faults(folder.path()), ["0.1.0/crm.wit is not what was released"]);
    fs::write(folder.path().join("DIGESTS"), format!("{}  0.1.0/crm.wit\n", digest(b"text"))).expect("a file");
    assert!(faults(folder.path()).is_empty());
    fs::remove_file(folder.path().join("0.1.0/crm.wit")).expect("the file");
    assert_eq!(faults(folder.path()), ["0.1.0/crm.wit is gone"]);
}
