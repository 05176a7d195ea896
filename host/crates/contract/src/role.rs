//! The roles of the contract.

use std::fmt;

/// Generates the enum, the list and the names from one table.
macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $role:ident = $name:literal,)+) => {
        /// A group of functions that a plugin can implement.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role {
            $($(#[doc = $doc])+ $role,)+
        }

        impl Role {
            /// Every role.
            pub const ALL: [Self; [$(Self::$role),+].len()] = [$(Self::$role),+];

            /// Returns the name in `config.toml`, in WIT and in the log.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$role => $name,)+
                }
            }
        }
    };
}

roles! {
    /// Lists and finds customers.
    Crm = "crm",
    /// Lists message templates for a customer.
    Templates = "templates",
    /// Chooses the number from which a conversation starts.
    Outgoing = "outgoing",
    /// Assigns inbound conversations.
    Routing = "routing",
    /// Names conversations and participants, and filters messages.
    Conversations = "conversations",
    /// Connects a Front application channel to its provider.
    Channel = "channel",
    /// Signs in people who connect a channel of a Front app with OAuth.
    ChannelLogin = "channel-login",
    /// Logs calls.
    Calls = "calls",
    /// Reports all customers and their changes, for the gateway's index.
    CrmSource = "crm-source",
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
