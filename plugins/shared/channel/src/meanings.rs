//! Explanations of a provider's error codes to teammates.

/// The error codes of a provider. The provider's own messages are not passed on: they can contain customers' numbers.
pub struct Meanings {
    /// The provider's name, as teammates know it.
    pub provider: &'static str,
    /// Explains a code, if the explanation helps the teammate.
    pub of: fn(u64) -> Option<&'static str>,
}

impl Meanings {
    /// Explains why the provider rejected a message.
    pub fn of_refusal(&self, status: u16, code: Option<u64>) -> String {
        match code {
            Some(code) => self.of_code(code, "rejected the message"),
            None => format!("{} rejected the message (status {status}).", self.provider),
        }
    }

    /// Explains why a message was not delivered.
    pub fn of_failure(&self, code: Option<u64>) -> String {
        match code {
            Some(code) => self.of_code(code, "failed to deliver the message"),
            None => format!("{} failed to deliver the message, and gave no reason.", self.provider),
        }
    }

    fn of_code(&self, code: u64, what: &str) -> String {
        let Self { provider, of } = self;
        match of(code) {
            Some(words) => format!("{words} ({provider} error {code})."),
            None => format!("{provider} {what} (error {code})."),
        }
    }
}
