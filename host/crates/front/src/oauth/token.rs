//! The texts that the authorization server issues: codes, access tokens and refresh tokens.
//!
//! A text names its grant, and proves itself by 256 random bits. Only a digest of them is stored, and a key that is derived
//! from them encrypts what the bearer may use: a copy of the database opens nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_signing::{Algorithm, KeyedHash, hex};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Length of the id of a grant, in bytes.
const GRANT_BYTES: usize = 16;
/// Length of the secret, in bytes.
const SECRET_BYTES: usize = 32;

/// The kind of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code.
    Code,
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

impl Kind {
    /// The beginning of the text, by which scanners find tokens in wrong places.
    fn prefix(self) -> &'static str {
        match self {
            Self::Code => "fgc_",
            Self::Access => "fga_",
            Self::Refresh => "fgr_",
        }
    }
}

/// A code or token. Has no `Debug`, so that it is never logged.
pub struct Token {
    kind: Kind,
    grant: [u8; GRANT_BYTES],
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Token {
    /// Creates a token from random bytes.
    pub fn new(kind: Kind, grant: [u8; GRANT_BYTES], secret: [u8; SECRET_BYTES]) -> Self {
        Self { kind, grant, secret: Zeroizing::new(secret) }
    }

    /// Creates another token of the same grant.
    pub fn next(&self, kind: Kind, secret: [u8; SECRET_BYTES]) -> Self {
        Self::new(kind, self.grant, secret)
    }

    /// Reads the text of a token. Returns `None` for any other text.
    pub fn read(text: &str) -> Option<Self> {
        let kind =
            [Kind::Code, Kind::Access, Kind::Refresh].into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(kind.prefix())?).ok()?);
        let (grant, secret) = bytes.split_at_checked(GRANT_BYTES)?;
        Some(Self::new(kind, grant.try_into().ok()?, secret.try_into().ok()?))
    }

    /// Returns the text for the client.
    pub fn text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new([&self.grant[..], &self.secret[..]].concat());
        Zeroizing::new(format!("{}{}", self.kind.prefix(), BASE64_URL_SAFE_NO_PAD.encode(&*bytes)))
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the id of the grant, in hexadecimal digits.
    pub fn grant(&self) -> String {
        hex(&self.grant)
    }

    /// Returns the digest to store.
    pub fn digest(&self) -> Vec<u8> {
        self.derived("digest").to_vec()
    }

    /// Returns the key of what only the bearer may use.
    pub fn key(&self) -> Zeroizing<[u8; 32]> {
        self.derived("key")
    }

    /// Returns whether a stored digest is this token's, in constant time.
    pub fn is(&self, digest: Option<&[u8]>) -> bool {
        digest.is_some_and(|digest| self.digest().ct_eq(digest).into())
    }

    fn derived(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let hash = KeyedHash::new(&self.secret[..], Algorithm::HmacSha256);
        let hash = hash.hash(&[b"frontgate ", purpose.as_bytes(), b" ", self.kind.prefix().as_bytes(), &self.grant]);
        Zeroizing::new(hash.as_bytes().try_into().expect("a SHA-256 has 32 bytes"))
    }
}
