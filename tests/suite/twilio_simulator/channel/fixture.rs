//! Sets up the Twilio simulator and the plugin, which tests call natively like the gateway does.

use std::sync::Arc;

use frontgate_sdk::channel::{
    Attachment, Author, Connection, Event, Header, OutboundMessage, Party, Request, SendReceipt, SendStatus,
    WebhookResult,
};
use frontgate_sdk::http::{self, Response};
use frontgate_sdk::{Channel as _, Error, Result, testing};
use frontgate_tests::{Message, PUBLIC_URL, TOKEN, Twilio, sign};
use parking_lot::Mutex;
use twilio_channel::TwilioChannel;
use url::form_urlencoded;

use super::super::{Client, Got, KEY, NUMBER, fine, listen};

pub(super) const SECOND: &str = "+15550108888";
pub(super) const TEAMMATE: &str = "lena@example.org";

/// The simulator, a client, and the webhooks received for the plugin's channels.
pub(super) struct Fixture {
    pub(super) twilio: Twilio,
    pub(super) client: Client,
    pub(super) got: Arc<Mutex<Vec<Got>>>,
}

pub(super) fn fixture(settings: &[(&str, &str)]) -> Fixture {
    let (address, got) = listen(fine);
    let twilio = Twilio::start();
    twilio.point_at(address, PUBLIC_URL, "/demo", TOKEN);
    twilio.custom_routing(false);
    twilio.filters(&[]);
    let client = Client::new(&twilio, KEY);
    let service = format!("{}/v1/Services/{}", twilio.url(), Twilio::SERVICE_SID);
    let numbers = format!("{NUMBER}, {SECOND}, whatsapp:{NUMBER}");
    let own = [("conversations_url", service.as_str()), ("media_url", &service), ("numbers", &numbers)];
    testing::settings(own.into_iter().chain(settings.iter().copied()));
    testing::signatures(|check| {
        let signed = str::from_utf8(check.message).expect("a URL and fields");
        check.key == "twilio" && check.signature == sign(TOKEN, signed, &[])
    });
    let (agent, headers) = (client.agent.clone(), client.headers.clone());
    testing::answer_with(move |request| {
        let mut sending = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (name, value) in request.headers.iter().map(|field| (field.name.as_str(), field.value.as_str())) {
            sending = sending.header(name, value);
        }
        for (name, value) in &headers {
            sending = sending.header(*name, value);
        }
        let answer = agent.run(sending.body(request.body.clone()).expect("a request"));
        let cut = |error: ureq::Error| http::Error::Interrupted(error.to_string());
        let mut answer = answer.map_err(cut)?;
        let body = answer.body_mut().read_to_vec().map_err(cut)?;
        Ok(Response::new(answer.status().as_u16(), body))
    });
    Fixture { twilio, client, got }
}

/// Returns a channel with this number.
pub(super) fn channel(number: &str) -> Connection {
    let name = number.trim_start_matches("whatsapp:+");
    Connection {
        channel_id: format!("cha_{name}"),
        credential: Some(number.to_owned()),
        webhook_url: format!("{PUBLIC_URL}/front/sms/secret-of-{}/provider", name.trim_start_matches('+')),
    }
}

pub(super) fn message(key: &str, conversation: Option<&str>, to: &[&str], text: &str) -> OutboundMessage {
    OutboundMessage {
        idempotency_key: key.to_owned(),
        message_id: Some(format!("msg_{key}")),
        conversation_ids: conversation.into_iter().map(str::to_owned).collect(),
        to: to.iter().copied().map(Party::new).collect(),
        author: Some(Author::teammate("tea_1", TEAMMATE)),
        ..OutboundMessage::new(NUMBER, text)
    }
}

pub(super) fn with_files(mut message: OutboundMessage, files: &[(&str, &str)]) -> OutboundMessage {
    let attachment = |(at, (filename, kind)): (usize, &(&str, &str))| Attachment {
        id: format!("fil_{at}"),
        filename: (*filename).to_owned(),
        content_type: (*kind).to_owned(),
        size: None,
        is_inline: false,
        content_id: None,
    };
    message.attachments = files.iter().enumerate().map(attachment).collect();
    testing::files(files.iter().enumerate().map(|(at, (filename, _))| (format!("fil_{at}"), *filename)));
    message
}

pub(super) type Deliver = fn(&Connection, &OutboundMessage) -> Result<SendReceipt>;

/// Sends a message, and retries it like the gateway after attempts whose effect is known.
pub(super) fn deliver(connection: &Connection, message: &OutboundMessage) -> Result<SendReceipt> {
    let attempts = (0..100).map(|_| TwilioChannel::send(connection.clone(), message.clone()));
    let ended = attempts.into_iter().find(|sent| !matches!(sent, Err(Error::Unavailable(_))));
    ended.expect("it is sent in the end")
}

/// Sends a message like [`deliver`], but after attempts whose effect is unknown: checks for the message before each
/// retry.
pub(super) fn deliver_asking(connection: &Connection, message: &OutboundMessage) -> Result<SendReceipt> {
    for _ in 0..100 {
        match TwilioChannel::send(connection.clone(), message.clone()) {
            Err(Error::Unavailable(_)) => {}
            ended => return ended,
        }
        let status = (0..100).find_map(|_| match TwilioChannel::check_sent(connection.clone(), message.clone()) {
            Err(Error::Unavailable(_)) => None,
            ended => Some(ended),
        });
        match status.expect("Twilio says something in the end")? {
            SendStatus::Sent(receipt) => return Ok(receipt),
            SendStatus::NotSent => {}
            SendStatus::Unknown => panic!("Twilio's list is clear"),
        }
    }
    panic!("it is not sent");
}

impl Fixture {
    pub(super) fn connected(self, number: &str) -> (Self, Connection) {
        let connection = channel(number);
        assert_eq!(TwilioChannel::connect(connection.clone()), Ok(()));
        (self, connection)
    }

    /// Passes the webhooks received so far to this channel, and returns its events.
    pub(super) fn received(&self, connection: &Connection) -> Vec<Event> {
        let got = std::mem::take(&mut *self.got.lock());
        let path = connection.webhook_url.trim_start_matches(PUBLIC_URL).to_owned();
        let own = got.into_iter().filter(|got| got.path.starts_with(&path));
        own.flat_map(|got| receive(connection, &got).expect("an answer").events).collect()
    }

    pub(super) fn messages(&self, conversation: &str) -> Vec<Message> {
        self.twilio.conversation(conversation).messages
    }
}

pub(super) fn receive(connection: &Connection, got: &Got) -> Result<WebhookResult> {
    let lines = got.headers.lines().filter_map(|line| line.split_once(": "));
    let headers = lines.map(|(name, value)| Header { name: name.to_owned(), value: value.to_owned() });
    let request = Request {
        method: "POST".to_owned(),
        url: format!("{PUBLIC_URL}{}", got.path),
        headers: headers.collect(),
        body: form_urlencoded::Serializer::new(String::new()).extend_pairs(&got.form).finish().into_bytes(),
    };
    TwilioChannel::receive(connection.clone(), request)
}

pub(super) fn long_text() -> String {
    (0..500).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ")
}
