//! Compares the types of a component with the contract, structurally as the linker does, and describes differences.

use std::collections::HashSet;

use frontgate_telemetry::brief;
use wasmparser::component_types::{
    ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType, ComponentFuncType, ComponentInstanceTypeId,
    ComponentValType,
};
use wasmparser::names::KebabString;

use super::contract_types::{ContractTypes, short, stem};
use super::{CONTRACT, VERSION, line};

/// Maximum number of differences in one message. Between versions, nearly everything differs.
const NAMED_MAX: usize = 3;

/// Limit on compared values, members and functions. The whole contract takes a few thousand steps.
const STEPS_MAX: usize = 100_000;

/// Maximum nesting of a type that a message shows. Types share parts, so the full text could grow exponentially.
const SHOWN_DEPTH_MAX: usize = 4;

/// Returns the first differences. Only interfaces that the component uses are compared.
pub(super) fn differences(ours: &ContractTypes, theirs: &ContractTypes) -> Vec<String> {
    let mut comparison = Comparison { ours, theirs, seen: HashSet::new(), found: Vec::new(), steps: 0 };
    let mut other_versions = Vec::new();
    for (theirs_are, ours_are, imported) in
        [(&theirs.imports, &ours.imports, true), (&theirs.exports, &ours.exports, false)]
    {
        for (name, theirs) in theirs_are.iter().filter(|(name, _)| name.starts_with(CONTRACT)) {
            let same = ours_are.iter().find(|(our, _)| stem(our) == stem(name));
            match same {
                Some((_, ours)) => comparison.interface(short(name), *ours, *theirs, imported),
                None if imported => comparison.say(format!("it imports {name}, which this gateway does not have")),
                // Exports that the contract does not have are ignored.
                None => continue,
            }
            let version = name.split_once('@').map_or("", |(_, version)| version);
            if line(version) != line(VERSION) {
                other_versions.push(name.clone());
            }
        }
    }
    // Even if all types are equal, the linker does not link an interface of another version.
    if let Some(name) = other_versions.first().filter(|_| comparison.found.is_empty()) {
        comparison.found.push(format!("built against {name}"));
    }
    comparison.found
}

struct Comparison<'s> {
    ours: &'s ContractTypes,
    theirs: &'s ContractTypes,
    /// Pairs of types that were compared. Types are shared, so following every path could take exponential time.
    seen: HashSet<(ComponentDefinedTypeId, ComponentDefinedTypeId)>,
    found: Vec<String>,
    steps: usize,
}

impl Comparison<'_> {
    /// Counts a step. Returns `false` if the comparison must end.
    fn may_continue(&mut self) -> bool {
        self.steps += 1;
        if self.steps == STEPS_MAX {
            self.found.insert(0, "its contract types are too many to compare".to_owned());
            self.found.truncate(NAMED_MAX);
        }
        self.steps < STEPS_MAX
    }

    fn say(&mut self, difference: String) {
        // Names in the component can be long.
        let difference = brief(&difference);
        if self.found.len() < NAMED_MAX && !self.found.contains(&difference) {
            self.found.push(difference);
        }
    }

    /// Compares an interface. A component may import some of its functions, but must export all of them.
    fn interface(
        &mut self,
        name: &str,
        ours: ComponentInstanceTypeId,
        theirs: ComponentInstanceTypeId,
        imported: bool,
    ) {
        let (ours, theirs) = (&self.ours.types[ours].exports, &self.theirs.types[theirs].exports);
        let needed = if imported { theirs } else { ours };
        for (function, item) in needed {
            if !self.may_continue() {
                return;
            }
            let ComponentEntityType::Func(_) = item.ty else { continue };
            let sides = (ours.get(function).map(|item| item.ty), theirs.get(function).map(|item| item.ty));
            match sides {
                (Some(ComponentEntityType::Func(ours)), Some(ComponentEntityType::Func(theirs))) => {
                    let (ours, theirs) = (&self.ours.types[ours], &self.theirs.types[theirs]);
                    self.function(&format!("`{function}` of `{name}`"), ours, theirs);
                }
                (Some(_), _) => self.say(format!("the plugin lacks function `{function}` of `{name}`")),
                (None, _) => self.say(format!("this gateway has no function `{function}` in `{name}`")),
            }
        }
    }

    /// Compares functions. As in the linker, names of parameters do not matter.
    fn function(&mut self, place: &str, ours: &ComponentFuncType, theirs: &ComponentFuncType) {
        let (here, there) = (ours.params.len(), theirs.params.len());
        if here != there {
            self.say(format!(
                "function {place} takes {} in this gateway, {there} in the plugin",
                counted(here, "parameter")
            ));
            return;
        }
        if ours.async_ != theirs.async_ {
            let side = if ours.async_ { "this gateway" } else { "the plugin" };
            self.say(format!("function {place} is async only in {side}"));
        }
        for ((name, ours), (_, theirs)) in ours.params.iter().zip(&theirs.params) {
            self.value(&format!("parameter `{name}` of {place}"), *ours, *theirs);
        }
        self.payload(&format!("the result of {place}"), ours.result, theirs.result);
    }

    fn payload(&mut self, place: &str, ours: Option<ComponentValType>, theirs: Option<ComponentValType>) {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => self.value(place, ours, theirs),
            (None, None) => {}
            (ours, theirs) => {
                let (ours, theirs) = (shown(self.ours, ours), shown(self.theirs, theirs));
                self.say(format!("{place} is {ours} in this gateway, {theirs} in the plugin"));
            }
        }
    }

    fn value(&mut self, place: &str, ours: ComponentValType, theirs: ComponentValType) {
        if !self.may_continue() {
            return;
        }
        match (ours, theirs) {
            (ComponentValType::Type(ours), ComponentValType::Type(theirs)) => self.defined(place, ours, theirs),
            (ours, theirs) => {
                let (here, there) = (shown(self.ours, Some(ours)), shown(self.theirs, Some(theirs)));
                if here != there {
                    self.say(format!("{place} is {here} in this gateway, {there} in the plugin"));
                }
            }
        }
    }

    fn defined(&mut self, place: &str, our_id: ComponentDefinedTypeId, their_id: ComponentDefinedTypeId) {
        use ComponentDefinedType as T;
        if !self.seen.insert((our_id, their_id)) {
            return;
        }
        let name = self.ours.name(our_id).map(|(interface, name)| format!("`{name}` of `{interface}`"));
        let named = |kind: &str| name.as_ref().map_or_else(|| place.to_owned(), |name| format!("{kind} {name}"));
        let (ours, theirs) = (&self.ours.types[our_id], &self.theirs.types[their_id]);
        match (ours, theirs) {
            (T::Primitive(here), T::Primitive(there)) => {
                let (here, there) = (ComponentValType::Primitive(*here), ComponentValType::Primitive(*there));
                self.value(place, here, there);
            }
            (T::Record(ours), T::Record(theirs)) => {
                let place = named("record");
                self.members(&place, "field", ours.fields.keys(), theirs.fields.keys());
                for (field, ours) in &ours.fields {
                    if let Some(theirs) = theirs.fields.get(field) {
                        self.value(&format!("field `{field}` of {place}"), *ours, *theirs);
                    }
                }
            }
            (T::Variant(ours), T::Variant(theirs)) => {
                let place = named("variant");
                self.members(&place, "case", ours.cases.keys(), theirs.cases.keys());
                for (case, ours) in &ours.cases {
                    if let Some(theirs) = theirs.cases.get(case) {
                        self.payload(&format!("case `{case}` of {place}"), ours.ty, theirs.ty);
                    }
                }
            }
            (T::Enum(ours), T::Enum(theirs)) => self.members(&named("enum"), "case", ours.iter(), theirs.iter()),
            (T::Flags(ours), T::Flags(theirs)) => self.members(&named("flags"), "flag", ours.iter(), theirs.iter()),
            (T::List { element: ours, .. }, T::List { element: theirs, .. })
            | (T::Option { ty: ours, .. }, T::Option { ty: theirs, .. }) => self.value(place, *ours, *theirs),
            (T::Tuple(ours), T::Tuple(theirs)) if ours.types.len() == theirs.types.len() => {
                for (ours, theirs) in ours.types.iter().zip(&theirs.types) {
                    self.value(place, *ours, *theirs);
                }
            }
            (T::Result { ok, err, .. }, T::Result { ok: their_ok, err: their_err, .. }) => {
                self.payload(place, *ok, *their_ok);
                self.payload(&format!("the error of {place}"), *err, *their_err);
            }
            // The contract does not use other kinds of types, and the linker compares them.
            (ours, theirs) if std::mem::discriminant(ours) == std::mem::discriminant(theirs) => {}
            _ => {
                let (here, there) = (ComponentValType::Type(our_id), ComponentValType::Type(their_id));
                let (here, there) = (shown(self.ours, Some(here)), shown(self.theirs, Some(there)));
                self.say(format!("{place} is {here} in this gateway, {there} in the plugin"));
            }
        }
    }

    fn members<'n>(
        &mut self,
        place: &str,
        kind: &str,
        ours: impl Iterator<Item = &'n KebabString>,
        theirs: impl Iterator<Item = &'n KebabString>,
    ) {
        let (ours, theirs): (Vec<_>, Vec<_>) = (ours.collect(), theirs.collect());
        if ours == theirs {
            return;
        }
        let (here, there): (HashSet<_>, HashSet<_>) = (ours.iter().collect(), theirs.iter().collect());
        let gained: Vec<_> = ours.iter().filter(|name| !there.contains(name)).take(NAMED_MAX).collect();
        let lost: Vec<_> = theirs.iter().filter(|name| !here.contains(name)).take(NAMED_MAX).collect();
        for name in &gained {
            self.say(format!("the plugin lacks {kind} `{name}` of {place}"));
        }
        for name in &lost {
            self.say(format!("this gateway lacks {kind} `{name}` of {place}"));
        }
        if gained.is_empty() && lost.is_empty() {
            self.say(format!("{place} has its {kind}s in another order"));
        }
    }
}

/// Formats a type as in WIT.
fn shown(side: &ContractTypes, value: Option<ComponentValType>) -> String {
    shown_within(side, value, SHOWN_DEPTH_MAX)
}

fn shown_within(side: &ContractTypes, value: Option<ComponentValType>, depth: usize) -> String {
    use ComponentDefinedType as T;
    let id = match value {
        None => return "nothing".to_owned(),
        Some(ComponentValType::Primitive(primitive)) => return primitive.to_string(),
        Some(ComponentValType::Type(id)) => id,
    };
    if let Some((_, name)) = side.name(id) {
        return name.clone();
    }
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    let inner = |value| shown_within(side, value, depth);
    match &side.types[id] {
        T::Primitive(primitive) => primitive.to_string(),
        T::List { element, .. } => format!("list<{}>", inner(Some(*element))),
        T::Option { ty, .. } => format!("option<{}>", inner(Some(*ty))),
        T::Result { ok, err, .. } => format!("result<{}, {}>", inner(*ok), inner(*err)),
        T::Tuple(tuple) => format!("a tuple of {}", tuple.types.len()),
        T::Record(_) => "a record".to_owned(),
        T::Variant(_) => "a variant".to_owned(),
        T::Enum(_) => "an enum".to_owned(),
        T::Flags(_) => "flags".to_owned(),
        _ => "another type".to_owned(),
    }
}

fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
