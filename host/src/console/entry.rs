//! Sign-in, sign-out, and the search for an id.

use std::sync::Arc;

use frontgate_console_access::proxy::Identity;
use frontgate_console_access::{SignIn, request};
use frontgate_console_pages::pages::{enter_by_proxy, sign_in, signed_out};
use frontgate_console_pages::words;
use hyper::header::{ACCEPT, HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, StatusCode};
use serde_json::json;
use tracing::info;

use super::answers::{Answer, Refusal};
use super::requests::sees;
use super::{Call, Console, answers, value};

impl Console {
    /// Shows the page for signing in; uses the code of a link, or begins the session of a person of the proxy.
    pub(super) async fn enter(
        self: &Arc<Self>,
        is_change: bool,
        headers: &HeaderMap,
        form: &[(String, String)],
        identity: Option<&Identity>,
    ) -> Result<Answer, Refusal> {
        if !is_change {
            let page = identity.map_or_else(|| sign_in(None), |identity| enter_by_proxy(&identity.who));
            return Ok(Answer::Ready(answers::html(StatusCode::OK, page)));
        }
        let access = &self.sources.access;
        // The script asks for JSON. Without it, the browser never gets the proof, and the session only reads.
        let is_script = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json");
        let entered = match identity {
            Some(identity) => {
                Ok(access.enter_by_proxy(identity).await?.ok_or_else(|| Refusal::NoRole(identity.who.clone()))?)
            }
            None => access.enter(value(form, "code").unwrap_or_default()).await?,
        };
        let entered = match entered {
            Ok(entered) => entered,
            Err(error) if is_script => {
                let body = json!({ "text": error.text() }).to_string();
                return Ok(Answer::Ready(answers::json(StatusCode::UNAUTHORIZED, body.into_bytes())));
            }
            Err(error) => {
                return Ok(Answer::Ready(answers::html(StatusCode::UNAUTHORIZED, sign_in(Some(error.text())))));
            }
        };
        info!(event = "console.signed_in", "a person signed in to the console");
        let mut response = if is_script {
            answers::json(StatusCode::OK, json!({ "proof": entered.proof }).to_string().into_bytes())
        } else {
            answers::redirect("/")
        };
        set_cookie(response.headers_mut(), &request::set_cookie(&entered.cookie, &access.settings()));
        Ok(Answer::Ready(response))
    }

    pub(super) async fn leave(&self, call: &Call) -> Result<Answer, Refusal> {
        let access = &self.sources.access;
        access.leave(&call.session).await?;
        // The proxy would sign the person in again at once.
        let next = if call.session.sign_in == SignIn::Proxy { "/left" } else { "/enter" };
        let mut response = answers::redirect(next);
        set_cookie(response.headers_mut(), &request::set_cookie("", &access.settings()));
        Ok(Answer::Ready(response))
    }

    /// Shows the page after signing out of the console, for people who are still signed in at the proxy.
    pub(super) fn left(&self) -> Answer {
        let settings = self.sources.access.settings();
        let sign_out = settings.proxy.as_ref().and_then(|proxy| proxy.sign_out.as_deref());
        Answer::Ready(answers::html(StatusCode::OK, signed_out(sign_out)))
    }

    /// Leads to the page about an id.
    pub(super) async fn find(&self, call: &Call) -> Result<Answer, Refusal> {
        let wanted = call.query("q").unwrap_or_default().trim();
        let path = self.path_of(call, wanted).await?;
        let path = path.ok_or_else(|| {
            Refusal::Invalid(format!("Nothing with the id `{}` was found.", words::short(wanted, 60)))
        })?;
        Ok(Answer::Ready(answers::redirect(&path)))
    }

    async fn path_of(&self, call: &Call, wanted: &str) -> Result<Option<String>, Refusal> {
        let super::Sources { store, admin_pages, .. } = &self.sources;
        if super::history::address(wanted).is_some() {
            return Ok(Some(format!("/conversations?q={}", super::encoded(wanted))));
        }
        if wanted.parse::<i64>().is_ok() {
            return Ok(Some(format!("/deliveries/{wanted}")));
        }
        if self.record_by_id(wanted).await.is_some_and(|record| sees(&call.session, &record)) {
            return Ok(Some(format!("/events/{wanted}")));
        }
        if let Some(channel) = store
            .channel_summaries()
            .await?
            .iter()
            .find(|channel| channel.channel == wanted && call.session.sees(&channel.tenant))
        {
            return Ok(Some(format!("/channels/{}", channel.id)));
        }
        if call.session.tenants.is_none() && admin_pages.plugins().contains_key(wanted) {
            return Ok(Some(format!("/plugins/{wanted}")));
        }
        let tenants = admin_pages.tenant_names().into_iter().filter(|tenant| call.session.sees(tenant));
        for tenant in tenants {
            let is_recorded = !self.records_of_conversation(&tenant, wanted).await.is_empty();
            if is_recorded || store.has_conversation(&tenant, wanted).await? {
                return Ok(Some(format!("/conversations/{}/{}", super::encoded(&tenant), super::encoded(wanted))));
            }
        }
        Ok(None)
    }
}

fn set_cookie(headers: &mut HeaderMap, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
}
