//! An HTTP/1.1 client that knows whether bytes of a failed request were sent.
//!
//! A request that was not sent can be sent again; a request that was sent but got no response may have taken effect.
//! [`Client`] calls platforms, and reports the difference in [`SendError`]. Requests of plugins also use
//! [`Connection`], [`Pool`], [`Resolver`] and [`address`].
//!
//! The client follows no redirects and uses no proxy. Large bodies are streams in either direction.

pub mod address;
mod client;
mod connection;
mod download;
pub mod form;
mod headers;
mod one_shot;
mod pool;
mod resolver;
mod signing_key;
mod tls;

pub use self::client::{AddressPolicy, Client, ClientOptions, ClientResponse, SendError};
pub use self::connection::Connection;
pub use self::download::Download;
pub use self::headers::{confidential, is_reserved_header};
pub use self::one_shot::one_shot;
pub use self::pool::Pool;
pub use self::resolver::Resolver;
pub use self::signing_key::SigningKey;
pub use self::tls::{Tls, read_authorities, tls_config};
