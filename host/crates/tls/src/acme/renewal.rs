//! Decides when a certificate is renewed: in the window that the server suggests (RFC 9773), or in the last third of its
//! life.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use instant_acme::{Account, CertificateIdentifier};
use rustls::pki_types::Der;
use tracing::debug;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use crate::certificate::Certificate;

/// Shortest time between two successful orders, if the certificate lives long enough. Also limits them if this machine's
/// clock is wrong, so that each new certificate seems to be old.
const BETWEEN_ORDERS_MIN: Duration = Duration::from_secs(12 * 3_600);
/// Bounds of the time between two questions for the suggested window.
const ASK: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(86_400));

/// When to renew.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    Later(Duration),
}

/// What the server suggests about the current certificate.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// Seconds since 1970 of the suggested time.
    suggested: Option<i64>,
    /// Time until the next question; `None` before the first one.
    check_in: Option<Duration>,
}

impl Renewal {
    /// Returns when to renew a certificate that was obtained some time ago.
    pub(super) fn due(&self, current: &Certificate, host: &str, obtained_ago: Option<Duration>) -> Due {
        if current.is_temporary() || !current.covers(host) {
            return Due::Now;
        }
        let time = self.suggested.unwrap_or_else(|| current.last_third());
        let wait = u64::try_from(time - now()).map_or(Duration::ZERO, Duration::from_secs);
        let least = BETWEEN_ORDERS_MIN.min(current.life() / 3);
        let least = obtained_ago.map_or(Duration::ZERO, |ago| least.saturating_sub(ago));
        match wait.max(least) {
            Duration::ZERO => Due::Now,
            time => Due::Later(time),
        }
    }

    /// Returns the time until the next question for the suggested window.
    pub(super) fn check_in(&self) -> Duration {
        self.check_in.unwrap_or_default()
    }

    /// Asks the server for the window, and chooses a time in it. Without an answer, the last third of the life counts.
    pub(super) async fn ask<F>(&mut self, current: &Certificate, account: impl FnOnce() -> F)
    where
        F: Future<Output = anyhow::Result<Account>>,
    {
        self.check_in = Some(ASK.0);
        let Some(id) = identifier(current) else { return };
        let answer = async { anyhow::Ok(account().await?.renewal_info(&id).await?) };
        match answer.await {
            Ok((info, retry_after)) => {
                let window = info.suggested_window;
                let (start, end) = (window.start.unix_timestamp(), window.end.unix_timestamp());
                // A window in the past asks for a renewal at once, for example before a revocation.
                self.suggested = Some(start + fraction(current, (end - start).max(0)));
                self.check_in = Some(retry_after.clamp(ASK.0, ASK.1));
            }
            Err(error) => debug!("no renewal information: {error:#}"),
        }
    }
}

/// Returns the id of a certificate for the server; `None` if it has no key identifier of its issuer.
pub(super) fn identifier(certificate: &Certificate) -> Option<CertificateIdentifier<'static>> {
    if certificate.is_temporary() {
        return None;
    }
    let parsed = x509_cert::Certificate::from_der(certificate.key.cert.first()?).ok()?;
    let (_, issuer) = parsed.tbs_certificate.get::<AuthorityKeyIdentifier>().ok()??;
    let issuer = issuer.key_identifier?;
    let serial = parsed.tbs_certificate.serial_number.as_bytes();
    Some(CertificateIdentifier::new(Der::from_slice(issuer.as_bytes()), Der::from_slice(serial)).into_owned())
}

/// Spreads the renewals of different certificates over a window: the bytes of a certificate's signature are random.
fn fraction(certificate: &Certificate, seconds: i64) -> i64 {
    let bytes = certificate.key.cert.first().map_or(&[][..], |der| der.as_ref());
    let last = bytes.last_chunk::<2>().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    seconds * i64::from(last) / i64::from(u16::MAX)
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    i64::try_from(now).unwrap_or(i64::MAX)
}
