//! Tests the Twilio simulator without a gateway, for the behavior on which other tests rely.

mod addresses;
mod channel;
mod description;
mod faults;
mod media;
mod messages;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use frontgate_tests::{Authorization, ConversationState, Effect, Initializing, PUBLIC_URL, TOKEN, Twilio, sign};
use parking_lot::Mutex;
use serde_json::{Value, json};
use ureq::http::Request;
use url::form_urlencoded;

use crate::listener::{self, Raw};

const ANA: &str = "ana@example.org";
const CUSTOMER: &str = "+15550100001";
const OTHER: &str = "+15550100002";
const NUMBER: &str = "+15550109999";
pub(crate) const KEY: (&str, &str) = (Twilio::API_KEY_SID, Twilio::API_KEY_SECRET);
const ADDRESS: &str = "MessagingBinding.Address";
const PROXY: &str = "MessagingBinding.ProxyAddress";
const PROJECTED: &str = "MessagingBinding.ProjectedAddress";

pub(crate) type Form<'f> = &'f [(&'f str, &'f str)];

/// The status and body, or the error that ended the exchange.
type Outcome = Result<(u16, Value), String>;

#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) fn new(twilio: &Twilio, (user, secret): (&str, &str)) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = agent.max_redirects_will_error(false).allow_non_standard_methods(true);
        let agent = agent.timeout_global(Some(Duration::from_secs(20))).build().into();
        let credentials = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{user}:{secret}"));
        let headers = vec![("authorization", format!("Basic {credentials}"))];
        Self { agent, url: twilio.url().to_owned(), headers }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn send(&self, method: &str, path: &str, form: Form<'_>) -> Outcome {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let mut response = self.agent.run(request.body(body).expect("a request")).map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let retry = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let mut json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if let Some(retry) = retry {
            json["retry-after"] = retry.into();
        }
        Ok((response.status().as_u16(), json))
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, &[]).expect("an answer")
    }

    pub(crate) fn post(&self, path: &str, form: Form<'_>) -> (u16, Value) {
        self.send("POST", path, form).expect("an answer")
    }

    /// Returns the status and Twilio's error code.
    fn code(&self, path: &str, form: Form<'_>) -> (u16, u64) {
        let (status, body) = self.post(path, form);
        (status, body["code"].as_u64().unwrap_or_default())
    }
}

fn twilio() -> (Twilio, Client) {
    let twilio = Twilio::start();
    let client = Client::new(&twilio, KEY);
    (twilio, client)
}

fn messages(sid: &str) -> String {
    format!("/v1/Conversations/{sid}/Messages")
}

fn participants(sid: &str) -> String {
    format!("/v1/Conversations/{sid}/Participants")
}

/// A received webhook.
#[derive(Clone)]
struct Got {
    path: String,
    headers: String,
    form: Vec<(String, String)>,
}

impl Got {
    fn read(Raw { path, headers, body, .. }: Raw) -> Self {
        Self { path, headers, form: form_urlencoded::parse(&body).into_owned().collect() }
    }

    fn event(&self) -> &str {
        self.form.iter().find(|(name, _)| name == "EventType").map_or("routing", |(_, value)| value)
    }
}

/// Receives webhooks, and responds with `answer`; for `None`, Twilio waits until it times out.
fn listen(
    answer: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<Got>>>) {
    listener::listen(Got::read, move |got| answer(got.event()))
}

fn fine(_: &str) -> Option<(u16, String)> {
    Some((200, "{}".to_owned()))
}

fn events(twilio: &Twilio) -> Vec<String> {
    twilio.webhooks().into_iter().map(|fired| fired.event).collect()
}

/// Starts a simulator whose webhooks get the response of `answer`.
fn pointed(answer: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static) -> (Twilio, Arc<Mutex<Vec<Got>>>) {
    let (address, got) = listen(answer);
    let twilio = Twilio::start();
    twilio.point_at(address, PUBLIC_URL, "/demo", TOKEN);
    (twilio, got)
}

#[test]
fn webhooks_by_get_have_their_fields_in_the_signed_query() {
    let (twilio, got) = pointed(fine);
    Client::new(&twilio, KEY).post("/v1/Configuration/Webhooks", &[("Method", "GET")]);
    twilio.custom_routing(false);
    twilio.inbound_sms(CUSTOMER, NUMBER, "hello").expect("no webhook rejects it");
    let Got { path, headers, form } = got.lock()[0].clone();
    assert!(form.is_empty() && path.contains('?') && path.contains("EventType=onConversationAdd"), "{path}");
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &[]);
    assert!(headers.contains(&format!("x-twilio-signature: {signature}")), "{headers}");
}

#[test]
fn requests_without_valid_credentials_are_rejected() {
    let (twilio, client) = twilio();
    let body = json!({
        "code": 20003, "message": "Authenticate", "more_info": "https://www.twilio.com/docs/errors/20003", "status": 401
    });
    let (wrong, missing) = (Client::new(&twilio, (KEY.0, "wrong")), Client { headers: Vec::new(), ..client.clone() });
    assert_eq!(wrong.post("/v1/Conversations", &[]), (401, body.clone()));
    assert_eq!(missing.post("/v1/Conversations", &[]), (401, body));
    assert_eq!(client.post("/v1/Conversations", &[]).0, 201);
    let token = Client::new(&twilio, (Twilio::ACCOUNT_SID, Twilio::AUTH_TOKEN));
    assert_eq!(token.post(&format!("/v1/Services/{}/Conversations", Twilio::SERVICE_SID), &[]).0, 201);
    assert_eq!(token.post("/v1/Services/IS00000000000000000000000000000000/Conversations", &[]).0, 404);
    let kinds: Vec<_> = twilio.requests().into_iter().map(|request| request.authorization).collect();
    use Authorization::{ApiKey, AuthToken, Missing, Wrong};
    assert_eq!(kinds, [Wrong, Missing, ApiKey, AuthToken, AuthToken]);
    assert_eq!(twilio.effects().len(), 2);
}

#[test]
fn a_worker_is_added_once_found_by_identity_and_removed() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "planted text").expect("no webhook rejects it");
    let (status, added) = client.post(&participants(&sid), &[("Identity", ANA)]);
    assert_eq!((status, &added["identity"], &added["attributes"]), (201, &ANA.into(), &"{}".into()));
    assert_eq!((&added["messaging_binding"], &added["conversation_sid"]), (&Value::Null, &sid.as_str().into()));
    assert_eq!(client.code(&participants(&sid), &[("Identity", ANA)]), (409, 50433));
    let path = format!("{}/ana%40example.org", participants(&sid));
    assert_eq!(client.get(&path), (200, added.clone()));
    let found = client.get("/v1/ParticipantConversations?Identity=ana%40example.org").1;
    assert_eq!(found["conversations"][0]["conversation_sid"], sid.as_str());
    let effects = [
        Effect::WorkerAdded { conversation: sid.clone(), identity: ANA.to_owned() },
        Effect::ParticipantRemoved {
            conversation: sid.clone(),
            participant: added["sid"].as_str().unwrap_or("").into(),
        },
    ];
    assert_eq!(client.send("DELETE", &path, &[]), Ok((204, "".into())));
    assert_eq!((client.get(&path).0, client.get(&participants("CH1")).1["code"].as_u64()), (404, Some(20404)));
    assert_eq!(twilio.effects(), effects);
    let connections: Vec<_> = twilio.requests().iter().map(|request| request.connection).collect();
    assert!(connections.iter().all(|connection| *connection == 1), "{connections:?}");
}

#[test]
fn attributes_are_limited_json_and_replace_the_previous_ones() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "planted text").expect("no webhook rejects it");
    let customer = twilio.conversation(&sid).participants[0].sid.clone();
    let path = format!("{}/{customer}", participants(&sid));
    let (long, name) = (format!("\"{}\"", "x".repeat(4095)), "x".repeat(257));
    for attributes in ["{not json", &long] {
        assert_eq!(client.code(&path, &[("Attributes", attributes)]), (400, 50306));
    }
    let attributes = json!({ "customer_id": "c-7", "display_name": "Mora Lind" });
    let (status, updated) = client.post(&path, &[("Attributes", &attributes.to_string())]);
    assert_eq!((status, &updated["attributes"]), (200, &attributes.to_string().into()));
    let binding = json!({ "type": "sms", "address": CUSTOMER, "proxy_address": NUMBER, "projected_address": null });
    assert_eq!(updated["messaging_binding"], binding);
    let conversation = format!("/v1/Conversations/{sid}");
    assert_eq!(client.code(&conversation, &[("FriendlyName", &name)]).0, 400);
    assert_eq!(client.post(&conversation, &[("FriendlyName", "Mora Lind")]).1["friendly_name"], "Mora Lind");
    assert_eq!(client.get(&conversation).1["attributes"], "{}");
    let friendly_name = "Mora Lind".to_owned();
    let effects = [
        Effect::AttributesSet { conversation: sid.clone(), participant: customer, attributes: attributes.clone() },
        Effect::NameSet { conversation: sid.clone(), friendly_name },
    ];
    assert_eq!(twilio.effects(), effects);
    assert_eq!(twilio.conversation(&sid).participant(CUSTOMER).map(|known| &known.attributes), Some(&attributes));
}

#[test]
fn invalid_participants_are_rejected_as_by_twilio() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "planted text").expect("no webhook rejects it");
    let path = participants(&sid);
    let long = "x".repeat(257);
    let table: [(Form<'_>, (u16, u64)); 5] = [
        (&[], (400, 20001)),
        (&[("Identity", ANA), (ADDRESS, OTHER)], (400, 20001)),
        (&[("Identity", &long)], (400, 20001)),
        (&[(ADDRESS, CUSTOMER), (PROXY, NUMBER)], (409, 50416)),
        (&[(ADDRESS, NUMBER), (PROXY, NUMBER)], (400, 50407)),
    ];
    for (form, refusal) in table {
        assert_eq!(client.code(&path, form), refusal, "{form:?}");
    }
    twilio.participants_max(2, 1);
    assert_eq!(client.code(&path, &[(ADDRESS, OTHER), (PROXY, NUMBER)]), (400, 50422));
    assert_eq!(client.code(&path, &[("Identity", ANA)]).0, 201);
    assert_eq!(client.code(&path, &[("Identity", "bo@example.org")]), (400, 50417));
    assert_eq!(client.code(&format!("/v1/Conversations/{sid}"), &[("State", "closed")]).0, 200);
    assert_eq!(client.code(&path, &[("Identity", "bo@example.org")]), (409, 50377));
    let again = twilio.inbound_sms(CUSTOMER, NUMBER, "Hello again").expect("no webhook rejects it");
    assert_ne!(again, sid, "the pair is free again");
}

#[test]
fn lists_are_paged() {
    let (twilio, client) = twilio();
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "planted text").expect("no webhook rejects it");
    for number in 0..4 {
        client.post(&participants(&sid), &[("Identity", &format!("worker {number}"))]);
    }
    let mut next = format!("{}?PageSize=2", participants(&sid));
    let mut sizes = Vec::new();
    loop {
        let (status, page) = client.get(&next);
        assert_eq!((status, &page["meta"]["key"]), (200, &"participants".into()));
        sizes.push(page["participants"].as_array().map_or(0, Vec::len));
        let Some(url) = page["meta"]["next_page_url"].as_str() else { break };
        url.clone_into(&mut next);
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(client.get(&format!("{}?PageSize=101", participants(&sid))).0, 400);
    assert_eq!(twilio.take_deviations().len(), 1);
}

#[test]
fn an_sms_fires_signed_webhooks_in_order() {
    let (twilio, got) = pointed(fine);
    let sid = twilio.inbound_sms(CUSTOMER, NUMBER, "planted text").expect("no webhook rejects it");
    let order = ["onConversationAdd", "onConversationAdded", "onParticipantAdded", "onMessageAdd", "onMessageAdded"];
    assert_eq!(events(&twilio), [&order[..], &["routing"]].concat());
    for got in got.lock().iter() {
        let form: Vec<_> = got.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let signature = sign(TOKEN, &format!("{PUBLIC_URL}{}", got.path), &form);
        for line in
            [&format!("x-twilio-signature: {signature}"), "host: gw.example.org", "i-twilio-idempotency-token: "]
        {
            assert!(got.headers.contains(line), "{line} is not in\n{}", got.headers);
        }
        let name = if got.event() == "routing" { "routing" } else { "conversations" };
        assert_eq!(got.path, format!("/demo/callbacks/{name}"));
        let sids = got.form.iter().filter(|(name, _)| name == "ConversationSid");
        assert_eq!(sids.count(), usize::from(got.event() != "onConversationAdd"));
    }
    assert_eq!(twilio.inbound_sms(CUSTOMER, NUMBER, "Hello?"), Ok(sid.clone()));
    assert_eq!(events(&twilio)[6..], ["onMessageAdd", "onMessageAdded"]);
    assert_eq!(twilio.conversation(&sid).messages.len(), 2);
    twilio.filters(&["onParticipantAdded"]);
    twilio.inbound_whatsapp(OTHER, NUMBER, "planted text").expect("no webhook rejects it");
    assert_eq!(events(&twilio)[8..], ["onParticipantAdded", "routing"]);
    let (webhooks, address) = (twilio.webhooks(), format!("whatsapp:{OTHER}"));
    let joined = &webhooks[8];
    let fields = [ADDRESS, "MessagingBinding.Type", "Source"].map(|name| joined.field(name).unwrap_or_default());
    assert_eq!(fields, [address.as_str(), "whatsapp", "WHATSAPP"]);
}

#[test]
fn answers_to_pre_events_can_change_and_reject() {
    let answer: Arc<Mutex<Option<(u16, String)>>> = Arc::default();
    let answers = Arc::clone(&answer);
    let (twilio, _) = pointed(move |event| match event {
        "onConversationAdd" => answers.lock().clone(),
        "onMessageAdd" => Some((200, r#"{"body":"Hi"}"#.to_owned())),
        _ => fine(event),
    });
    twilio.deadlines(Duration::from_millis(300), Duration::from_secs(6));
    let play = |number: u32, given: Option<(u16, &str)>| {
        *answer.lock() = given.map(|(status, body)| (status, body.to_owned()));
        let played = twilio.inbound_sms(&format!("+1555010{number:04}"), NUMBER, "planted text");
        let webhooks = twilio.webhooks();
        let asked =
            webhooks.iter().rev().find(|fired| fired.event == "onConversationAdd").expect("the event was fired");
        let name = played.map(|sid| twilio.conversation(&sid).friendly_name);
        (name.map_err(|rejection| rejection.status), asked.error.is_some(), asked.late)
    };
    let named = r#"{"friendly_name":"Mora Lind","attributes":"{\"avatar\":\"https://img.example.org/7.png\"}"}"#;
    assert_eq!(play(1, Some((200, named))), (Ok(Some("Mora Lind".to_owned())), false, false));
    assert_eq!(twilio.conversations()[0].attributes["avatar"], "https://img.example.org/7.png");
    assert_eq!(twilio.conversations()[0].messages[0].body, "Hi");
    assert_eq!(play(2, Some((200, ""))), (Ok(None), false, false));
    assert_eq!(play(3, Some((200, r#"{"attributes":{}}"#))), (Ok(None), true, false));
    assert_eq!(play(4, Some((200, "OK"))), (Ok(None), true, false));
    assert_eq!(play(5, Some((403, "{}"))), (Err(403), true, false));
    assert_eq!(play(6, Some((500, "{}"))), (Err(500), true, false));
    assert_eq!(play(7, None), (Ok(None), true, true));
    assert_eq!(twilio.conversations().len(), 5);
}

#[test]
fn a_group_mms_rejects_writes_until_it_is_active() {
    let (twilio, got) = pointed(fine);
    let client = Client::new(&twilio, KEY);
    twilio.initializing(Initializing::Refusals(3));
    let group = thread::scope(|scope| {
        let group = scope.spawn(|| twilio.group_mms(CUSTOMER, &[OTHER], NUMBER, "planted text"));
        twilio.wait_for(|state| state.webhooks().iter().any(|fired| fired.event == "routing"));
        let sid = twilio.conversations()[0].sid.clone();
        let worker = [("Identity", ANA), (PROJECTED, NUMBER)];
        for _ in 0..3 {
            assert_eq!(client.code(&participants(&sid), &worker), (409, 50386));
        }
        assert_eq!(client.code(&participants(&sid), &worker[..1]), (400, 50427));
        assert_eq!(client.code(&participants(&sid), &[worker[0], (PROJECTED, OTHER)]), (400, 50427));
        assert_eq!(client.code(&participants(&sid), &worker).0, 201);
        assert_eq!(group.join().expect("the scenario ends"), Ok(sid.clone()));
        twilio.conversation(&sid)
    });
    assert_eq!((group.state, group.workers(), group.messages.len()), (ConversationState::Active, vec![ANA], 1));
    let added = ["onParticipantAdded"; 3];
    let rest = ["routing", "onMessageAdd", "onMessageAdded", "onConversationStateUpdated"];
    assert_eq!(events(&twilio), [&["onConversationAdd", "onConversationAdded"], &added[..], &rest].concat());
    let webhooks = twilio.webhooks();
    let addresses = webhooks[0].fields.iter().filter(|(name, _)| name == ADDRESS).map(|(_, value)| value.as_str());
    assert_eq!(addresses.collect::<Vec<_>>(), [NUMBER, OTHER]);
    assert_eq!((webhooks[0].field("State"), webhooks[0].field(PROXY)), (Some("initializing"), None));
    let routing = ["State", ADDRESS, "MessagingBinding.AuthorAddress"].map(|name| webhooks[5].field(name));
    assert_eq!(routing, [Some("initializing"), Some("+15550109999, +15550100002"), Some(CUSTOMER)]);
    assert_eq!((webhooks[5].field(PROJECTED), webhooks[8].field("Reason")), (None, Some("EVENT")));
    assert_eq!(got.lock().len(), webhooks.len());
}
