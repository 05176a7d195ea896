//! What is kept of Front's channels: which there are, what their conversations are called on either side,
//! and every message, with what Front was told about it.

mod channels;
mod conversations;
mod provider_events;
mod imported;
mod messages;
mod replays;
pub(super) mod apply_outcome;
mod watchers;

pub(crate) use self::channels::Removal;
pub use self::channels::{Begun, Channel, ChannelState};
pub(super) use self::channels::{COLUMNS, channel, remove};
pub use self::conversations::Hints;
pub use self::provider_events::Told;
pub use self::messages::{Incoming, Kept};
pub use self::replays::Attempt;
pub(super) use self::watchers::Waiting;

#[cfg(test)]
mod tests;
