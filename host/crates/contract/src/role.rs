//! The roles of the contract.

use std::fmt;

/// Writes each role once.
macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $role:ident = $name:ident,)+) => {
        /// A kind of question that plugins answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role {
            $($(#[doc = $doc])+ $role,)+
        }

        impl Role {
            /// Every role.
            pub const ALL: [Self; [$(Self::$role),+].len()] = [$(Self::$role),+];

            /// As in `config.toml`, the WIT package and the log.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$role => stringify!($name),)+
                }
            }
        }
    };
}

roles! {
    /// Which customers there are, and who is behind an address.
    Crm = crm,
    /// Which texts fit a customer.
    Templates = templates,
    /// From which number a conversation is begun.
    Outgoing = outgoing,
    /// Who gets an inbound conversation.
    Routing = routing,
    /// How conversations and participants look, and which messages pass.
    Conversations = conversations,
    /// A Front application channel.
    Channel = channel,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
