//! Builds components designed to make parsing or compiling as expensive as possible.

use std::fmt::Write as _;

/// The first bytes of a component.
const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// The ids of sections in a component.
const CUSTOM: u8 = 0;
const COMPONENT: u8 = 4;
const TYPES: u8 = 7;
/// The encodings of types that can be nested.
const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;

/// Returns a component with nested instance types, three bytes per level.
pub fn nested_instance_types(levels: usize) -> Vec<u8> {
    nested_types(INSTANCE_TYPE, levels)
}

/// Returns a component with nested component types.
pub fn nested_component_types(levels: usize) -> Vec<u8> {
    nested_types(COMPONENT_TYPE, levels)
}

fn nested_types(kind: u8, levels: usize) -> Vec<u8> {
    // One type, with one type declaration at each level except the innermost.
    let mut types = vec![1];
    for _ in 0..levels {
        types.extend([kind, 1, 1]);
    }
    types.extend([kind, 0]);
    component(&[(TYPES, types)])
}

/// Returns nested components.
pub fn nested_components(levels: usize) -> Vec<u8> {
    (0..levels).fold(component(&[]), |inner, _| component(&[(COMPONENT, inner)]))
}

/// Returns a component with adjacent instance types, each with an instance of the previous type. The current parser
/// panics on such a component.
pub fn type_chain(levels: usize) -> Vec<u8> {
    let mut types = leb(levels);
    types.extend([INSTANCE_TYPE, 0]);
    for before in 0..levels - 1 {
        // An alias of the previous type from the outer level, and an export `x` of it as an instance.
        types.extend([INSTANCE_TYPE, 2, 2, 3, 2, 1]);
        types.extend(leb(before));
        types.extend([4, 0, 1, b'x', 5, 0]);
    }
    component(&[(TYPES, types)])
}

/// Returns a component with record types, each with `fields` fields.
pub fn wide_types(types: usize, fields: usize) -> Vec<u8> {
    let mut section = leb(types);
    for _ in 0..types {
        // A record of u32 fields.
        section.push(0x72);
        section.extend(leb(fields));
        for field in 0..fields {
            let name = format!("f{field}");
            section.extend(leb(name.len()));
            section.extend(name.as_bytes());
            section.push(0x79);
        }
    }
    component(&[(TYPES, section)])
}

/// Returns a component whose core module has distinct function types of a thousand parameters each. In memory, these
/// types are several times larger than the file.
pub fn wide_functions(types: usize) -> Vec<u8> {
    const PARAMETERS: usize = 1_000;
    const CORE_MODULE: u8 = 1;
    const CORE_TYPES: u8 = 1;
    let mut content = leb(types);
    for number in 0..types {
        content.push(0x60);
        content.extend(leb(PARAMETERS));
        // The parameters encode the number in binary: each of the two parameter types is one binary digit.
        content.extend((0..PARAMETERS).map(|bit| if bit < 32 && number >> bit & 1 == 1 { 0x7e } else { 0x7f }));
        content.push(0);
    }
    let module = [b"\0asm\x01\0\0\0", &section(CORE_TYPES, &content)[..]].concat();
    component(&[(CORE_MODULE, module)])
}

/// Returns a component that imports a contract interface whose types form a chain of aliases.
pub fn alias_chain(links: usize) -> Vec<u8> {
    let mut text = String::from("(component (import \"frontgate:plugin/plugin-types@0.1.0\" (instance\n");
    text.push_str("(type $t (record (field \"a\" u32)))\n(export \"a0\" (type $a0 (eq $t)))\n");
    for link in 1..links {
        let before = link - 1;
        writeln!(text, "(export \"a{link}\" (type $a{link} (eq $a{before})))").expect("a text");
    }
    text.push_str(")))");
    wat::parse_str(text).expect("WebAssembly")
}

/// Returns a component with modules that each initialize two bytes of memory far apart.
pub fn sparse_memories(modules: usize, apart: u32) -> Vec<u8> {
    let pages = apart / 65_536 + 1;
    let module = format!("(core module (memory {pages}) (data (i32.const 0) \"a\") (data (i32.const {apart}) \"b\"))");
    wat::parse_str(format!("(component {})", module.repeat(modules))).expect("WebAssembly")
}

/// Returns a component whose module has `count` exports.
pub fn many_exports(count: usize) -> Vec<u8> {
    let exports: String = (0..count).map(|index| format!("(export \"{index}\" (func $f))")).collect();
    wat::parse_str(format!("(component (core module (func $f) {exports}))")).expect("WebAssembly")
}

/// Appends a custom section of meaningless bytes to a component.
pub fn padded(component: &[u8], bytes: usize, note: u8) -> Vec<u8> {
    let mut padding = vec![1, b'p'];
    padding.resize(bytes, note);
    [component, &section(CUSTOM, &padding)].concat()
}

/// Returns a component that is slow to compile: functions with many long-lived values. Each number yields different
/// bytes.
pub fn slow_to_compile(functions: usize, number: u32) -> Vec<u8> {
    const VALUES: usize = 400;
    let mut body = String::new();
    for value in 0..VALUES {
        let other = (value * 7 + 3) % VALUES;
        writeln!(
            body,
            "(if (i32.and (local.get {value}) (i32.const {value})) (then (local.set {other} (i32.mul (local.get {value}) \
             (i32.add (local.get {other}) (i32.const {number}))))))"
        )
        .expect("a text");
    }
    let locals = "i32 ".repeat(VALUES);
    let function = format!("(func (local {locals}) (loop $again {body} (br_if $again (local.get 1))))");
    wat::parse_str(format!("(component (core module {}))", function.repeat(functions))).expect("WebAssembly")
}

/// Returns a component that contains the module with this text.
pub fn module(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component (core module {text}))")).expect("WebAssembly")
}

fn component(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let sections = sections.iter().flat_map(|(id, content)| section(*id, content));
    HEADER.into_iter().chain(sections).collect()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &leb(content.len())[..], content].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
