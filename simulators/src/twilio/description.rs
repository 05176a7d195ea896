//! Twilio's published description of the Conversations API and of the Content API: finds requests and responses that deviate from it.
//!
//! Twilio ignores unknown fields, so a misspelt one goes unnoticed until its effect is missed. The description is in
//! `simulators/openapi/twilio`; its README names the source.

mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::twilio::description::schema::{Schema, Schemas};

static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    let read = |json: &str| serde_json::from_str::<Description>(json).expect("a valid description");
    let mut all = read(include_str!("../../openapi/twilio/conversations_v1.json"));
    let contents = read(include_str!("../../openapi/twilio/content_v1.json"));
    all.paths.extend(contents.paths);
    all.components.schemas.extend(contents.components.schemas);
    all
});

/// Names and values.
type Pairs = Vec<(String, String)>;

/// A request or a response that Twilio's description does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// `GET`, `POST`, `DELETE`, ...
    pub method: String,
    /// The path of the request, without the query.
    pub path: String,
    /// The part that deviates, and the reason.
    pub fault: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.method, self.path, self.fault)
    }
}

/// The parts of a request that the description covers.
pub(crate) struct Sent<'r> {
    pub(crate) method: &'r str,
    /// Percent-encoded, as sent.
    pub(crate) path: &'r str,
    pub(crate) query: &'r [(String, String)],
    /// The headers whose names begin with `x-twilio-`.
    pub(crate) headers: &'r [(String, String)],
    pub(crate) body: SentBody<'r>,
}

/// The body of a request.
pub(crate) enum SentBody<'r> {
    /// The connection was closed before the body was read.
    Unread,
    /// Fields, or none if the body is empty.
    Form(&'r [(String, String)]),
    /// A body of another media type.
    Other(&'r str),
}

/// Returns the deviations of a request.
pub(crate) fn request(sent: &Sent<'_>) -> Vec<Deviation> {
    let faults = match DESCRIPTION.operation(sent.method, sent.path) {
        Ok((operation, values)) => DESCRIPTION.request(operation, &values, sent),
        Err(fault) => vec![fault.to_owned()],
    };
    deviations(sent.method, sent.path, faults)
}

/// Returns the deviations of a response with a status below 400. The description does not cover errors.
pub(crate) fn response(method: &str, path: &str, status: u16, body: &[u8]) -> Vec<Deviation> {
    // The request was reported already.
    let Ok((operation, _)) = DESCRIPTION.operation(method, path) else { return Vec::new() };
    deviations(method, path, DESCRIPTION.response(operation, status, body))
}

fn deviations(method: &str, path: &str, faults: Vec<String>) -> Vec<Deviation> {
    let deviation = |fault| Deviation { method: method.to_owned(), path: path.to_owned(), fault };
    faults.into_iter().map(deviation).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// Operations by path template and method in lower case.
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
    components: Components,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Components {
    schemas: Schemas,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Operation {
    #[serde(default)]
    parameters: Vec<Parameter>,
    request_body: Option<Body>,
    /// Bodies by status.
    responses: BTreeMap<String, Body>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    name: String,
    #[serde(rename = "in")]
    part: Part,
    #[serde(default)]
    required: bool,
    schema: Schema,
}

/// The part of a request that has a parameter.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Part {
    Path,
    Query,
    Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Schemas by media type. Empty for a body without content.
    #[serde(default)]
    content: BTreeMap<String, Content>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    schema: Schema,
}

impl Body {
    fn schema(&self) -> Option<&Schema> {
        self.content.values().next().map(|content| &content.schema)
    }
}

/// A field that a part of a request may have.
struct Field<'d> {
    name: &'d str,
    required: bool,
    schema: &'d Schema,
}

impl Description {
    /// Finds the operation of a request, and the decoded parameters of its path.
    fn operation(&self, method: &str, path: &str) -> Result<(&Operation, Pairs), &'static str> {
        let matches = self.paths.iter().filter_map(|(template, item)| Some((item, parameters(template, path)?)));
        // A literal segment takes precedence over a parameter.
        let (item, values) = matches.min_by_key(|(_, values)| values.len()).ok_or("unknown path")?;
        let operation = item.get(&method.to_ascii_lowercase()).ok_or("unknown method of this path")?;
        Ok((operation, values))
    }

    fn request(&self, operation: &Operation, path: &[(String, String)], sent: &Sent<'_>) -> Vec<String> {
        let schemas = &self.components.schemas;
        let mut faults = Vec::new();
        for (part, label, values) in [
            (Part::Path, "path parameter", path),
            (Part::Query, "query parameter", sent.query),
            (Part::Header, "header", sent.headers),
        ] {
            let parameters = operation.parameters.iter().filter(|parameter| parameter.part == part);
            let fields =
                parameters.map(|Parameter { name, required, schema, .. }| Field { name, required: *required, schema });
            check(schemas, label, &fields.collect::<Vec<_>>(), values, &mut faults);
        }
        match sent.body {
            SentBody::Unread => {}
            SentBody::Other(media_type) => faults.push(format!("body: {media_type} instead of a form")),
            SentBody::Form(form) => {
                let schema = operation.request_body.as_ref().and_then(Body::schema);
                let fields = schema.map(Schema::fields).unwrap_or_default();
                let fields = fields.into_iter().map(|(name, required, schema)| Field { name, required, schema });
                check(schemas, "field", &fields.collect::<Vec<_>>(), form, &mut faults);
            }
        }
        faults
    }

    fn response(&self, operation: &Operation, status: u16, body: &[u8]) -> Vec<String> {
        let Some(described) = operation.responses.get(&status.to_string()) else {
            return vec![format!("response: unknown status {status}")];
        };
        let Some(schema) = described.schema() else {
            return if body.is_empty() { Vec::new() } else { vec!["response: unexpected body".to_owned()] };
        };
        let mut faults = Vec::new();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => schema.check(&self.components.schemas, &value, "response", &mut faults),
            Err(error) => faults.push(format!("response: invalid JSON: {error}")),
        }
        faults
    }
}

/// Checks the values of one part of a request.
fn check(schemas: &Schemas, label: &str, fields: &[Field<'_>], values: &[(String, String)], faults: &mut Vec<String>) {
    for Field { name, .. } in fields.iter().filter(|field| field.required) {
        if values.iter().all(|(known, _)| known != name) {
            faults.push(format!("{label} {name}: missing"));
        }
    }
    for (index, (name, value)) in values.iter().enumerate() {
        // Names of headers are in lower case here, and mixed case in the description.
        let Some(field) = fields
            .iter()
            .find(|field| field.name == name || (label == "header" && field.name.eq_ignore_ascii_case(name)))
        else {
            faults.push(format!("{label} {name}: unknown"));
            continue;
        };
        if !field.schema.is_array() && values[..index].iter().any(|(earlier, _)| earlier == name) {
            faults.push(format!("{label} {name}: repeated"));
        }
        field.schema.check_text(schemas, value, &format!("{label} {name}"), faults);
    }
}

/// Matches a path with a template such as `/v1/Services/{Sid}`. Returns the names and decoded values of its parameters.
fn parameters(template: &str, path: &str) -> Option<Pairs> {
    let (expected, segments) = (template.split('/'), path.split('/'));
    if expected.clone().count() != segments.clone().count() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, segment) in expected.zip(segments) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => {
                values.push((name.to_owned(), percent_decode_str(segment).decode_utf8_lossy().into_owned()));
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::fault::Kind as _;
    use crate::twilio::fault::Call;
    use crate::twilio::rest::Place;

    #[test]
    fn every_route_of_the_simulator_is_described() {
        let calls: Vec<_> = DESCRIPTION
            .paths
            .iter()
            .flat_map(|(path, item)| item.keys().map(move |method| Place::find(&method.to_uppercase(), path).call))
            .collect();
        for (name, call) in Call::NAMED.iter().filter(|(_, call)| call.is_described() && *call != Call::Any) {
            assert!(calls.contains(call), "{name} is not in Twilio's description");
        }
    }
}
