//! The pages of a sign-in: plain forms that need no script, readable on a phone, in light and dark.
//!
//! Every text of a plugin, a provider or a configuration is escaped. The policy of each response forbids scripts, frames
//! and other sites' content; only the style of this module is allowed, by its digest.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_tenants::OauthApp;
use html_escape::encode_safe;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::super::super::response::set_retry_after;
use super::content::{Content, Shown, ShownChoice, ShownField};
use super::private;
use crate::error::Error;

/// Before the names of a plugin's fields, so that they cannot be names of the gateway's.
pub(super) const FIELD_PREFIX: &str = "field.";

const STYLE: &str = include_str!("style.css");

/// The source of the style in a policy.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(STYLE))));

const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// Where the forms of a page may lead.
#[derive(Clone, Copy)]
pub(super) enum Forms<'p> {
    /// The page has no form.
    None,
    /// To the gateway only.
    Own,
    /// Also to Front, and where Front leads from there.
    Away(&'p str),
}

/// The fixed parts of a page's form.
pub(super) struct FormOf<'p> {
    /// The path that takes it.
    pub(super) action: &'p str,
    /// The number of the page.
    pub(super) step: i64,
    /// The mark that proves that this page sends it.
    pub(super) mark: &'p str,
}

/// Shows the current page of a sign-in.
pub(super) fn page(
    content: &Content,
    form: &FormOf<'_>,
    oauth: &OauthApp,
    redirect_uri: &str,
) -> Response<Full<Bytes>> {
    let client = encode_safe(&oauth.display_name);
    let context = format!("<p class=\"from\">{client} asks to connect a channel.</p>");
    let notice = content.notice.as_deref().map(problem).unwrap_or_default();
    match &content.shown {
        Shown::Form { title, text, problem: found, fields, button } => {
            let body = format!(
                "{context}{notice}{}{}{}{}<div class=\"buttons\">{}{}</div>{END}",
                found.as_deref().map(problem).unwrap_or_default(),
                paragraph(text.as_deref()),
                begin(form),
                fields.iter().enumerate().map(|(at, field)| input(field, at == 0)).collect::<String>(),
                action("submit", button, "main"),
                action_unchecked("cancel", "Cancel"),
            );
            document(StatusCode::OK, title, &body, Forms::Own)
        }
        Shown::Choices { title, text, accounts } => {
            let body = format!(
                "{context}{notice}{}{}<div class=\"choices\">{}</div><div class=\"buttons\">{}</div>{END}",
                paragraph(text.as_deref()),
                begin(form),
                accounts.iter().map(choice).collect::<String>(),
                action_unchecked("cancel", "Cancel"),
            );
            document(StatusCode::OK, title, &body, Forms::Own)
        }
        Shown::Redirect { url } => {
            let body =
                format!("{context}{notice}<p>Your provider asks you to sign in.</p>{}", link(url, "Continue to"));
            with_refresh(document(StatusCode::OK, "Sign in at your provider", &body, Forms::None), url)
        }
        Shown::Consent { name, address, .. } => {
            let title = format!("Allow {} to use this account?", oauth.display_name);
            let body = format!(
                "{notice}<dl><dt>Account</dt><dd>{}</dd><dt>Address</dt><dd>{}</dd></dl>\
                 <p>{client} will receive the messages of your customers, and send messages in the name of this \
                 account.</p><p>You return to {}.</p>{}<div class=\"buttons\">{}{}</div>{END}",
                encode_safe(name),
                encode_safe(address),
                encode_safe(&host(redirect_uri)),
                begin(form),
                action("allow", "Allow", "main"),
                action("cancel", "Refuse", ""),
            );
            document(StatusCode::OK, &title, &body, Forms::Away(redirect_uri))
        }
    }
}

/// Says that the provider refused, with the way back to the client.
pub(super) fn refused(reason: &str, url: &str, oauth: &OauthApp) -> Response<Full<Bytes>> {
    let back = link(url, &format!("Return to {}:", oauth.display_name));
    let body = format!("{}{back}", paragraph(Some(reason)));
    document(StatusCode::OK, "This account cannot be connected", &body, Forms::None)
}

/// Leads back to the client at once.
pub(super) fn leaving(url: &str, oauth: &OauthApp) -> Response<Full<Bytes>> {
    let body = link(url, "Continue to");
    let title = format!("You return to {}", oauth.display_name);
    with_refresh(document(StatusCode::OK, &title, &body, Forms::None), url)
}

/// Says that a request failed.
pub(in super::super::super) fn error_page(error: &Error, request: &str) -> Response<Full<Bytes>> {
    let (status, code) = error.status_and_code();
    let (title, text) = match error {
        Error::SignInInvalid(text) => ("This page cannot be opened", *text),
        Error::SignInEnded => ("This sign-in has ended", "Start again where you wanted to connect the channel."),
        Error::SignInForged => (
            "This request was stopped",
            "It does not belong to your sign-in. Start again where you wanted to connect the channel.",
        ),
        _ if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::GATEWAY_TIMEOUT => {
            ("The service cannot be reached", "Please try again in a minute.")
        }
        _ => ("The sign-in failed", "Start again where you wanted to connect the channel."),
    };
    let body = format!("<p>{}</p><p class=\"help\">{code}, request {}</p>", encode_safe(text), encode_safe(request));
    let mut response = document(status, title, &body, Forms::None);
    set_retry_after(&mut response, error);
    response
}

/// Sets the headers that keep a page to itself.
pub(super) fn protect(response: &mut Response<Full<Bytes>>, forms: Forms<'_>) {
    let form_action = match forms {
        Forms::None => "'none'".to_owned(),
        Forms::Own => "'self'".to_owned(),
        Forms::Away(url) => format!("'self' https: {}", origin(url)),
    };
    let policy = format!(
        "default-src 'none'; style-src {}; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'",
        *STYLE_SOURCE
    );
    let headers = response.headers_mut();
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The address of a page can contain the client's state.
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

const END: &str = "</form>";

fn document(status: StatusCode, title: &str, body: &str, forms: Forms<'_>) -> Response<Full<Bytes>> {
    let title = encode_safe(title);
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    protect(&mut response, forms);
    private(response)
}

fn with_refresh(mut response: Response<Full<Bytes>>, url: &str) -> Response<Full<Bytes>> {
    if let Ok(value) = HeaderValue::try_from(format!("0; url={url}")) {
        response.headers_mut().insert(REFRESH, value);
    }
    response
}

fn begin(form: &FormOf<'_>) -> String {
    format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"step\" value=\"{}\">\
         <input type=\"hidden\" name=\"mark\" value=\"{}\">",
        encode_safe(form.action),
        form.step,
        encode_safe(form.mark)
    )
}

fn input(field: &ShownField, is_first: bool) -> String {
    let (name, label) = (format!("{FIELD_PREFIX}{}", field.name), encode_safe(&field.label));
    let (kind, completion) = if field.is_password { ("password", "current-password") } else { ("text", "on") };
    let mut html = format!(
        "<div class=\"field\"><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"{kind}\" \
         autocomplete=\"{completion}\" autocapitalize=\"off\" spellcheck=\"false\" maxlength=\"4096\""
    );
    if let Some(value) = &field.value {
        let _ = write!(html, " value=\"{}\"", encode_safe(value));
    }
    if field.help.is_some() {
        let _ = write!(html, " aria-describedby=\"{name}.help\"");
    }
    html += if field.is_optional { "" } else { " required" };
    html += if is_first { " autofocus>" } else { ">" };
    if let Some(help) = &field.help {
        let _ = write!(html, "<p class=\"help\" id=\"{name}.help\">{}</p>", encode_safe(help));
    }
    html + "</div>"
}

fn choice(account: &ShownChoice) -> String {
    let detail = account.detail.as_deref().map(|detail| format!("<small>{}</small>", encode_safe(detail)));
    format!(
        "<button name=\"account\" value=\"{}\"><span>{}</span>{}</button>",
        encode_safe(&account.id),
        encode_safe(&account.name),
        detail.unwrap_or_default()
    )
}

fn action(name: &str, label: &str, class: &str) -> String {
    format!("<button name=\"action\" value=\"{name}\" class=\"{class}\">{}</button>", encode_safe(label))
}

/// Returns a button that works although required fields are empty.
fn action_unchecked(name: &str, label: &str) -> String {
    format!("<button name=\"action\" value=\"{name}\" formnovalidate>{}</button>", encode_safe(label))
}

fn paragraph(text: Option<&str>) -> String {
    text.map(|text| format!("<p>{}</p>", encode_safe(text))).unwrap_or_default()
}

fn problem(text: &str) -> String {
    format!("<p class=\"problem\" role=\"alert\">{}</p>", encode_safe(text))
}

/// Returns a link that shows where it leads.
fn link(url: &str, label: &str) -> String {
    let (url, shown) = (encode_safe(url), host(url));
    format!("<p><a href=\"{url}\">{} {}</a></p>", encode_safe(label), encode_safe(&shown))
}

fn host(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    parsed.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Returns the origin of a URL, as a policy names it.
fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
