//! Plugins for Frontgate in Rust. Implement the trait of a role, export it, build for `wasm32-wasip2`, and copy the
//! `.wasm` file into the gateway's `plugins/` folder.
//!
//! ```
//! use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};
//!
//! struct Address;
//!
//! impl Crm for Address {
//!     fn list_customers(_: ListRequest) -> Result<CustomerPage> {
//!         Ok(CustomerPage::last([Customer::new("7", "Mora Lind")]))
//!     }
//!
//!     fn get_customer(_worker: &str, id: &str) -> Result<Customer> {
//!         match id {
//!             "7" => Ok(Customer::new("7", "Mora Lind").sms("+12025550107")),
//!             _ => Err(Error::NotFound),
//!         }
//!     }
//! }
//!
//! frontgate_sdk::export!(Address: crm);
//!
//! // Plugins are tested like other Rust code.
//! assert_eq!(Address::get_customer("ana@example.org", "7").unwrap().channels[0].kind, "sms");
//! ```
//!
//! Set `crate-type = ["cdylib", "rlib"]` in `Cargo.toml`: the first is the plugin, the second lets tests in other files
//! use it. A call runs in a fresh instance, or in one that has served earlier calls: do not rely on data in memory.
//!
//! # Main items
//!
//! In reading order:
//!
//! 1. **Roles.** Each role is a trait, and [`export!`] lists the roles that a plugin implements:
//!
//!    | trait | answers |
//!    |---|---|
//!    | [`Crm`] | which customers a worker sees, and who has an address |
//!    | [`Templates`] | which message templates a worker can send |
//!    | [`Outgoing`] | from which number a conversation is sent |
//!    | [`Routing`] | which worker gets a conversation |
//!    | [`Conversations`] | Twilio's Conversations webhooks |
//!    | [`Channel`] | a Front application channel, with the types of [`channel`] |
//!    | [`ChannelLogin`] | the sign-in of an admin who connects such a channel, with the types of [`channel_login`] |
//!    | [`Calls`] | calls of Frontline, after their end |
//!    | [`CrmSource`] | all customers and their changes, for the gateway's index |
//!
//! 2. **Errors.** [`Error`] has a case for each response that the platforms know. `?` converts the errors of the
//!    modules below.
//! 3. **Configuration.** [`settings`] reads the operator's configuration and secrets into a struct.
//! 4. **Other systems.** [`http`] sends requests to granted hosts, and reads and writes JSON.
//! 5. **Data.** [`state`] stores bytes or JSON between calls; [`files`] reads the granted folder.
//! 6. **Customers.** [`directory`] calls the plugin that has the CRM role, from every other role.
//! 7. **Webhooks.** [`signatures`] verifies a provider's signature with a key that stays in the gateway.
//! 8. **Conversations.** [`actions`] posts messages, and changes names, state and participants in Twilio.
//! 9. **Utilities.** The log ([`info!`], [`warn!`] and so on), [`clock`], [`random`], [`address`].
//! 10. **Tests.** [`testing`] simulates the gateway: `cargo test` needs neither a gateway nor WebAssembly.
//!
//! # A longer example
//!
//! A plugin that reads customers from a CRM over HTTP, and its test:
//!
//! ```
//! use frontgate_sdk::{Crm, Customer, CustomerPage, ListRequest, Position, Result, http, settings};
//! use serde::Deserialize;
//!
//! struct AcmeCrm;
//!
//! frontgate_sdk::export!(AcmeCrm: crm);
//!
//! /// The operator's settings: `[plugins.named.acme-crm.config]`.
//! #[derive(Deserialize)]
//! struct Settings {
//!     crm: String,
//! }
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     people: Vec<Person>,
//!     next: Option<String>,
//! }
//!
//! #[derive(Deserialize)]
//! struct Person {
//!     id: String,
//!     name: String,
//!     phone: Option<String>,
//! }
//!
//! impl Crm for AcmeCrm {
//!     fn list_customers(request: ListRequest) -> Result<CustomerPage> {
//!         let Settings { crm } = settings::read()?;
//!         let mut list = http::get(&format!("{crm}/people")).query("limit", request.page_size);
//!         if let Position::After(id) | Position::Token(id) = &request.position {
//!             list = list.query("after", id);
//!         }
//!         if let Some(query) = &request.query {
//!             list = list.query("search", query);
//!         }
//!         let Page { people, next } = list.send()?.success()?.json()?;
//!         let page = CustomerPage::last(people.into_iter().map(Customer::from));
//!         Ok(match next {
//!             Some(id) => page.then(id),
//!             None => page,
//!         })
//!     }
//!
//!     fn get_customer(_worker: &str, id: &str) -> Result<Customer> {
//!         let Settings { crm } = settings::read()?;
//!         let person: Person = http::get(&format!("{crm}/people/{}", http::segment(id))).send()?.success()?.json()?;
//!         Ok(person.into())
//!     }
//! }
//!
//! impl From<Person> for Customer {
//!     fn from(person: Person) -> Self {
//!         let customer = Customer::new(person.id, person.name);
//!         person.phone.into_iter().fold(customer, Customer::sms)
//!     }
//! }
//!
//! // The test:
//! use frontgate_sdk::testing::{self, expect};
//! use serde_json::json;
//!
//! testing::settings([("crm", "https://crm.example.com")]);
//! let _crm = testing::serve([
//!     expect(http::get("https://crm.example.com/people?limit=30&search=Lind"))
//!         .json(&json!({ "people": [{ "id": "7", "name": "Mora Lind" }], "next": null })),
//! ]);
//! let page = AcmeCrm::list_customers(ListRequest::first("ana@example.org", 30).search("Lind")).unwrap();
//! assert_eq!(page.customers[0].display_name, "Mora Lind");
//! assert_eq!(page.next_page_token, None);
//! ```
//!
//! `serde` and `serde_json` are dependencies of the plugin's own `Cargo.toml`, if it uses them.
//!
//! # Features
//!
//! - `allocator` (default): a fast allocator for short calls. Disable it to set a `#[global_allocator]` of your own.

pub mod actions;
pub mod address;
pub mod attachments;
#[doc(hidden)]
pub mod bindings;
#[cfg(any(all(target_family = "wasm", feature = "allocator"), test))]
mod blocks;
mod calls;
pub mod channel;
pub mod channel_login;
pub mod clock;
mod conversations;
mod crm;
mod crm_source;
pub mod directory;
pub mod files;
mod host;
pub mod http;
mod json;
#[cfg(target_os = "wasi")]
mod libc;
pub mod log;
mod outgoing;
pub mod random;
mod routing;
pub mod settings;
pub mod signatures;
pub mod state;
mod templates;
pub mod testing;
mod types;

pub use crate::bindings::calls::{Call, CallDirection, CallRecording};
pub use crate::bindings::conversations::{
    ConversationAdd, ConversationChanges, ConversationRemove, ConversationUpdate, ConversationUpdateChanges,
    ConversationUpdateVerdict, ConversationVerdict, Media, MessageAdd, MessageChanges, MessageRemove, MessageUpdate,
    MessageVerdict, OtherEvent, ParticipantAdd, ParticipantAdded, ParticipantChanges, ParticipantRemove,
    ParticipantUpdate, UserUpdate, Verdict,
};
pub use crate::bindings::crm::{CustomerPage, ListRequest, Position};
pub use crate::bindings::crm_source::{
    Audience, Batch, ChangeAnswer, News, Notification, NotificationAnswer, SourceCustomer, SourceFacts, Team,
    Visibility,
};
pub use crate::bindings::outgoing::OutgoingRequest;
pub use crate::bindings::plugin_types::{ContactChannel, Customer, CustomerSummary, Details, Error, Link};
pub use crate::bindings::routing::{Assignment, InboundConversation};
pub use crate::bindings::templates::{Category, Template, TemplateRequest};
pub use crate::calls::Calls;
pub use crate::channel::Channel;
pub use crate::channel_login::ChannelLogin;
pub use crate::conversations::Conversations;
pub use crate::crm::Crm;
pub use crate::crm_source::CrmSource;
pub use crate::outgoing::Outgoing;
pub use crate::routing::Routing;
pub use crate::templates::Templates;

/// The result of a role's function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static BLOCKS: blocks::Blocks = blocks::Blocks::new();

/// This crate's version as a line of text. [`export!`] writes it into the component, where the gateway reads it before
/// compilation.
#[doc(hidden)]
pub const VERSION: [u8; VERSION_LINE.len()] = match VERSION_LINE.as_bytes().first_chunk() {
    Some(line) => *line,
    None => unreachable!(),
};
const VERSION_LINE: &str = concat!(env!("CARGO_PKG_VERSION"), "\n");

/// Exports a type as a plugin with these roles: `crm`, `templates`, `outgoing`, `routing`, `conversations`, `channel`,
/// `channel_login`, `calls`, `crm_source`.
///
/// ```
/// # use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Result};
/// # struct Address;
/// # impl Crm for Address {
/// #     fn list_customers(_: ListRequest) -> Result<CustomerPage> { Err(Error::NotFound) }
/// #     fn get_customer(_: &str, _: &str) -> Result<Customer> { Err(Error::NotFound) }
/// # }
/// frontgate_sdk::export!(Address: crm);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($role:ident),+ $(,)?) => {
        $($crate::export_role!($role $plugin);)+

        #[cfg(target_family = "wasm")]
        const _: () = {
            #[used]
            #[unsafe(link_section = "frontgate-sdk")]
            static VERSION: [u8; $crate::VERSION.len()] = $crate::VERSION;
        };
    };
}

/// Exports one role of [`export!`]. Native builds only check the trait, so that tests need no WebAssembly.
#[doc(hidden)]
#[macro_export]
macro_rules! export_role {
    (crm $plugin:ident) => {
        $crate::export_role!($plugin: Crm, crm_world, export_crm);
    };
    (templates $plugin:ident) => {
        $crate::export_role!($plugin: Templates, templates_world, export_templates);
    };
    (outgoing $plugin:ident) => {
        $crate::export_role!($plugin: Outgoing, outgoing_world, export_outgoing);
    };
    (routing $plugin:ident) => {
        $crate::export_role!($plugin: Routing, routing_world, export_routing);
    };
    (conversations $plugin:ident) => {
        $crate::export_role!($plugin: Conversations, conversations_world, export_conversations);
    };
    (channel $plugin:ident) => {
        $crate::export_role!($plugin: Channel, channel_world, export_channel);
    };
    (channel_login $plugin:ident) => {
        $crate::export_role!($plugin: ChannelLogin, channel_login_world, export_channel_login);
    };
    (calls $plugin:ident) => {
        $crate::export_role!($plugin: Calls, calls_world, export_calls);
    };
    (crm_source $plugin:ident) => {
        $crate::export_role!($plugin: CrmSource, crm_source_world, export_crm_source);
    };
    ($plugin:ident: $role:ident, $world:ident, $export:ident) => {
        const _: fn() = || {
            fn has_role<T: $crate::$role>() {}
            has_role::<$plugin>();
        };
        #[cfg(target_family = "wasm")]
        $crate::bindings::$world::$export!($plugin with_types_in $crate::bindings::$world);
    };
}

/// Compiles the example of the repository's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct RepositoryReadme;

/// Compiles the example of this crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
