//! The cookie that binds a sign-in to a browser.
//!
//! Its value is a secret that is stored nowhere else. Everything else is derived from it: the id of the sign-in, the key of
//! its content, and the marks of its forms.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_delivery::store::front::oauth::{LoginKey, random};
use frontgate_signing::{Algorithm, KeyedHash, hex};
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::routes::FrontRoute;

/// Length of the secret, in bytes.
const SECRET_BYTES: usize = 32;

/// The secret of one browser for one sign-in.
pub(super) struct BrowserSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl BrowserSecret {
    /// Creates a secret for a new sign-in.
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Reads the cookie of a request.
    pub(super) fn read(headers: &HeaderMap, route: &FrontRoute) -> Option<Self> {
        let name = name(route);
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = texts.flat_map(|text| text.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        let (_, value) = cookies.find(|(known, _)| *known == name)?;
        let bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(value).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// Returns the id and the key of the sign-in.
    pub(super) fn login_key(&self) -> LoginKey {
        let key = Zeroizing::new(self.derived(b"key").as_bytes().try_into().expect("a SHA-256 has 32 bytes"));
        LoginKey { id: hex(self.derived(b"id").as_bytes()), key }
    }

    /// Returns the mark of the forms of a step, which no other site knows.
    pub(super) fn mark(&self, step: i64) -> String {
        hex(self.derived(format!("form {step}").as_bytes()).as_bytes())
    }

    /// Returns whether a form has the mark of its step, in constant time.
    pub(super) fn has_marked(&self, step: i64, mark: &str) -> bool {
        self.mark(step).as_bytes().ct_eq(mark.as_bytes()).into()
    }

    /// Returns the header that stores the cookie for some seconds.
    pub(super) fn stored(&self, route: &FrontRoute, seconds: u64) -> HeaderValue {
        header(route, &BASE64_URL_SAFE_NO_PAD.encode(&self.0[..]), seconds)
    }

    fn derived(&self, purpose: &[u8]) -> frontgate_signing::Hash {
        KeyedHash::new(&self.0[..], Algorithm::HmacSha256).hash(&[b"frontgate sign-in ", purpose])
    }
}

/// Returns the header that deletes the cookie.
pub(super) fn deleted(route: &FrontRoute) -> HeaderValue {
    header(route, "", 0)
}

/// Returns the header of a cookie that scripts and other sites cannot use. With `__Host-`, no other host can set it.
///
/// `Lax` sends the cookie when Front or the provider leads the browser here.
fn header(route: &FrontRoute, value: &str, seconds: u64) -> HeaderValue {
    let secure = if is_secure(route) { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", name(route));
    HeaderValue::try_from(text).expect("names of tenants and apps are those of URLs")
}

/// Returns the name of an app's cookie.
fn name(route: &FrontRoute) -> String {
    let prefix = if is_secure(route) { "__Host-" } else { "" };
    format!("{prefix}frontgate-sign-in{}.{}", route.tenant.prefix.replace('/', "."), route.app.name)
}

/// Returns whether browsers reach the gateway by TLS.
fn is_secure(route: &FrontRoute) -> bool {
    route.app.public_url.starts_with("https://")
}
