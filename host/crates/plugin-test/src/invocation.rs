//! A call in the form in which an author writes it: a function such as `crm.list-customers`, and arguments as JSON.

use anyhow::{Context as _, bail};
use frontgate_contract::Role;
use frontgate_runtime::{CallError, Function};
use serde_json::{Map, Value, json};
use wasmtime::component::Val;

use super::fixtures::Fixtures;
use super::harness::{CallOutcome, Harness};
use super::wit_json;

/// A function of the plugin, with arguments.
pub(super) struct Invocation {
    function: Function,
    arguments: Vec<Val>,
}

impl Invocation {
    /// Parses a call. If the function or a parameter is unknown, the error lists those that exist.
    pub(super) fn read(harness: &Harness, name: &str, with: &Value) -> anyhow::Result<Self> {
        let mut known = functions(harness);
        let names = || known.iter().map(Function::full_name).collect::<Vec<_>>().join(", ");
        let found = known.iter().position(|function| function.full_name() == name);
        let index = found.with_context(|| format!("unknown function `{name}`; the plugin has: {}", names()))?;
        let function = known.swap_remove(index);
        let arguments = arguments(&function, with).map_err(anyhow::Error::msg)?;
        Ok(Self { function, arguments })
    }

    /// Makes the call. Returns the answer as JSON, or the error that ended the call without an answer.
    pub(super) async fn run(self, harness: &Harness, fixtures: &Fixtures) -> CallOutcome<Value> {
        let Self { function, arguments } = self;
        let record = harness.call(fixtures, function.role, async |call| call.by_name(&function, arguments).await).await;
        let result = match record.result {
            Ok(value) => Ok(match (&function.answer, value) {
                (Some(kind), Some(value)) => json!({ "ok": wit_json::write(kind, &value) }),
                _ => json!({ "ok": null }),
            }),
            Err(error) => contract_error(error),
        };
        CallOutcome { result, receipt: record.receipt, log: record.log, actions: record.actions }
    }

    /// Converts an expected answer to the form in which answers are written.
    pub(super) fn canonical(&self, expected: &Value) -> anyhow::Result<Value> {
        match (expected.as_object().and_then(|object| object.get("ok")), &self.function.answer) {
            (Some(ok), Some(kind)) => {
                let read = wit_json::read(kind, ok, "answer.ok").map_err(anyhow::Error::msg)?;
                Ok(json!({ "ok": wit_json::write(kind, &read) }))
            }
            (None, _) if expected.get("error").is_none() => {
                bail!("answer: expected {{\"ok\": ...}} or {{\"error\": ...}}, found {}", wit_json::shown(expected))
            }
            _ => Ok(expected.clone()),
        }
    }
}

/// Returns all functions that a plugin exports.
fn functions(harness: &Harness) -> Vec<Function> {
    let component = harness.live.pre.component();
    Role::ALL.into_iter().flat_map(|role| Function::all(component, role)).collect()
}

/// Reads the value of the only parameter, or an object with one field for each parameter.
fn arguments(function: &Function, with: &Value) -> Result<Vec<Val>, String> {
    if let [(name, kind)] = function.parameters.as_slice() {
        return Ok(vec![wit_json::read(kind, with, name)?]);
    }
    let names: Vec<&str> = function.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let none = Map::new();
    let given = match with {
        Value::Object(given) => given,
        Value::Null => &none,
        _ => return Err(format!("expected an object with {}, found {}", names.join(", "), wit_json::shown(with))),
    };
    if let Some(unknown) = given.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("unknown parameter `{unknown}`; the function has: {}", names.join(", ")));
    }
    let value = |name: &String| given.get(name).unwrap_or(&Value::Null);
    function.parameters.iter().map(|(name, kind)| wit_json::read(kind, value(name), name)).collect()
}

/// Converts an error of the contract to an answer. Returns any other error, which ended the call, unchanged.
fn contract_error(error: CallError) -> Result<Value, CallError> {
    let (name, text) = match error {
        CallError::NotFound => return Ok(json!({ "error": "not-found" })),
        CallError::Forbidden(text) => ("forbidden", text),
        CallError::Invalid(text) => ("invalid", text),
        CallError::Unavailable(text) => ("unavailable", text),
        CallError::Failed(text) => ("failed", text),
        other => return Err(other),
    };
    Ok(json!({ "error": { name: text } }))
}
