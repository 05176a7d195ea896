//! The operator's settings: the bot's texts, and the choices with their workers.

use frontgate_sdk::{Error, Result, settings};

/// All settings.
const KNOWN: [&str; 8] = ["again", "bot", "choices.*", "handed_over", "otherwise", "question", "tries", "without_crm"];
/// Default identity of the bot.
const BOT: &str = "reception";
/// Default number of unclear replies before the bot gives up.
const TRIES: u32 = 2;
const TRIES_MAX: u32 = 10;
/// Twilio's maximum length of a message, in characters.
const TEXT_CHARS_MAX: usize = 1_600;

/// The settings of one call.
pub(crate) struct Settings {
    /// The bot's identity in conversations.
    pub(crate) bot: String,
    pub(crate) question: String,
    /// After an unclear reply.
    pub(crate) again: String,
    /// Before the bot leaves; `None` for no message.
    pub(crate) handed_over: Option<String>,
    /// Gets the conversation after too many unclear replies.
    pub(crate) otherwise: String,
    /// Number of unclear replies before that.
    pub(crate) tries: u32,
    /// Whether customers are left without a link to the CRM while it is unavailable; otherwise the gateway retries.
    pub(crate) skips_crm: bool,
    /// Words in lower case, and workers.
    choices: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        settings::only(&KNOWN)?;
        let question = text("question")?.ok_or_else(|| missing("question"))?;
        let tries = settings::get_as::<u32>("tries")?.unwrap_or(TRIES);
        if !(1..=TRIES_MAX).contains(&tries) {
            let problem = format!("the setting `tries` is `{tries}`; write a number from 1 to {TRIES_MAX}");
            return Err(Error::Failed(problem));
        }
        let bot = settings::get("bot").unwrap_or_else(|| BOT.to_owned());
        let choices = choices()?;
        let otherwise = settings::require("otherwise")?;
        if otherwise == bot || choices.iter().any(|(_, worker)| *worker == bot) {
            return Err(Error::Failed(format!("the bot `{bot}` is also a worker; give it another identity in `bot`")));
        }
        let skips_crm = match settings::get("without_crm").as_deref() {
            None | Some("wait") => false,
            Some("continue") => true,
            Some(other) => {
                return Err(Error::Failed(format!("the setting `without_crm` is `{other}`; write wait or continue")));
            }
        };
        let again = text("again")?.unwrap_or_else(|| question.clone());
        Ok(Self { bot, question, again, handed_over: text("handed_over")?, otherwise, tries, skips_crm, choices })
    }

    /// Returns the worker that a message names: the words of exactly one worker are in it.
    pub(crate) fn choice(&self, message: &str) -> Option<&str> {
        let message = words(message);
        let named = self.choices.iter().filter(|(choice, _)| message.contains(choice.as_str()));
        let mut workers = named.map(|(_, worker)| worker.as_str());
        let first = workers.next()?;
        workers.all(|worker| worker == first).then_some(first)
    }
}

/// Reads the table `choices`.
fn choices() -> Result<Vec<(String, String)>> {
    let mut choices = Vec::new();
    for (key, worker) in settings::all() {
        let Some(choice) = key.strip_prefix("choices.") else {
            continue;
        };
        let choice = words(choice);
        if choice.trim().is_empty() || worker.trim().is_empty() {
            return Err(Error::Failed(format!("the setting `{key}` needs a word and a worker's identity")));
        }
        choices.push((choice, worker.trim().to_owned()));
    }
    if choices.is_empty() {
        return Err(missing("choices"));
    }
    Ok(choices)
}

fn missing(key: &str) -> Error {
    Error::Failed(format!("the setting `{key}` is missing"))
}

/// Reads a text that fits into a message. An empty text is absent.
fn text(key: &str) -> Result<Option<String>> {
    let text = settings::get(key).filter(|text| !text.trim().is_empty());
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => {
            Err(Error::Failed(format!("the setting `{key}` has more than {TEXT_CHARS_MAX} characters")))
        }
        text => Ok(text),
    }
}

/// Returns the words of a text in lower case, each between two spaces, so that `art` is not found in `party`.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |all, word| all + word + " ")
}
