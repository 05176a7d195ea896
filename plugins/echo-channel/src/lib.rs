//! A Front channel without a provider. Returns every message of a teammate, including files, as a message of the
//! recipient. Useful to try out Front, and the smallest complete channel.
//!
//! The webhook accepts JSON without a signature: `{"id", "conversation", "from", "text"}` as a customer's message, and
//! `{"id", "conversation", "to", "text"}` as a message of an agent, with an `author` and an `author_id`. Both can have
//! `in_reply_to`. The echo of a message answers it.
//!
//! With OAuth, the sign-in asks only for the channel's name, and believes it.

use frontgate_sdk::channel::{
    Address, AddressPage, AgentMessage, Attachment, Connection, Event, File, InboundMessage, OutboundKind,
    OutboundMessage, Request, SendReceipt, Source, WebhookResult,
};
use frontgate_sdk::channel_login::{self, Account, Field, Form, Login, Step};
use frontgate_sdk::{Channel, ChannelLogin, Result, attachments, info};
use serde::Deserialize;

/// The maximum size of an echoed file, in bytes. Larger files are only listed.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Longest name of a channel, in characters.
const NAME_LENGTH_MAX: usize = 50;

/// The plugin.
pub struct EchoChannel;

frontgate_sdk::export!(EchoChannel: channel, channel_login);

impl Channel for EchoChannel {
    fn connect(connection: Connection) -> Result<()> {
        info!("channel {} is connected", connection.channel_id);
        Ok(())
    }

    fn list_addresses(_: Option<String>, _: Option<String>) -> Result<AddressPage> {
        let address = Address { value: "echo".to_owned(), name: Some("Echo".to_owned()) };
        Ok(AddressPage { addresses: vec![address], next_page_token: None })
    }

    fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        let to = message.first_to()?.clone();
        let conversation = message.conversation_ids.first().cloned().unwrap_or_else(|| format!("echo-{}", to.handle));
        let receipt = SendReceipt::new(format!("sent-{}", message.idempotency_key), &conversation);
        // An echo of an automatic reply would cause an endless loop.
        if message.kind == OutboundKind::Autoreply {
            return Ok(receipt);
        }
        let (small, large): (Vec<_>, Vec<_>) = message.attachments.iter().partition(|file| is_small(file));
        let mut body = message.text;
        for file in large {
            let line = format!("[{} is too large to echo]", file.filename);
            body = if body.is_empty() { line } else { format!("{body}\n{line}") };
        }
        let files = small.into_iter().map(copy).collect::<Result<_>>()?;
        let mut echo = InboundMessage::new(format!("echo-{}", message.idempotency_key), conversation, "", body);
        (echo.sender, echo.subject, echo.files) = (to, message.subject, files);
        echo.in_reply_to.clone_from(&receipt.external_id);
        Ok(receipt.event(echo))
    }

    fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
        match serde_json::from_slice(&request.body).map(Written::event) {
            Ok(event) => Ok(WebhookResult::status(204).event(event)),
            Err(error) => Ok(WebhookResult::status(400).body("text/plain", error.to_string())),
        }
    }
}

impl ChannelLogin for EchoChannel {
    fn advance(_: Login, event: channel_login::Event) -> Result<Step> {
        let field = Field::text("name", "Name of the channel").help("How the channel is called in Front.");
        let form =
            Form::new("Connect an echo channel", "Continue").text("There is no account to sign in to.").field(field);
        let Some(name) = event.field("name") else { return Ok(form.into()) };
        if name.chars().count() > NAME_LENGTH_MAX || name.trim().is_empty() || name.chars().any(char::is_control) {
            return Ok(form.problem("This is not a name. Enter up to 50 letters.").into());
        }
        let name = name.trim();
        Ok(Account::new("echo", name, name, name).into())
    }
}

/// A message in a webhook.
#[derive(Deserialize)]
struct Written {
    id: String,
    conversation: String,
    #[serde(flatten)]
    direction: Direction,
    text: String,
    in_reply_to: Option<String>,
    author: Option<String>,
    author_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// A customer wrote.
    From(String),
    /// An agent wrote to a customer.
    To(String),
}

impl Written {
    fn event(self) -> Event {
        let Self { id, conversation, text, in_reply_to, author, author_id, .. } = self;
        match self.direction {
            Direction::From(from) => {
                InboundMessage { in_reply_to, ..InboundMessage::new(id, conversation, from, text) }.into()
            }
            Direction::To(to) => {
                AgentMessage { in_reply_to, author, author_id, ..AgentMessage::new(id, conversation, to, text) }.into()
            }
        }
    }
}

fn is_small(file: &Attachment) -> bool {
    file.size.is_some_and(|size| size <= FILE_BYTES_MAX)
}

fn copy(file: &Attachment) -> Result<File> {
    let bytes = attachments::read(&file.id, FILE_BYTES_MAX as usize)?;
    let (filename, content_type) = (file.filename.clone(), file.content_type.clone());
    Ok(File { filename, content_type, source: Source::Bytes(bytes) })
}
