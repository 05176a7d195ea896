//! A question as an author writes it: `crm.list-customers`, and JSON for what it is given.

use anyhow::{Context as _, bail};
use frontgate_contract::Role;
use frontgate_runtime::{CallError, Function};
use serde_json::{Map, Value, json};
use wasmtime::component::Val;

use super::bench::{Bench, Run, Setting};
use super::values;

/// One question to one plugin.
pub(super) struct Question {
    function: Function,
    arguments: Vec<Val>,
}

impl Question {
    /// Reads it, or says what there is instead.
    pub(super) fn read(bench: &Bench, name: &str, with: &Value) -> anyhow::Result<Self> {
        let known = functions(bench);
        let names = || known.iter().map(Function::full_name).collect::<Vec<_>>().join(", ");
        let found = known.iter().position(|function| function.full_name() == name);
        let index = found.with_context(|| format!("it has no `{name}`; it has: {}", names()))?;
        let function = known.into_iter().nth(index).context("it was just found")?;
        let arguments = arguments(&function, with).map_err(anyhow::Error::msg)?;
        Ok(Self { function, arguments })
    }

    /// Asks it; the answer is that of the WIT, or what ended the call.
    pub(super) async fn ask(self, bench: &Bench, setting: &Setting) -> Run<Value> {
        let Self { function, arguments } = self;
        let run = bench.ask(setting, function.role, async |call| call.by_name(&function, arguments).await).await;
        let result = match run.result {
            Ok(value) => Ok(match (&function.answer, value) {
                (Some(kind), Some(value)) => json!({ "ok": values::write(kind, &value) }),
                _ => json!({ "ok": null }),
            }),
            Err(error) => said(error),
        };
        Run { result, told: run.told, lines: run.lines }
    }

    /// An expected answer in the one way in which answers are written.
    pub(super) fn canonical(&self, expected: &Value) -> anyhow::Result<Value> {
        match (expected.as_object().and_then(|object| object.get("ok")), &self.function.answer) {
            (Some(ok), Some(kind)) => {
                let read = values::read(kind, ok, "answer.ok").map_err(anyhow::Error::msg)?;
                Ok(json!({ "ok": values::write(kind, &read) }))
            }
            (None, _) if expected.get("error").is_none() => {
                bail!("answer: expected {{\"ok\": ...}} or {{\"error\": ...}}, found {}", values::shown(expected))
            }
            _ => Ok(expected.clone()),
        }
    }
}

/// All that a plugin can be asked.
fn functions(bench: &Bench) -> Vec<Function> {
    let component = bench.live.pre.component();
    Role::ALL.into_iter().flat_map(|role| Function::all(component, role)).collect()
}

/// The value of the only parameter, or an object with one field for each.
fn arguments(function: &Function, with: &Value) -> Result<Vec<Val>, String> {
    if let [(name, kind)] = function.parameters.as_slice() {
        return Ok(vec![values::read(kind, with, name)?]);
    }
    let names: Vec<&str> = function.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let none = Map::new();
    let given = match with {
        Value::Object(given) => given,
        Value::Null => &none,
        _ => return Err(format!("expected an object with {}, found {}", names.join(", "), values::shown(with))),
    };
    if let Some(unknown) = given.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("there is no parameter `{unknown}`; there are: {}", names.join(", ")));
    }
    let value = |name: &String| given.get(name).unwrap_or(&Value::Null);
    function.parameters.iter().map(|(name, kind)| values::read(kind, value(name), name)).collect()
}

/// An error that is the plugin's own word is an answer.
fn said(error: CallError) -> Result<Value, CallError> {
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
