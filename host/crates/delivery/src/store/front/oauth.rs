//! Sign-ins and grants of Front apps with OAuth.
//!
//! A row holds no secret in clear: the content of a sign-in is encrypted with the secret in the browser's cookie, a
//! provider's credential with the token that Front holds, and of both only digests are stored.

mod exchange;
mod grants;
mod logins;
mod sealed;

pub use self::exchange::{Exchange, IssuedTokens, Lifetimes};
pub use self::grants::NewGrant;
pub(crate) use self::grants::prune as prune_grants;
pub(crate) use self::logins::prune as prune_logins;
pub use self::logins::{Login, LoginKey, Submission};

/// The app to which sign-ins and grants belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppKey {
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the app.
    pub app: String,
    /// The id of Front as a client.
    pub client: String,
}

/// Returns random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

#[cfg(test)]
mod tests;
