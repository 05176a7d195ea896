//! Front as one app's channels reach it: with a fresh token for each request, at its pace, and with files
//! that are never held as a whole.

pub(super) mod files;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use frontgate_front::api::{Body, Call, Fate, Response, Scope};
use frontgate_front::token;
use frontgate_net::form::{Form, Part};
use frontgate_net::{Client, ClientResponse, SendError, confidential};
use frontgate_runtime::files::Failure as Broken;
use frontgate_store::now_ms;
use frontgate_tenants::FrontApp;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method};
use url::Url;
use zeroize::Zeroizing;

use self::pace::{Pace, Turn};
use super::store::front::Channel;

/// One app, and how it calls Front.
pub(super) struct Front {
    pub(super) app: Arc<FrontApp>,
    client: Arc<Client>,
    pace: Arc<Pace>,
}

/// A file on its way to Front.
pub(super) type FilePart = Part<Broken>;

impl Front {
    pub(super) fn new(app: &Arc<FrontApp>, client: &Arc<Client>) -> Self {
        Self { app: Arc::clone(app), client: Arc::clone(client), pace: Arc::new(Pace::new(app.calls_per_second_max)) }
    }

    /// Waits until a call of a channel may leave. Front counts files that it is asked for, too.
    pub(super) async fn turn(&self, channel: &Channel) -> Turn {
        self.pace.turn(channel.id).await
    }

    /// Makes a call when it is its turn.
    pub(super) async fn call(&self, channel: &Channel, call: &Call) -> Fate {
        let turn = self.turn(channel).await;
        self.call_now(turn, channel, call, Vec::new()).await
    }

    /// Makes a call with files, which were opened after its turn had come: they wait for nobody.
    pub(super) async fn call_now(&self, turn: Turn, channel: &Channel, call: &Call, files: Vec<FilePart>) -> Fate {
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
            self.learn(channel, answer, &fate);
        }
        drop(turn);
        fate
    }

    /// A token for one request, made when it leaves.
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
                    // It may name people.
                    tracing::debug!(channel = channel.channel_id, "Front says: {detail}");
                }
                fate
            }
            Err(failure @ SendError::NotSent(_)) => {
                Fate::Again { after_ms: None, scope: Scope::Channel, reason: failure.to_string() }
            }
            Err(failure @ SendError::NoResponse(_)) => Fate::Unclear(failure.to_string()),
        }
    }

    fn learn(&self, channel: &Channel, answer: &ClientResponse, fate: &Fate) {
        let budget = response(answer, &|name| header(answer, name)).budget();
        let reset = budget.reset_ms.map(|at| Duration::from_millis(at.saturating_sub(now_ms())));
        self.pace.learn(budget.remaining, reset);
        if let Fate::Again { after_ms, scope, .. } = fate
            && answer.status.as_u16() != 307
        {
            let pause = after_ms.map_or(pace::PAUSE, Duration::from_millis);
            match scope {
                Scope::Channel => self.pace.pause_channel(channel.id, pause),
                Scope::Company => self.pace.pause_company(pause),
            }
        }
    }
}

fn response<'r>(answer: &'r ClientResponse, header: &'r dyn Fn(&str) -> Option<&'r str>) -> Response<'r> {
    Response { status: answer.status.as_u16(), header, body: answer.body.as_deref() }
}

fn header<'r>(answer: &'r ClientResponse, name: &str) -> Option<&'r str> {
    answer.headers.get(name)?.to_str().ok()
}
