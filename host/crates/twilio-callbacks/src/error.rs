//! Errors of decoding callbacks, and of encoding plugins' answers.

/// The reason why a callback cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The callback has version 1, which Twilio ended in 2022.
    #[error("version 1 callbacks are not supported; choose version 2 (form body with `Location`) in Twilio's console")]
    Version1,
    /// `Location` names an operation of another callback.
    #[error("unknown Location; supported: {0}")]
    UnknownLocation(&'static str),
    /// A required parameter is missing.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
    /// A parameter is invalid.
    #[error("the parameter {0} is {1}")]
    InvalidParameter(&'static str, &'static str),
}

/// The reason why a plugin's answer cannot be encoded for Twilio.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The answer is too large for Twilio, even after it was cut.
    #[error("the plugin's answer is too large")]
    AnswerTooLarge,
    /// The proxy address is invalid (Frontline's error 48026).
    #[error("the plugin's proxy address is not E.164 with the channel's prefix")]
    ProxyAddress,
    /// The proxy address is the customer's own number (Frontline's error 48027).
    #[error("the plugin's proxy address is the customer's own")]
    ProxyIsContact,
    /// The plugin rejected a pre-event.
    #[error("the plugin rejected the event")]
    Rejected(String),
    /// A field of the answer is invalid.
    #[error("the plugin failed")]
    Unusable(String),
}

impl DecodeError {
    /// Returns the stable code of the response.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Version1 => "callback-version-1",
            Self::UnknownLocation(_) => "unknown-location",
            Self::MissingParameter(_) => "missing-parameter",
            Self::InvalidParameter(..) => "invalid-parameter",
        }
    }
}

impl EncodeError {
    /// Returns the stable code of the response.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnswerTooLarge => "answer-too-large",
            Self::ProxyAddress => "proxy-address-invalid",
            Self::ProxyIsContact => "proxy-address-is-contact",
            Self::Rejected(_) => "rejected",
            Self::Unusable(_) => "plugin-failed",
        }
    }

    /// Returns the text for the log, in addition to the text for the caller.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Rejected(text) | Self::Unusable(text) => Some(text),
            Self::AnswerTooLarge | Self::ProxyAddress | Self::ProxyIsContact => None,
        }
    }
}
