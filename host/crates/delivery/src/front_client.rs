//! Client of Front's API for the channels of one app.
//!
//! Each request gets a fresh token and waits for the rate limit. Files are streamed and never held in memory.

pub(super) mod files;
mod rate_limit;

use std::sync::Arc;
use std::time::Duration;

use frontgate_front::api::{Body, Call, Fate, Response, Scope};
use frontgate_front::token;
use frontgate_net::form::{Form, Part};
use frontgate_net::{Client, ClientResponse, SendError, confidential};
use frontgate_replicas::Replica;
use frontgate_store::now_ms;
use frontgate_tenants::FrontApp;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method};
use url::Url;
use zeroize::Zeroizing;

pub(super) use self::rate_limit::AppRateLimit;
use self::rate_limit::Permit;
use super::handlers::SILENT;
use super::store::front::Channel;

/// A client of Front's API, with the credentials of one app.
pub(super) struct FrontClient {
    pub(super) app: Arc<FrontApp>,
    client: Arc<Client>,
    rate_limit: Arc<AppRateLimit>,
    replica: Arc<Replica>,
}

/// A file to be uploaded to Front.
pub(super) type FilePart = Part<frontgate_runtime::files::Failure>;

impl FrontClient {
    pub(super) fn new(
        app: &Arc<FrontApp>,
        client: &Arc<Client>,
        rate_limit: Arc<AppRateLimit>,
        replica: &Arc<Replica>,
    ) -> Self {
        Self { app: Arc::clone(app), client: Arc::clone(client), rate_limit, replica: Arc::clone(replica) }
    }

    /// Waits until a channel may make a call. File downloads use up Front's rate limit as well.
    pub(super) async fn permit(&self, channel: &Channel) -> Permit {
        self.rate_limit.acquire(channel.id).await
    }

    /// Waits for a permit and makes a call, see [`FrontClient::call_now`].
    pub(super) async fn call(&self, leased_by: Option<i64>, channel: &Channel, call: &Call) -> Fate {
        let permit = self.permit(channel).await;
        self.call_now(permit, leased_by, channel, call, Vec::new()).await
    }

    /// Makes a call with files. The files are opened only once the permit is held, so no open file waits for a permit.
    ///
    /// `leased_by` is the replica that leased the delivery: the call is not made if another one may have taken over.
    pub(super) async fn call_now(
        &self,
        permit: Permit,
        leased_by: Option<i64>,
        channel: &Channel,
        call: &Call,
        files: Vec<FilePart>,
    ) -> Fate {
        if !self.replica.may_act(leased_by) {
            return Fate::Again { after_ms: None, scope: Scope::Channel, reason: SILENT.to_owned() };
        }
        let url = format!("{}{}", self.app.api_url.as_str().trim_end_matches('/'), call.path);
        let url = Url::parse(&url).expect("a checked URL and an escaped path");
        let method = Method::try_from(call.method.as_str()).expect("a method");
        let mut headers = self.headers(channel);
        let sent = match &call.body {
            Body::None => self.client.send(method, &url, headers, Bytes::new()).await,
            Body::Json(json) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.client.send(method, &url, headers, Bytes::from(json.clone())).await
            }
            Body::Form(fields) => {
                let fields = fields.iter().map(|field| Part {
                    name: field.name.clone(),
                    filename: None,
                    content_type: None,
                    body: Full::from(field.value.clone()).map_err(|never| match never {}).boxed_unsync(),
                });
                let form = Form::new(fields.chain(files));
                let kind = HeaderValue::try_from(form.content_type()).expect("a boundary is part of a header");
                headers.insert(CONTENT_TYPE, kind);
                self.client.send_stream(method, &url, headers, form, self.app.files_timeout).await
            }
        };
        let fate = self.fate(channel, &sent);
        if let Ok(answer) = &sent {
            self.update_rate_limit(channel, answer, &fate);
        }
        drop(permit);
        fate
    }

    /// Returns the headers, with a new token that is valid for a few seconds.
    fn headers(&self, channel: &Channel) -> HeaderMap {
        let jti = uuid::Uuid::new_v4().simple().to_string();
        let token = self.app.issuer.token(&channel.channel_id, &jti, now_ms() / 1_000, token::LIFETIME_SECONDS);
        let bearer = confidential(Zeroizing::new(format!("Bearer {token}"))).expect("base64 is a header value");
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontgate/", env!("CARGO_PKG_VERSION"))));
        headers
    }

    fn fate(&self, channel: &Channel, sent: &Result<ClientResponse, SendError>) -> Fate {
        match sent {
            Ok(answer) => {
                let fate = response(answer, &|name| header(answer, name)).fate(now_ms());
                if !matches!(fate, Fate::Accepted { .. })
                    && let Some(detail) = response(answer, &|name| header(answer, name)).detail()
                {
                    // Logged at debug level only, because the text may contain names.
                    tracing::debug!(channel = channel.channel_id, "error text of Front: {detail}");
                }
                fate
            }
            Err(failure @ SendError::NotSent(_)) => {
                Fate::Again { after_ms: None, scope: Scope::Channel, reason: failure.to_string() }
            }
            Err(failure @ SendError::NoResponse(_)) => Fate::Unclear(failure.to_string()),
        }
    }

    fn update_rate_limit(&self, channel: &Channel, answer: &ClientResponse, fate: &Fate) {
        let budget = response(answer, &|name| header(answer, name)).budget();
        let reset = budget.reset_ms.map(|at| Duration::from_millis(at.saturating_sub(now_ms())));
        self.rate_limit.update(budget.remaining, reset);
        if let Fate::Again { after_ms, scope, .. } = fate
            && answer.status.as_u16() != 307
        {
            let pause = after_ms.map_or(rate_limit::PAUSE, Duration::from_millis);
            let tenant = Arc::from(channel.tenant.as_str());
            let one = match scope {
                Scope::Channel => Some(channel.id),
                Scope::Company => None,
            };
            match one {
                Some(channel) => self.rate_limit.pause_channel(channel, pause),
                None => self.rate_limit.pause_company(pause),
            }
            self.replica.note_pause(&tenant, frontgate_replicas::Part::Front, one, pause);
        }
    }
}

fn response<'r>(answer: &'r ClientResponse, header: &'r dyn Fn(&str) -> Option<&'r str>) -> Response<'r> {
    Response { status: answer.status.as_u16(), header, body: answer.body.as_deref() }
}

fn header<'r>(answer: &'r ClientResponse, name: &str) -> Option<&'r str> {
    answer.headers.get(name)?.to_str().ok()
}
