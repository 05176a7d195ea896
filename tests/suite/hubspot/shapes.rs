//! Checks requests to HubSpot and its answers against HubSpot's published schemas.

use frontgate_tests::hubspot::{Call, Exchange};
use jsonschema::Validator;
use serde_json::{Value, json};
use url::Url;

/// The known query parameters of each call.
const PARAMETERS: [(Call, &[&str]); 6] = [
    (Call::Contacts, &["properties", "propertiesWithHistory", "associations", "archived", "limit", "after"]),
    (Call::ReadContacts, &["archived"]),
    (Call::Contact, &["properties", "propertiesWithHistory", "associations", "archived", "idProperty"]),
    (Call::ReadCall, &["properties", "propertiesWithHistory", "associations", "archived", "idProperty"]),
    (Call::Owners, &["email", "after", "limit", "archived"]),
    (Call::Owner, &["idProperty", "archived"]),
];

/// Asserts that every exchange matches its schema.
pub(super) fn assert_match(exchanges: &[Exchange]) {
    let shape = |name: &str| validator(name);
    let error = shape("error");
    let requests = [
        (Call::Search, shape("search")),
        (Call::SearchCalls, shape("search")),
        (Call::ReadContacts, shape("batch_read")),
        (Call::CreateCall, shape("new_call")),
    ];
    let answers = [
        (Call::Search, shape("found")),
        (Call::SearchCalls, shape("found")),
        (Call::Contacts, shape("records")),
        (Call::ReadContacts, shape("batch")),
        (Call::Contact, shape("record")),
        (Call::CreateCall, shape("record")),
        (Call::ReadCall, shape("record")),
        (Call::Owners, shape("owners")),
        (Call::Owner, shape("owner")),
    ];
    for exchange in exchanges {
        let fits = |validator: &Validator, value: &Value| {
            let problems: Vec<_> = validator.iter_errors(value).map(|problem| problem.to_string()).collect();
            assert!(problems.is_empty(), "{problems:?} in {exchange:#?}");
        };
        assert_ne!(exchange.call, Call::Unknown, "{exchange:#?}");
        if let Some((_, request)) = requests.iter().find(|(call, _)| *call == exchange.call) {
            fits(request, &exchange.request);
        }
        has_known_parameters(exchange);
        let answer = answers.iter().find(|(call, _)| *call == exchange.call).map(|(_, validator)| validator);
        match exchange.status {
            Some(200 | 201 | 207) => fits(answer.expect("a shape"), &exchange.answer),
            Some(_) if !exchange.answer.is_null() => fits(&error, &exchange.answer),
            _ => {}
        }
    }
}

fn validator(name: &str) -> Validator {
    let mut shapes: Value = serde_json::from_str(include_str!("shapes.json")).expect("JSON");
    shapes["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::validator_for(&shapes).expect("a schema")
}

fn has_known_parameters(exchange: &Exchange) {
    let url = Url::parse(&format!("http://hubspot{}", exchange.path)).expect("a URL");
    let known = PARAMETERS.iter().find(|(call, _)| *call == exchange.call).map_or(&[][..], |(_, known)| known);
    for (name, _) in url.query_pairs() {
        assert!(known.contains(&&*name), "the parameter {name} in {exchange:#?}");
    }
}
