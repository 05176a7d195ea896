//! Generates TypeScript declarations of the contract, including its comments, for componentize-qjs.
//!
//! 64-bit integers become numbers, `none` becomes null, and bytes become a `Uint8Array`. Errors are thrown. Generators
//! for other engines declare other types.

use std::fmt::Write as _;

use anyhow::bail;
use wit_parser::{
    Docs, Function, InterfaceId, Param, Resolve, Type, TypeDef, TypeDefKind, TypeOwner, WorldId, WorldItem,
};

/// Function names that are reserved words of TypeScript.
const RESERVED: [&str; 4] = ["delete", "export", "import", "new"];

const HEADER: &str = "\
// Written by `frontgate plugin bindings typescript` from the contract; edits are lost.
//
// Values as QuickJS passes them: none is `null` (a plugin may return `undefined`), an error is thrown as a value of
// its type, and 64-bit integers are numbers.
";

/// Declares every interface that a world imports or exports.
pub(super) fn declarations(resolve: &Resolve, world: WorldId) -> anyhow::Result<String> {
    let world = &resolve.worlds[world];
    let mut text = HEADER.to_owned();
    for (exported, items) in [(false, &world.imports), (true, &world.exports)] {
        for item in items.values() {
            let WorldItem::Interface { id, .. } = item else { bail!("unsupported world: an item is not an interface") };
            module(resolve, *id, exported, &mut text)?;
        }
    }
    Ok(text)
}

fn module(resolve: &Resolve, id: InterfaceId, exported: bool, text: &mut String) -> anyhow::Result<()> {
    let interface = &resolve.interfaces[id];
    let name = resolve.id_of(id).unwrap_or_default();
    text.push('\n');
    comment(&interface.docs, "", text);
    writeln!(text, "declare module {name:?} {{")?;
    for (name, id) in &interface.types {
        definition(resolve, &pascal(name), &resolve.types[*id], text)?;
    }
    if exported {
        let role = pascal(interface.name.as_deref().unwrap_or_default());
        writeln!(
            text,
            "  /** The interface that a plugin exports as `{}`. */",
            camel(interface.name.as_deref().unwrap_or_default())
        )?;
        writeln!(text, "  export interface {role} {{")?;
        for function in interface.functions.values() {
            comment(&function.docs, "    ", text);
            writeln!(text, "    {}{};", camel(&function.name), signature(resolve, function, true)?)?;
        }
        writeln!(text, "  }}")?;
    } else {
        for function in interface.functions.values() {
            comment(&function.docs, "  ", text);
            let (name, signature) = (camel(&function.name), signature(resolve, function, false)?);
            match RESERVED.contains(&&*name) {
                true => writeln!(text, "  function {name}_{signature};\n  export {{ {name}_ as {name} }};")?,
                false => writeln!(text, "  export function {name}{signature};")?,
            }
        }
    }
    text.push_str("}\n");
    Ok(())
}

fn definition(resolve: &Resolve, name: &str, of: &TypeDef, text: &mut String) -> anyhow::Result<()> {
    if let (TypeDefKind::Type(Type::Id(id)), true) = (&of.kind, of.docs.contents.is_none()) {
        let original = &resolve.types[*id];
        if let (TypeOwner::Interface(from), Some(original)) = (original.owner, &original.name) {
            let (original, from) = (pascal(original), resolve.id_of(from).unwrap_or_default());
            writeln!(text, "  import type {{ {original} as {name} }} from {from:?};\n  export type {{ {name} }};")?;
            return Ok(());
        }
    }
    comment(&of.docs, "  ", text);
    match &of.kind {
        TypeDefKind::Record(record) => {
            writeln!(text, "  export interface {name} {{")?;
            for field in &record.fields {
                comment(&field.docs, "    ", text);
                // An optional field may be omitted.
                let mark = if is_option(resolve, &field.ty) { "?" } else { "" };
                writeln!(text, "    {}{mark}: {};", camel(&field.name), written(resolve, &field.ty)?)?;
            }
            writeln!(text, "  }}")?;
        }
        TypeDefKind::Variant(variant) => {
            writeln!(text, "  export type {name} =")?;
            for (number, case) in variant.cases.iter().enumerate() {
                comment(&case.docs, "    ", text);
                let payload = case.ty.as_ref().map(|ty| written(resolve, ty)).transpose()?;
                let payload = payload.map(|payload| format!("; val: {payload}")).unwrap_or_default();
                let end = if number + 1 == variant.cases.len() { ";" } else { "" };
                writeln!(text, "    | {{ tag: {:?}{payload} }}{end}", case.name)?;
            }
        }
        TypeDefKind::Enum(cases) => {
            let cases: Vec<String> = cases.cases.iter().map(|case| format!("{:?}", case.name)).collect();
            writeln!(text, "  export type {name} = {};", cases.join(" | "))?;
        }
        TypeDefKind::Flags(flags) => {
            let flags: String = flags.flags.iter().map(|flag| format!(" {}: boolean;", camel(&flag.name))).collect();
            writeln!(text, "  export interface {name} {{{flags} }}")?;
        }
        TypeDefKind::Type(ty) => writeln!(text, "  export type {name} = {};", written(resolve, ty)?)?,
        _ => writeln!(text, "  export type {name} = {};", anonymous(resolve, of)?)?,
    }
    Ok(())
}

fn signature(resolve: &Resolve, function: &Function, exported: bool) -> anyhow::Result<String> {
    let optional = |parameter: &Param| is_option(resolve, &parameter.ty);
    // A parameter can be optional only if all later parameters are optional.
    let needed = function.params.iter().rposition(|parameter| !optional(parameter)).map_or(0, |last| last + 1);
    let parameters = function.params.iter().enumerate().map(|(place, parameter)| {
        let mark = if !exported && place >= needed { "?" } else { "" };
        Ok(format!("{}{mark}: {}", camel(&parameter.name), written(resolve, &parameter.ty)?))
    });
    let parameters = parameters.collect::<anyhow::Result<Vec<_>>>()?.join(", ");
    let mut result = function.result;
    // Only the type of `ok` is declared, since errors are thrown.
    if let Some(Type::Id(id)) = result
        && let TypeDefKind::Result(outcomes) = &resolve.types[id].kind
    {
        result = outcomes.ok;
    }
    let Some(result) = result else { return Ok(format!("({parameters}): void")) };
    let or_nothing = if exported && is_option(resolve, &result) { " | undefined" } else { "" };
    Ok(format!("({parameters}): {}{or_nothing}", written(resolve, &result)?))
}

fn written(resolve: &Resolve, ty: &Type) -> anyhow::Result<String> {
    Ok(match ty {
        Type::Bool => "boolean".to_owned(),
        Type::String | Type::Char => "string".to_owned(),
        Type::Id(id) => {
            let of = &resolve.types[*id];
            match &of.name {
                Some(name) => pascal(name),
                None => anonymous(resolve, of)?,
            }
        }
        Type::ErrorContext => bail!("unsupported type: error-context"),
        _ => "number".to_owned(),
    })
}

fn anonymous(resolve: &Resolve, of: &TypeDef) -> anyhow::Result<String> {
    let optional = |ty: &Option<Type>| ty.as_ref().map_or(Ok("undefined".to_owned()), |ty| written(resolve, ty));
    Ok(match &of.kind {
        TypeDefKind::Option(inner) if is_option(resolve, inner) => {
            format!("{{ tag: \"some\"; val: {} }} | {{ tag: \"none\" }}", written(resolve, inner)?)
        }
        TypeDefKind::Option(inner) => format!("{} | null", written(resolve, inner)?),
        TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
        TypeDefKind::List(inner) => format!("Array<{}>", written(resolve, inner)?),
        TypeDefKind::Tuple(tuple) => {
            let types = tuple.types.iter().map(|ty| written(resolve, ty)).collect::<anyhow::Result<Vec<_>>>()?;
            format!("[{}]", types.join(", "))
        }
        TypeDefKind::Result(outcomes) => {
            let (ok, err) = (optional(&outcomes.ok)?, optional(&outcomes.err)?);
            format!("{{ tag: \"ok\"; val: {ok} }} | {{ tag: \"err\"; val: {err} }}")
        }
        other => bail!("unsupported type: {}", other.as_str()),
    })
}

fn is_option(resolve: &Resolve, ty: &Type) -> bool {
    matches!(ty, Type::Id(id) if matches!(resolve.types[*id].kind, TypeDefKind::Option(_)))
}

fn comment(docs: &Docs, indent: &str, text: &mut String) {
    let Some(words) = &docs.contents else { return };
    let lines: Vec<String> =
        words.trim().lines().map(|line| format!("{indent} * {line}").trim_end().to_owned()).collect();
    text.push_str(&format!("{indent}/**\n{}\n{indent} */\n", lines.join("\n")));
}

/// Converts a name such as `list-customers` to `ListCustomers`.
fn pascal(name: &str) -> String {
    let word =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    name.split('-').map(word).collect()
}

/// Converts a name such as `list-customers` to `listCustomers`.
fn camel(name: &str) -> String {
    let pascal = pascal(name);
    pascal.chars().take(1).flat_map(char::to_lowercase).chain(pascal.chars().skip(1)).collect()
}
