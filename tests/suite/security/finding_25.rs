//! Finding 25: twilio-channel holds the auth token.
