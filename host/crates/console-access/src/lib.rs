//! Who may use the console.
//!
//! - [`Access`]: one-time login links, and sessions of people in the database.
//! - [`proxy`]: people who are signed in at a proxy. [`tokens`]: bearer tokens of scripts, which only read.
//! - [`Role`] and [`Right`]: what a person may do. The gateway asks [`Session::may`] before it does anything.
//! - [`request`]: checks of the headers of a request against other web pages and other programs.
//!
//! There are no passwords. The user of the gateway, who alone can open its Unix socket, gets login links with
//! `frontgate console`, for themselves or for other people. A link works once. The secret of a session is in a cookie,
//! which a browser also sends to other ports of the same host; a change therefore also needs a second secret, the proof,
//! which the page keeps for its own origin.

mod links;
pub mod proxy;
pub mod request;
mod roles;
mod secret;
mod sessions;
mod settings;
pub mod tokens;

pub use self::links::LinkError;
pub use self::roles::{Right, Role};
pub use self::sessions::{Access, Entered, Session, SessionSummary, SignIn};
pub use self::settings::{Listen, Settings, Simulator};
