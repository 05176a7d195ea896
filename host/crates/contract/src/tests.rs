//! Tests of descriptions and of the limits on hostile files.

use proptest::prelude::*;

use super::*;

const CRM: &str = include_str!("../../../../tests/guests/trap-at-start.wat");

fn parse(wat: &str) -> anyhow::Result<Component> {
    Component::parse(&wat::parse_str(wat).expect("WebAssembly"))
}

fn incompatibility(from: &str, to: &str) -> String {
    assert!(CRM.contains(from), "{from} is in the source");
    parse(&CRM.replace(from, to)).expect("a component").incompatibility().expect("an incompatibility")
}

#[test]
fn our_own_contract_fits() {
    let crm = parse(CRM).expect("a component");
    assert_eq!(crm.incompatibility(), None);
    assert_eq!(crm.manifest.roles, ["crm".to_owned()].into());
    assert!(differences(&OURS, &OURS).is_empty());
}

#[test]
fn each_difference_is_named() {
    let cases = [
        (
            r#"(field "links" (list $link))"#,
            "",
            "the plugin lacks field `links` of record `customer` of `plugin-types`",
        ),
        (
            r#"(field "details" (option $details))"#,
            r#"(field "details" (option $details)) (field "tags" (list string))"#,
            "this gateway lacks field `tags` of record `customer` of `plugin-types`",
        ),
        (
            r#"(field "page-size" u32)"#,
            r#"(field "page-size" s32)"#,
            "field `page-size` of record `list-request` of `crm` is u32 in this gateway, s32 in the plugin",
        ),
        (r#"(case "invalid" string)"#, "", "the plugin lacks case `invalid` of variant `error` of `plugin-types`"),
        (
            r#"(case "forbidden" string)"#,
            r#"(case "forbidden")"#,
            "case `forbidden` of variant `error` of `plugin-types` is string in this gateway, nothing in the plugin",
        ),
        (
            r#"(field "worker" (option string))))"#,
            r#"(field "worker" string)))"#,
            "field `worker` of record `customer` of `plugin-types` is option<string> in this gateway, string in the \
             plugin",
        ),
        (
            r#"(field "title" string) (field "content" string)"#,
            r#"(field "content" string) (field "title" string)"#,
            "record `details` of `plugin-types` has its fields in another order",
        ),
    ];
    for (from, to, words) in cases {
        let said = incompatibility(from, to);
        assert!(said.starts_with(&format!("contract mismatch: {words}")), "{said}");
        assert!(said.ends_with(
            "built with a contract 0.1.0 that differs from this gateway's; rebuild it with this gateway's frontgate-sdk"
        ));
    }
}

#[test]
fn an_incompatibility_quotes_long_names_in_part() {
    let field = format!(r#"(field "{}" string)"#, "a".repeat(90_000));
    let details = r#"(field "details" (option $details))"#;
    let said = incompatibility(details, &format!("{details} {field}"));
    assert!(said.len() < 4_096, "{} bytes", said.len());
}

#[test]
fn another_version_is_named_with_what_differs() {
    let newer = CRM.replace("@0.1.0", "@0.2.0");
    let said = parse(&newer).expect("a component").incompatibility().expect("an incompatibility");
    assert_eq!(
        said,
        "contract mismatch: built against frontgate:plugin/crm@0.2.0: built for contract 0.2.0, this gateway \
         supports 0.1.0; rebuild the plugin with frontgate-sdk 0.1, or run a newer gateway"
    );
    let older = CRM.replace("@0.1.0", "@0.0.9").replace(r#"(field "links" (list $link))"#, "");
    let said = parse(&older).expect("a component").incompatibility().expect("an incompatibility");
    assert_eq!(
        said,
        "contract mismatch: the plugin lacks field `links` of record `customer` of `plugin-types`: built for contract \
         0.0.9, this gateway supports 0.1.0; rebuild the plugin with frontgate-sdk 0.1"
    );
}

#[test]
fn a_later_version_of_the_same_line_fits() {
    assert_eq!(parse(&CRM.replace("@0.1.0", "@0.1.7")).expect("a component").incompatibility(), None);
}

#[test]
fn the_sdk_is_read_from_wherever_it_lies_and_nothing_odd_is_shown() {
    let with = |section: &str| {
        let wat =
            CRM.replacen("(core module $m", &format!("(core module $m (@custom \"frontgate-sdk\" \"{section}\")"), 1);
        parse(&wat).expect("a component").manifest.sdk
    };
    assert_eq!(with("0.1.0\\n0.1.0\\n"), Some("0.1.0".to_owned()));
    assert_eq!(with("\\1b[31m0.1.0"), None);
    assert_eq!(with(""), None);
    assert_eq!(with("\\ff\\fe"), None);
}

#[test]
fn capabilities_are_imports_with_functions_that_reach_something() {
    let wants = |imports: &str| {
        parse(&format!("(component {imports})"))
            .expect("a component")
            .manifest
            .capabilities
            .into_iter()
            .collect::<Vec<_>>()
    };
    let import = |name: &str, function: &str| format!(r#"(import "{name}" (instance (export "{function}" (func))))"#);
    assert_eq!(wants(&import("frontgate:plugin/http-client@0.1.0", "send")), [Capability::Http]);
    assert_eq!(wants(&import("wasi:http/outgoing-handler@0.2.6", "handle")), [Capability::Http]);
    assert_eq!(wants(&import("frontgate:plugin/state@0.1.0", "get")), [Capability::State]);
    assert_eq!(wants(&import("wasi:keyvalue/store@0.2.0-draft", "open")), [Capability::State]);
    assert_eq!(wants(&import("frontgate:plugin/directory@0.1.0", "get-customer")), [Capability::Directory]);
    assert_eq!(wants(&import("wasi:filesystem/preopens@0.2.6", "get-directories")), []);
    assert_eq!(wants(&import("wasi:cli/environment@0.2.6", "get-environment")), []);
    assert_eq!(wants(&import("frontgate:plugin/settings@0.1.0", "get")), []);
    assert_eq!(wants(r#"(import "frontgate:plugin/http-client@0.1.0" (instance))"#), []);
}

#[test]
fn too_many_names_are_rejected() {
    let imports: String = (0..1_001).map(|i| format!(r#"(import "a:b/i{i}" (instance))"#)).collect();
    let refused = parse(&format!("(component {imports})")).err().expect("a refusal");
    assert!(refused.to_string().contains("more than 1000 names"), "{refused}");
}

/// Returns a component with nested instance types.
fn nested(levels: usize) -> String {
    format!("(component (type {}(instance){}))", "(instance (type ".repeat(levels), "))".repeat(levels))
}

#[test]
fn types_nest_within_a_limit() {
    assert!(parse(&nested(20)).is_ok());
    let refused = parse(&nested(40)).err().expect("a refusal").to_string();
    assert_eq!(refused, "it nests components and their types more than 32 levels deep");
}

#[test]
fn components_nest_within_a_limit() {
    let nested = |levels: usize| "(component ".repeat(levels) + &")".repeat(levels);
    assert!(parse(&nested(20)).is_ok());
    assert!(parse(&nested(40)).is_err());
}

#[test]
fn every_item_counts_wherever_it_stands() {
    let fields: String = (0..1_000).map(|field| format!("(field \"f{field}\" u8)")).collect();
    let records = format!("(type (record {fields}))").repeat(101);
    for whole in [format!("(component {records})"), format!("(component (type (instance {records})))")] {
        let refused = parse(&whole).err().expect("a refusal").to_string();
        assert!(refused.starts_with("it has more than 100000"), "{refused}");
    }
}

#[test]
fn a_type_is_named_without_being_written_out_to_its_end() {
    let types: String = (1..17).map(|i| format!("(type $t{i} (result $t{} (error $t{})))", i - 1, i - 1)).collect();
    let wat = format!(
        "(component (import \"frontgate:plugin/settings@0.1.0\" (instance (type $t0 (result u8 (error u8))) {types} \
         (export \"get\" (func (param \"key\" string) (result $t16))))))"
    );
    let said = parse(&wat).expect("a component").incompatibility().expect("an incompatibility");
    assert!(said.contains('…') && said.len() < 2_000, "{} bytes: {said}", said.len());
}

#[test]
fn a_chain_of_aliases_leads_to_the_first_name() {
    let links: String = (1..2_000).map(|i| format!("(export \"a{i}\" (type $a{i} (eq $a{})))", i - 1)).collect();
    let wat = format!(
        "(component (import \"frontgate:plugin/plugin-types@0.1.0\" (instance (type $t (record (field \"x\" u8))) \
         (export \"a0\" (type $a0 (eq $t))) {links})))"
    );
    assert_eq!(parse(&wat).expect("a component").incompatibility(), None);
}

proptest! {
    #[test]
    fn corrupt_files_are_rejected_or_read_without_a_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut wasm = wat::parse_str(CRM).expect("WebAssembly");
        let at = at.index(wasm.len());
        wasm[at] = byte;
        drop(Component::parse(&wasm).map(|component| component.incompatibility()));
        wasm.truncate(cut.index(wasm.len()));
        drop(Component::parse(&wasm).map(|component| component.incompatibility()));
    }
}
