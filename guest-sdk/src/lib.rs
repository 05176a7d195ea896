//! Write a Frontgate plugin: implement the trait of a role, export
//! it, build for `wasm32-wasip2`, and drop the `.wasm` into the gateway's `plugins/`.
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
//! // A plugin is tested like any other Rust code.
//! assert_eq!(Address::get_customer("ana@example.org", "7").unwrap().channels[0].kind, "sms");
//! ```
//!
//! Its `Cargo.toml` says `crate-type = ["cdylib"]`; `rlib` beside it lets tests in other files use
//! it. Every call runs in a fresh instance: what a plugin keeps in memory is gone after the answer.
//!
//! # In reading order
//!
//! 1. **What a plugin answers.** A role is a trait: [`Crm`] (customers), [`Templates`], [`Outgoing`] (the number to
//!    write from), [`Routing`] (who gets a conversation), [`Conversations`] (Twilio's webhooks), [`FrontChannel`]
//!    (a channel of Front's, with the records of [`channel`]). What has a sensible answer has it already; a plugin
//!    writes the rest, and [`export!`] says which roles it has.
//! 2. **How it says no.** [`Error`] has a case for each thing that a platform can be told: [`Error::NotFound`],
//!    and with a text for the operator [`Error::forbidden`], [`Error::invalid`], [`Error::unavailable`],
//!    [`Error::failed`]. `?` makes one of what the modules below answer.
//! 3. **What the operator wrote.** [`settings`] reads configuration and secrets into a struct of your own.
//! 4. **Other systems.** [`http`] sends JSON and reads it, to the hosts that were granted.
//! 5. **What stays.** [`state`] keeps bytes or JSON from one call to the next; [`files`] reads the granted folder.
//! 6. **The company's customers.** [`directory`] asks the plugin of the CRM role, from every other role.
//! 7. **Webhooks.** [`signatures`] checks who wrote one, with a key that stays in the gateway.
//! 8. **Small things.** The log ([`info!`], [`warn!`] and so on), [`clock`], [`random`], [`address`].
//! 9. **Tests.** [`testing`] simulates all of it, so that `cargo test` needs neither a gateway nor WebAssembly.
//!
//! A plugin that asks a system of the company for its customers, and its test, are a page:
//!
//! ```
//! use frontgate_sdk::{Crm, Customer, CustomerPage, ListRequest, Position, Result, http, settings};
//! use serde::Deserialize;
//!
//! struct AcmeCrm;
//!
//! frontgate_sdk::export!(AcmeCrm: crm);
//!
//! /// What the operator writes into `[plugins.named.acme-crm.config]`.
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
//! // In `tests/`, or a module of tests:
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
//! `serde`'s derives and `serde_json` are dependencies of the plugin's own; one that never names them pays nothing
//! for them.

pub mod address;
pub mod attachments;
#[doc(hidden)]
pub mod bindings;
#[cfg(any(all(target_family = "wasm", feature = "allocator"), test))]
mod blocks;
pub mod channel;
pub mod clock;
mod conversations;
mod crm;
pub mod directory;
pub mod files;
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

pub use crate::bindings::conversations::{
    ConversationAdd, ConversationChanges, MessageAdd, MessageChanges, MessageVerdict, OtherEvent, ParticipantAdded,
    ParticipantChanges,
};
pub use crate::bindings::crm::{CustomerPage, ListRequest, Position};
pub use crate::bindings::outgoing::OutgoingRequest;
pub use crate::bindings::plugin_types::{Channel, Customer, CustomerSummary, Details, Error, Link};
pub use crate::bindings::routing::{Assignment, InboundConversation};
pub use crate::bindings::templates::{Category, Template, TemplateRequest};
pub use crate::channel::FrontChannel;
pub use crate::conversations::Conversations;
pub use crate::crm::Crm;
pub use crate::outgoing::Outgoing;
pub use crate::routing::Routing;
pub use crate::templates::Templates;

/// What a role's function returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static BLOCKS: blocks::Blocks = blocks::Blocks::new();

/// The version of this crate as [`export!`] writes it into the component, for the gateway to read before it
/// compiles anything: a line of text.
#[doc(hidden)]
pub const VERSION: [u8; VERSION_LINE.len()] = match VERSION_LINE.as_bytes().first_chunk() {
    Some(line) => *line,
    None => unreachable!(),
};
const VERSION_LINE: &str = concat!(env!("CARGO_PKG_VERSION"), "\n");

/// Exports a type as a plugin, with the roles that it answers: `crm`, `templates`, `outgoing`,
/// `routing`, `conversations`, `channel`.
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

/// One role of [`export!`]. Natively there is nothing to export to, so that a plugin's tests need no
/// WebAssembly.
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
        $crate::export_role!($plugin: FrontChannel, channel_world, export_channel);
    };
    ($plugin:ident: $role:ident, $world:ident, $export:ident) => {
        const _: fn() = || {
            fn answers<T: $crate::$role>() {}
            answers::<$plugin>();
        };
        #[cfg(target_family = "wasm")]
        $crate::bindings::$world::$export!($plugin with_types_in $crate::bindings::$world);
    };
}

/// The plugin in the README is one that compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
