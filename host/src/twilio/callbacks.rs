//! Frontline's callbacks: a form becomes a typed question, a typed answer becomes the exact JSON
//! that the app wants. The only place where Twilio's wire format and the contract's types meet.

pub mod crm;
mod shape;

/// Frontline refuses a larger answer (Twilio's error 48003).
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// An answer's body, and what had to be left out of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// JSON.
    pub body: Vec<u8>,
    /// What Frontline would have refused: rows without an id, pictures and links that are no
    /// usable URL, channels that are no E.164.
    pub left_out: usize,
    /// Whether rows or text were cut off to stay within [`ANSWER_BYTES_MAX`].
    pub shortened: bool,
}
