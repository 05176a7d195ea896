//! Sends the forms of public quickstarts of Frontline's callbacks to the gateway, with the plugins that it ships.
//!
//! A form has exactly the fields that the repository's unit tests or README send, or that its code reads. Only names and
//! numbers are replaced, where a repository names people. The expected answers are those of the repository's own tests,
//! or of its code; comments name the differences.

mod integrators;
mod twilio_own;

use std::fmt::Write as _;

use frontgate_tests::{Gateway, Setup, Twilio};
use serde_json::Value;
use url::form_urlencoded;

type Form<'f> = &'f [(&'f str, &'f str)];

/// The company's own numbers.
const SMS: &str = "+1234567890";
const WHATSAPP: &str = "+14155550111";

/// The identity of a worker that most repositories use.
const DAVE: &str = "dave@example.com";

const CH: &str = "CH00000000000000000000000000000007";
const MB: &str = "MB00000000000000000000000000000007";

const TEMPLATES: &str = "
[[category]]
name = 'Meeting reminders'
[[category.template]]
text = 'Hi {customer.first_name}, this is {worker.name}.'
whatsapp_approved = true
";

/// An answer of the gateway.
enum Expected {
    /// Status 200 with exactly this JSON.
    Exactly(Value),
    /// Status 200 with at least these members. Lists have the same length.
    Like(Value),
    /// Status and error code.
    Error(u16, &'static str),
}

use Expected::{Error, Exactly, Like};

/// A gateway with the shipped plugins, and a simulator of Twilio.
struct Company {
    twilio: Twilio,
    gateway: Gateway,
}

impl Company {
    /// Starts a gateway whose customers are rows of id, name, phone, WhatsApp and owner.
    fn start(customers: &str, default_worker: &str) -> Self {
        let twilio = Twilio::start();
        let gateway = Setup::bundled(&format!("Id,Name,Phone,WhatsApp,Owner\n{customers}"))
            .twilio(&twilio)
            .file("templates.toml", TEMPLATES)
            .set("plugins.named.templates.files", "\"files\"")
            .set("plugins.named.templates.config.templates", "\"templates.toml\"")
            .set("plugins.named.numbers.config.sms", format!("{SMS:?}"))
            .set("plugins.named.numbers.config.whatsapp", format!("{WHATSAPP:?}"))
            .set("plugins.named.numbers.config.countries", "{ \"+44\" = { sms = \"+442079460199\" } }")
            .set("tenants.demo.twilio.default_worker", format!("{default_worker:?}"))
            .start();
        Self { twilio, gateway }
    }

    /// Sends each form to a callback, and compares the answer.
    fn assert(&self, cases: Vec<(&str, Form<'_>, Expected)>) {
        for (callback, form, expected) in cases {
            let answer = self.gateway.callback(callback, form);
            let mut shown = format!("{callback} ");
            form_urlencoded::Serializer::new(&mut shown).extend_pairs(form);
            let _ = write!(shown, ": {} {}", answer.status, answer.text);
            match expected {
                Exactly(json) => assert_eq!((answer.status, &answer.json), (200, &json), "{shown}"),
                Like(json) => assert!(answer.status == 200 && is_like(&answer.json, &json), "{json} in {shown}"),
                Error(status, code) => assert_eq!((answer.status, answer.code()), (status, code), "{shown}"),
            }
        }
    }

    /// Waits for a request that adds a worker to a conversation.
    fn wait_for_worker(&self, conversation: &str, identity: &str) {
        self.wait_for_field(&format!("/v1/Conversations/{conversation}/Participants"), "Identity", identity);
    }

    /// Waits for a request with a field.
    fn wait_for_field(&self, path: &str, name: &str, value: &str) {
        let has = |form: &[(String, String)]| form.iter().any(|(known, sent)| known == name && sent == value);
        self.twilio.wait_for(|state| {
            state.requests().iter().any(|sent| sent.method == "POST" && sent.path == path && has(&sent.form))
        });
    }
}

/// Returns whether a value has at least the members of another one.
fn is_like(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|actual| is_like(actual, value)))
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len() && actual.iter().zip(expected).all(|(actual, value)| is_like(actual, value))
        }
        _ => actual == expected,
    }
}
