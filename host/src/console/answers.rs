//! Answers of the console, with the headers that keep other pages out.

use frontgate_console_access::proxy::ProxyRejection;
use frontgate_console_access::request::Rejection;
use frontgate_console_access::{Role, Session};
use frontgate_console_pages::assets::Asset;
use frontgate_console_pages::pages::{Problem, enter_by_proxy, sign_in};
use frontgate_console_pages::{Page, Table};
use frontgate_delivery::store::StoreError;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};

use crate::admin_pages::with_type;

const HTML: &str = "text/html; charset=utf-8";

/// Headers of every answer. Nothing may be loaded from elsewhere, no script or style may be in the page itself, and no
/// other page may contain or open this one. With a stricter referrer policy, a form without the script would have no origin.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        HeaderName::from_static("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("referrer-policy"), "same-origin"),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
];

/// The format of an answer, by the end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Html,
    Json,
    Csv,
}

impl Format {
    /// Returns the format of a path, and the path of the page.
    pub(super) fn of(path: &str) -> (Self, &str) {
        let twins = [(Self::Json, ".json"), (Self::Csv, ".csv")];
        let twin = twins.into_iter().find_map(|(format, end)| Some((format, path.strip_suffix(end)?)));
        twin.unwrap_or((Self::Html, path))
    }
}

/// The answer to a request.
pub(super) enum Answer {
    Ready(Response<Full<Bytes>>),
    /// A page, whose frame is made last.
    Page {
        status: StatusCode,
        session: Session,
        section: &'static str,
        page: Box<dyn Page + Send>,
        format: Format,
    },
}

/// Why a request is refused.
pub(super) enum Refusal {
    /// No session.
    SignedOut,
    /// The proxy names this person, who has no session yet.
    NotEntered(String),
    /// Headers of a proxy that does not prove itself.
    Identity(ProxyRejection),
    /// The proxy names this person, who has no role.
    NoRole(String),
    /// A token that is not known, has expired or was ended.
    EndedToken,
    /// A token for something else than reading JSON.
    TokenReads,
    /// A change without the session's proof.
    Unproved,
    /// Not from a page of this console.
    Rejected(Rejection),
    /// The person's role does not allow it; this one would.
    Forbidden(Role),
    NotFound,
    Method,
    /// The body is incomplete or too long.
    Incomplete,
    /// The query is not valid.
    Invalid(String),
    /// The database cannot be used.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Refusal {
    /// Returns the answer, as a page or as JSON.
    pub(super) fn response(self, format: Format) -> Response<Full<Bytes>> {
        let is_json = format == Format::Json;
        let (status, title, text) = match self {
            Self::SignedOut if !is_json => return html(StatusCode::UNAUTHORIZED, sign_in(None)),
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "Sign in", "Run `frontgate console`.".to_owned()),
            Self::NotEntered(who) if !is_json => return html(StatusCode::UNAUTHORIZED, enter_by_proxy(&who)),
            Self::NotEntered(_) => {
                (StatusCode::UNAUTHORIZED, "Sign in", "Open a page of the console first.".to_owned())
            }
            Self::Identity(rejection) => (StatusCode::FORBIDDEN, "Request rejected", rejection.text().to_owned()),
            Self::NoRole(who) => (
                StatusCode::FORBIDDEN,
                "No role",
                format!("{who} has no role in the console. An operator adds the person or a group to [console.roles]."),
            ),
            Self::EndedToken => (
                StatusCode::UNAUTHORIZED,
                "Token not valid",
                "The token has expired or was ended. `frontgate console token` prints a new one.".to_owned(),
            ),
            Self::TokenReads => (
                StatusCode::FORBIDDEN,
                "Not possible with a token",
                "A token reads JSON and CSV: use GET, and a path with .json or .csv.".to_owned(),
            ),
            Self::Unproved => (
                StatusCode::FORBIDDEN,
                "Not possible in this session",
                "The request has no proof of this session. Sign in with a link of `frontgate console`.".to_owned(),
            ),
            Self::Rejected(rejection) => (StatusCode::FORBIDDEN, "Request rejected", rejection.text()),
            Self::Forbidden(role) => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                format!("This needs the role {role}. `frontgate console --role {role}` makes a link for it."),
            ),
            // The answer does not reveal whether something of another tenant exists.
            Self::NotFound | Self::Store(StoreError::Rejected(_)) => {
                (StatusCode::NOT_FOUND, "Not found", "There is nothing at this address.".to_owned())
            }
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "Not possible", "Use GET or POST.".to_owned()),
            Self::Incomplete => {
                (StatusCode::BAD_REQUEST, "Not possible", "The form is incomplete or too long.".to_owned())
            }
            Self::Invalid(reason) => (StatusCode::BAD_REQUEST, "Not valid", reason),
            Self::Store(error) => (StatusCode::SERVICE_UNAVAILABLE, "The database cannot be used", error.to_string()),
        };
        let problem = Problem { title: title.to_owned(), text };
        if is_json { json(status, problem.json()) } else { html(status, problem.bare()) }
    }
}

/// Adds the headers of every answer.
fn guarded(mut response: Response<Full<Bytes>>, cache: &'static str) -> Response<Full<Bytes>> {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

pub(super) fn html(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    guarded(with_type(HTML, status, text), "no-store")
}

pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    guarded(with_type("application/json", status, body), "no-store")
}

/// Returns a list as a file.
pub(super) fn csv(table: &Table) -> Response<Full<Bytes>> {
    let mut response = guarded(with_type("text/csv; charset=utf-8", StatusCode::OK, table.bytes()), "no-store");
    let disposition = format!("attachment; filename=\"frontgate-{}.csv\"", table.name);
    let disposition = HeaderValue::from_str(&disposition).expect("a name of a list");
    response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    response
}

/// Returns a page without navigation.
pub(super) fn bare(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    html(status, Problem { title: title.to_owned(), text: text.to_owned() }.bare())
}

pub(super) fn asset(asset: &'static Asset) -> Response<Full<Bytes>> {
    guarded(with_type(asset.media_type, StatusCode::OK, asset.content), "public, max-age=31536000, immutable")
}

pub(super) fn redirect(path: &str) -> Response<Full<Bytes>> {
    let mut response = html(StatusCode::SEE_OTHER, String::new());
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}
