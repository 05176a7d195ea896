//! Calls of a function by name with dynamic values, for the tools of plugin authors.

use frontgate_contract::Role;
use frontgate_contract::bindings::plugin_types;
use frontgate_contract::{CONTRACT, VERSION};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Type, Val};

use super::{Call, CallError, Outcome};
use crate::run::live_instance::LiveInstance;

/// A function of a role, as the component declares it.
pub struct Function {
    /// Role that contains the function.
    pub role: Role,
    /// Name in the contract.
    pub(crate) name: String,
    /// Names and types of the parameters.
    pub parameters: Vec<(String, Type)>,
    /// Type of the `ok` case of the result.
    pub answer: Option<Type>,
}

impl Function {
    /// Returns all functions of a role that a component exports.
    pub fn all(component: &Component, role: Role) -> Vec<Self> {
        let Some(ComponentItem::ComponentInstance(interface)) =
            component.get_export(None, interface(role)).map(|(item, _)| item)
        else {
            return Vec::new();
        };
        let exports = interface.exports(component.engine());
        let functions = exports.filter_map(|(name, item)| match item.ty {
            ComponentItem::ComponentFunc(function) => Some(Self::new(role, name, &function)),
            _ => None,
        });
        functions.collect()
    }

    /// Returns the name with the role, such as `crm.list-customers`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.role, self.name)
    }

    fn new(role: Role, name: &str, function: &ComponentFunc) -> Self {
        let parameters = function.params().map(|(name, kind)| (name.to_owned(), kind)).collect();
        let answer = function.results().next().and_then(|kind| match kind {
            Type::Result(result) => result.ok(),
            _ => None,
        });
        Self { role, name: name.to_owned(), parameters, answer }
    }
}

impl Call<'_> {
    /// Calls a function with arguments of the declared types, and returns the value of the `ok` case.
    pub async fn by_name(self, function: &Function, arguments: Vec<Val>) -> Result<Option<Val>, CallError> {
        let (role, name) = (function.role, function.name.clone());
        self.run(function.full_name(), async move |mut live| {
            let LiveInstance { store, instance, .. } = &mut *live;
            let function = instance
                .get_export_index(&mut *store, None, &interface(role))
                .and_then(|interface| instance.get_export_index(&mut *store, Some(&interface), &name))
                .and_then(|function| instance.get_func(&mut *store, function));
            let Some(function) = function else {
                return (live, Err(wasmtime::Error::msg(format!("it has no function {role}.{name}"))));
            };
            let mut answer = [Val::Bool(false)];
            let called = function.call_async(store, &arguments, &mut answer).await;
            let [answer] = answer;
            (live, called.and_then(|()| outcome(answer)))
        })
        .await
    }
}

fn interface(role: Role) -> String {
    format!("{CONTRACT}{role}@{VERSION}")
}

/// Converts a return value. Every function of the contract returns a `result` with the contract's `error`.
fn outcome(answer: Val) -> Outcome<Option<Val>> {
    let invalid = || wasmtime::Error::msg("result does not match the contract");
    match answer {
        Val::Result(Ok(value)) => Ok(Ok(value.map(|value| *value))),
        Val::Result(Err(Some(error))) => plugin_error(*error).map(Err).ok_or_else(invalid),
        _ => Err(invalid()),
    }
}

fn plugin_error(error: Val) -> Option<plugin_types::Error> {
    let Val::Variant(case, text) = error else { return None };
    let text = || match text.map(|text| *text) {
        Some(Val::String(text)) => Some(text),
        _ => None,
    };
    Some(match &*case {
        "not-found" => plugin_types::Error::NotFound,
        "forbidden" => plugin_types::Error::Forbidden(text()?),
        "invalid" => plugin_types::Error::Invalid(text()?),
        "unavailable" => plugin_types::Error::Unavailable(text()?),
        "failed" => plugin_types::Error::Failed(text()?),
        _ => return None,
    })
}
