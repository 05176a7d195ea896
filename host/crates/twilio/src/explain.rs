//! Explains why a signature does not match. Shows the keys and URLs that were tried and the single change that would
//! match. The explanation is for the operator's log, never for the caller.

use std::fmt;

use super::candidates::{self, Base};
use super::form::Form;
use super::signature::{Key, Keys, Refusal, SignedRequest};

/// Maximum number of other tenants whose keys are tried.
const OTHERS_MAX: usize = 200;

/// Words before the URL of a change to `server.public_url`.
const IF_PUBLIC_URL: &str = "if public_url were ";

/// Returns the `public_url` with which a refused request would match, from the text of its explanation.
pub fn public_url_in(explanation: &str) -> Option<&str> {
    explanation.split_once(IF_PUBLIC_URL).map(|(_, url)| url.trim())
}

/// Context of a request.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'s> {
    /// The `Host` header.
    pub host: Option<&'s str>,
    /// Keys of the other tenants, by name.
    pub others: &'s [(&'s str, &'s Keys)],
}

/// The explanation of a refusal.
#[derive(Debug)]
pub struct Explanation {
    /// The refusal.
    pub refusal: Refusal,
    /// The URL that was tried, without user-info and query.
    pub url: String,
    /// Labels of the keys that were tried.
    pub keys: Vec<String>,
    /// The single change that would make the signature match.
    pub near_miss: Option<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.refusal != Refusal::Mismatch {
            write!(f, "{}; ", self.refusal)?;
        }
        write!(f, "tried {} (with and without the standard port)", self.url)?;
        if self.keys.is_empty() {
            f.write_str("; no key configured (add auth_tokens)")?;
        } else {
            write!(f, " with {}", self.keys.join(", "))?;
        }
        match &self.near_miss {
            Some(change) => write!(f, "; it would match {change}"),
            None if self.refusal == Refusal::Mismatch && !self.keys.is_empty() => {
                f.write_str("; no single change would match: is this the auth token of the account that sends?")
            }
            None => Ok(()),
        }
    }
}

/// Explains a refusal. The cost is a few dozen signatures, so the caller must limit the size of the request.
pub fn explain(keys: &Keys, request: &SignedRequest<'_>, refusal: Refusal, around: &Surroundings<'_>) -> Explanation {
    let path = request.target.split('?').next().unwrap_or_default();
    let tried = keys.candidates(request).unwrap_or_default();
    Explanation {
        url: format!("{}{path}", keys.base.display()),
        keys: tried.iter().map(|key| key.label.clone()).collect(),
        near_miss: (refusal == Refusal::Mismatch).then(|| near_miss(keys, tried, request, around)).flatten(),
        refusal,
    }
}

fn near_miss(keys: &Keys, tried: &[Key], request: &SignedRequest<'_>, around: &Surroundings<'_>) -> Option<String> {
    let signature = request.signature?;
    let form = match request.is_form {
        true => Form::parse(request.body).ok()?,
        false => Form::default(),
    };
    let texts = candidates::texts(&form);
    let matches = |keys: &[Key], base: &Base, target: &str, texts: &[String]| {
        base.urls(target)
            .iter()
            .any(|url| texts.iter().any(|text| keys.iter().any(|key| key.matches(url, text, signature))))
    };
    if !request.is_form
        && let Ok(form) = Form::parse(request.body)
        && matches(tried, &keys.base, request.target, &candidates::texts(&form))
    {
        return Some("if Content-Type were application/x-www-form-urlencoded".to_owned());
    }
    for (change, base) in bases(keys, around) {
        if matches(tried, &base, request.target, &texts) {
            return Some(change);
        }
    }
    for (change, target) in targets(request.target) {
        if matches(tried, &keys.base, &target, &texts) {
            return Some(change.to_owned());
        }
    }
    for (change, text) in forms(&form) {
        if matches(tried, &keys.base, request.target, &[text]) {
            return Some(change.to_owned());
        }
    }
    // Only the most likely text is tried, since there may be many tenants.
    let (url, text) = (keys.base.likely(request.target), texts.first()?);
    around
        .others
        .iter()
        .take(OTHERS_MAX)
        .find(|(_, other)| other.tokens.iter().any(|key| key.matches(&url, text, signature)))
        .map(|(name, _)| format!("with the keys of tenant `{name}`"))
}

fn bases(keys: &Keys, around: &Surroundings<'_>) -> Vec<(String, Base)> {
    let base = &keys.base;
    let say = |base: &Base| format!("{IF_PUBLIC_URL}{}", base.display());
    let mut all = vec![base.other_scheme(), base.without_path()];
    if let Some(host) = around.host {
        all.extend(["https", "http"].map(|scheme| base.at(scheme, host)));
    }
    all.into_iter().map(|base| (say(&base), base)).collect()
}

fn targets(target: &str) -> Vec<(&'static str, String)> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let tail = query.map(|query| format!("?{query}")).unwrap_or_default();
    let mut all = vec![match path.strip_suffix('/') {
        Some(bare) => ("if the URL at Twilio had no slash at its end", format!("{bare}{tail}")),
        None => ("if the URL at Twilio ended with a slash", format!("{path}/{tail}")),
    }];
    if let Some(query) = query {
        let mut parts: Vec<&str> = query.split('&').collect();
        parts.sort_unstable();
        all.push(("without the query string (added by a proxy)", path.to_owned()));
        all.push(("if the query were sorted", format!("{path}?{}", parts.join("&"))));
    }
    all
}

fn forms(form: &Form<'_>) -> Vec<(&'static str, String)> {
    let trimmed: Vec<(String, String)> =
        form.pairs().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&trimmed).finish();
    let trimmed = Form::parse(encoded.as_bytes()).map(|form| candidates::texts(&form).swap_remove(0));
    let mut all = vec![("without the form, as after a redirect or a JSON body", String::new())];
    all.extend(trimmed.ok().map(|text| ("if the fields' values were trimmed", text)));
    all
}
