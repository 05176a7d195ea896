//! Tables of Front's channels: channels, names of conversations, and messages with Front's answers.

pub(super) mod apply_outcome;
mod channels;
mod conversations;
mod health;
mod imported;
mod messages;
pub mod oauth;
mod provider_events;
mod references;
mod replays;
mod scheduled;
mod templates;
mod watchers;

pub(crate) use self::channels::Removal;
pub(super) use self::channels::{COLUMNS, channel, remove};
pub use self::channels::{Channel, ChannelState, ConnectResult};
pub use self::conversations::Hints;
pub use self::health::ChannelHealth;
pub(super) use self::health::health;
pub(crate) use self::health::{Checked, Suspects};
pub use self::messages::{Incoming, StoredMessage};
pub use self::provider_events::ProviderBatch;
pub(crate) use self::replays::ReplayTurns;
pub use self::replays::{ReplayCheck, ReplayTurn};
pub(crate) use self::scheduled::ScheduledChannel;
pub(crate) use self::templates::StoredTemplate;
pub(super) use self::templates::{TEMPLATES, stored as stored_template};
pub(super) use self::watchers::Watchers;

#[cfg(test)]
mod tests;
