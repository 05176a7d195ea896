//! What is kept of Front's channels: which there are, what their conversations are called on either side,
//! and every message, with what Front was told about it.

mod channels;
mod conversations;
mod events;
mod messages;
pub(super) mod settled;

pub(in crate::delivery) use self::channels::Removal;
pub use self::channels::{Begun, Channel, ChannelState};
pub(super) use self::channels::{COLUMNS, channel, remove};
pub use self::events::Told;
pub(super) use self::messages::Waiting;
pub use self::messages::{Hints, Incoming, Kept};
