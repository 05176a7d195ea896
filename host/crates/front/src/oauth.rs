//! The authorization server of a Front app (RFC 6749), as far as it is pure: what requests mean, and what is answered.
//!
//! Only the authorization code grant exists. Modules in reading order: `parameters` reads queries and forms, `authorize`
//! the request that begins a sign-in, `client` authenticates Front, `token_request` is the exchange of a code or a
//! refresh token, `pkce` proves that the same client began it, `token` are the issued texts, `answers` the responses.

mod answers;
mod authorize;
mod client;
mod error;
mod parameters;
mod pkce;
mod token;
mod token_request;

pub use self::answers::{Introspected, introspection, tokens};
pub use self::authorize::{AuthorizationRequest, Invalid, redirect};
pub use self::client::Client;
pub use self::error::OauthError;
pub use self::parameters::Parameters;
pub use self::pkce::Challenge;
pub use self::token::{Kind, Token};
pub use self::token_request::TokenRequest;

#[cfg(test)]
mod tests;
