//! Makes a test case for authors of plugins from a call of a dry run.

use frontgate_runtime::dry_run::{DryCall, DryEnd, DryResult};
use frontgate_runtime::{Function, LoadedPlugin};
use serde_json::{Map, Value, json};

use super::pseudonyms::Pseudonyms;

/// Returns why no case can be made of a call; `None` if one can.
pub(super) fn obstacle(call: &DryCall) -> Option<&'static str> {
    let is_held = |result: &DryResult| matches!(result, DryResult::Held);
    let failed = |result: &DryResult| matches!(result, DryResult::Failed(_));
    let results = || call.requests.iter().map(|request| &request.result);
    match &call.end {
        None | Some(DryEnd::Failed(_)) => Some("the call ended without an answer"),
        _ if call.is_cut => Some("the call did more than is recorded"),
        _ if results().any(is_held) => Some("the plugin wanted to change something, which a dry run does not allow"),
        _ if results().any(failed) => Some("a request of the plugin failed"),
        Some(_) => None,
    }
}

/// Returns the names of the parameters of a function of a live plugin.
pub(super) fn parameters(live: &LoadedPlugin, call: &DryCall) -> Option<Vec<String>> {
    let role = frontgate_contract::Role::ALL.into_iter().find(|role| call.function.starts_with(&format!("{role}.")))?;
    let functions = Function::all(live.pre.component(), role);
    let function = functions.into_iter().find(|function| function.full_name() == call.function)?;
    Some(function.parameters.into_iter().map(|(name, _)| name).collect())
}

/// Returns the case as the text of its file. Personal data is replaced; `None` if a number or an address remains. `reads_files`: whether the plugin may read a folder.
pub(super) fn case(call: &DryCall, parameters: &[String], reads_files: bool) -> Option<String> {
    let with = match (call.arguments.as_slice(), parameters) {
        ([only], [_]) => only.clone(),
        (arguments, names) => names.iter().cloned().zip(arguments.iter().cloned()).collect::<Map<_, _>>().into(),
    };
    let answer = match &call.end {
        Some(DryEnd::Error(error)) => json!({ "error": error }),
        Some(DryEnd::Answer(answer)) => json!({ "ok": answer }),
        Some(DryEnd::Failed(_)) | None => Value::Null,
    };
    let state: Map<String, Value> = call
        .state
        .iter()
        .map(|(key, value)| (key.clone(), frontgate_contract::json::of_bytes(value.clone())))
        .collect();
    let bodies: Vec<Option<Body>> = call.requests.iter().map(|request| Body::of(&request.result)).collect();
    let mut pseudonyms = Pseudonyms::default();
    pseudonyms.learn("", &with);
    call.customers.iter().for_each(|customer| pseudonyms.learn("", customer));
    call.requests.iter().for_each(|request| pseudonyms.learn_url(&request.url));
    for (key, value) in &state {
        pseudonyms.learn_addresses(&key.as_str().into());
        pseudonyms.learn("", &inner(value));
    }
    for body in bodies.iter().flatten() {
        match body {
            Body::Json(value) => pseudonyms.learn("", value),
            Body::Text(text) => pseudonyms.learn("text", &text.as_str().into()),
        }
    }
    // Other words of the answer are the plugin's own, or come from a file that the case does not have.
    for value in call.actions.iter().chain([&answer]) {
        if reads_files { pseudonyms.learn("", value) } else { pseudonyms.learn_addresses(value) }
    }

    let mut case = Map::new();
    case.insert("name".to_owned(), "recorded by the console".into());
    case.insert("call".to_owned(), (*call.function).into());
    case.insert("with".to_owned(), pseudonyms.value(&with));
    let exchanges = call.requests.iter().zip(&bodies).filter_map(|(request, body)| {
        let DryResult::Response { status, content_type, .. } = &request.result else { return None };
        let mut response = json!({ "status": status });
        match body {
            Some(Body::Json(value)) => response["json"] = pseudonyms.value(value),
            Some(Body::Text(text)) if !text.is_empty() => response["body"] = pseudonyms.text(text).into(),
            _ => {}
        }
        if let Some(kind) = content_type.as_ref().filter(|_| response.get("json").is_none()) {
            response["headers"] = json!({ "content-type": kind });
        }
        let request = json!({ "method": request.method.as_str(), "url": pseudonyms.url(&request.url) });
        Some(json!({ "request": request, "response": response }))
    });
    let exchanges: Vec<Value> = exchanges.collect();
    if !exchanges.is_empty() {
        case.insert("http".to_owned(), exchanges.into());
    }
    if !call.customers.is_empty() {
        case.insert("customers".to_owned(), call.customers.iter().map(|customer| pseudonyms.value(customer)).collect());
    }
    if !state.is_empty() {
        let replaced = state.iter().map(|(key, value)| (pseudonyms.text(key), stored(&pseudonyms, value)));
        case.insert("state".to_owned(), replaced.collect::<Map<_, _>>().into());
    }
    if !call.actions.is_empty() {
        case.insert("actions".to_owned(), call.actions.iter().map(|action| pseudonyms.value(action)).collect());
    }
    case.insert("answer".to_owned(), pseudonyms.value(&answer));
    let case = serde_json::to_string_pretty(&Value::Object(case)).expect("a case is JSON");
    (!pseudonyms.remain_in(&case)).then_some(case)
}

/// A recorded body.
enum Body {
    Json(Value),
    Text(String),
}

impl Body {
    fn of(result: &DryResult) -> Option<Self> {
        let DryResult::Response { body, .. } = result else { return None };
        Some(match serde_json::from_slice(body) {
            Ok(value) => Self::Json(value),
            Err(_) => Self::Text(String::from_utf8_lossy(body).into_owned()),
        })
    }
}

/// Returns the JSON in a stored text, or the value itself.
fn inner(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

/// Returns a stored value with its personal data replaced. JSON in a text stays JSON in a text.
fn stored(pseudonyms: &Pseudonyms, value: &Value) -> Value {
    match inner(value) {
        inner @ (Value::Object(_) | Value::Array(_)) => pseudonyms.value(&inner).to_string().into(),
        _ => pseudonyms.value(value),
    }
}
