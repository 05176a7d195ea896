//! What Front asks of a channel: verified as it came, kept before it is answered, and answered within
//! Front's seven seconds whatever the plugin does.

mod connect;
mod message;
mod provider;

use std::sync::Arc;

use frontgate_delivery::store::front::{Channel, ChannelState, ReplayCheck};
use frontgate_front::answers::{Answer, Outcome, problem};
use frontgate_front::explain::{Surroundings, explain, explain_unread};
use frontgate_front::requests;
use frontgate_front::requests::Question;
use frontgate_front::signature::{Request as Signed, SIGNATURE, TIMESTAMP};
use frontgate_front::{ids, replay};
use frontgate_runtime::{CallError, Deadlines};
use frontgate_store::{StoreError, now_ms};
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::roles::Asking;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::trip::{FRONT, PROVIDER, Trip};
use super::{Gateway, heavy, with_retry_after};
use crate::body;
use crate::connections::Hold;
use crate::error::Error;
use crate::routes::{Address, FrontRoute};

/// A request of Front that was verified.
struct Asked<'a> {
    route: &'a FrontRoute,
    headers: &'a HeaderMap,
    body: &'a [u8],
    /// Under which the answer is kept, in case somebody sends the request again.
    replay: String,
    deadline: Instant,
}

impl Gateway {
    pub(super) async fn front(
        &self,
        route: &FrontRoute,
        head: Parts,
        body: Incoming,
        started: Instant,
        trip: &mut Trip<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let app = &route.app;
        let is_provider = matches!(route.address, Address::Provider(_));
        trip.is_for(&route.tenant.name, if is_provider { PROVIDER } else { FRONT });
        let is_channel = matches!(route.address, Address::Channel(_));
        if !is_provider && head.method != Method::POST && !(is_channel && head.method == Method::DELETE) {
            return Err(Error::Method);
        }
        let deadline = started + if is_provider { app.provider_timeout } else { app.timeout };
        if !is_provider {
            let presented = app.keys.presented(&signed(&head, b""));
            presented.map_err(|refusal| Error::Signature(explain_unread(&app.keys, refusal)))?;
        }
        // Nobody's body is read for a channel that is not there.
        let channel = match &route.address {
            Address::App => None,
            Address::Channel(key) | Address::Provider(key) => Some(self.channel_at(route, key, deadline).await?),
        };
        let server = &self.server;
        let (body, hold) = body::read(body, &head.headers, app.body_bytes_max, server, deadline, trip.caller()).await?;
        match channel {
            Some(channel) if is_provider => self.provider(route, &channel, &head, (&body, hold), deadline, trip).await,
            channel => Ok(json(&self.answer(route, channel.as_ref(), &head, (&body, hold), deadline, trip).await?)),
        }
    }

    async fn answer(
        &self,
        route: &FrontRoute,
        channel: Option<&Channel>,
        head: &Parts,
        (body, mut hold): (&[u8], Hold<'_>),
        deadline: Instant,
        trip: &mut Trip<'_>,
    ) -> Result<Answer, Error> {
        let request = signed(head, body);
        let Signed { timestamp, signature, .. } = request;
        hold.complete().map_err(|_| Error::BodiesFull)?;
        let verified = match heavy(body.len(), deadline, || route.app.keys.verify(&request, now_ms())).await? {
            Ok(verified) => verified,
            Err(refusal) => {
                let explanation = self.explainer.words(body.len(), &refusal, || {
                    let others = self.routes.tenants().iter().flat_map(|tenant| tenant.front.values());
                    let others = others.filter(|other| !Arc::ptr_eq(other, &route.app));
                    let others: Vec<_> = others.map(|other| (&*other.name, &other.keys)).collect();
                    explain(&route.app.keys, &request, refusal.clone(), &Surroundings { others: &others }).to_string()
                });
                return Err(Error::Signature(explanation));
            }
        };
        trip.verified();
        drop(hold);
        let key = format!("front.{}.{}", route.app.name, verified.key);
        let signed_by = labels::Verified { tenant: Arc::clone(&route.tenant.name), key: key.into() };
        METRICS.verified.get_or_create(&signed_by).inc();
        let decoded = requests::decode(&verified).map_err(|reason| Error::Unreadable(reason.to_string()))?;
        trip.event(decoded.question.name());
        // Whichever of the app's addresses it is sent to, it is the same request.
        let replay = replay::key(&route.app.name, timestamp.unwrap_or_default(), signature.unwrap_or_default());
        let asked = Asked { route, headers: &head.headers, body, replay, deadline };
        match (channel, decoded.question) {
            (_, Question::Unknown(name)) => Err(Error::UnknownType(name)),
            (None, Question::Authorization(authorization)) => {
                self.once(&asked, self.authorization(&asked, authorization.channel_id, trip)).await
            }
            (None, Question::ListAddresses(list)) => {
                self.once(&asked, self.list_addresses(&asked, list.page_token, trip)).await
            }
            (None, _) => Err(Error::Unreadable("this is not the address of a channel".to_owned())),
            (Some(channel), question) => self.channel(&asked, channel, question, trip).await,
        }
    }

    async fn channel(
        &self,
        asked: &Asked<'_>,
        channel: &Channel,
        question: Question,
        trip: &mut Trip<'_>,
    ) -> Result<Answer, Error> {
        match question {
            // Whoever removes it twice has removed it.
            Question::Delete(delete) if delete.channel_id.as_ref().is_none_or(|id| *id == channel.channel_id) => {
                let removed = self.store.remove_channel(channel, trip.id());
                within(asked.deadline, removed).await?;
                Ok(Outcome::Noted.answer())
            }
            _ if channel.state != ChannelState::Connected => Err(Error::NoChannel),
            Question::Message(message) => self.message(asked, channel, &message, trip).await,
            Question::Imported(imported) => {
                let noted = self.store.confirm_import(channel.id, &asked.route.tenant.name, imported);
                within(asked.deadline, noted).await?;
                Ok(Outcome::Noted.answer())
            }
            Question::Authorization(authorization) if authorization.channel_id == channel.channel_id => {
                self.once(asked, self.authorization(asked, authorization.channel_id, trip)).await
            }
            Question::ListAddresses(list) => self.once(asked, self.list_addresses(asked, list.page_token, trip)).await,
            Question::Authorization(_) | Question::Delete(_) | Question::Unknown(_) => {
                Err(Error::Unreadable("this is the address of another channel".to_owned()))
            }
        }
    }

    /// The channel of an address, also one that was removed.
    async fn channel_at(&self, route: &FrontRoute, key: &str, deadline: Instant) -> Result<Channel, Error> {
        let found = within(deadline, self.store.channel_at(&route.tenant.name, key.to_owned())).await?;
        let is_here = |channel: &Channel| *channel.tenant == *route.tenant.name && *channel.app == *route.app.name;
        found.filter(is_here).ok_or(Error::NoChannel)
    }

    /// The answer that the very same request got before, or else this one, kept.
    async fn once(
        &self,
        asked: &Asked<'_>,
        answering: impl Future<Output = Result<Answer, Error>>,
    ) -> Result<Answer, Error> {
        let tenant = &asked.route.tenant.name;
        let unsigned = replay::unsigned(credential(asked.headers).as_deref());
        match within(asked.deadline, self.store.check_replay(tenant, asked.replay.clone(), unsigned)).await? {
            ReplayCheck::Open => {}
            ReplayCheck::Answered(before) => return Ok(before),
            ReplayCheck::Altered => {
                return Err(Error::Signature("the same request came before with another Authorization".to_owned()));
            }
        }
        let answered = answering.await;
        // A refusal is an answer; what could not be answered may be asked again.
        let answer = answered.as_ref().map_or_else(said, Answer::clone);
        if answer.status < 500 {
            within(asked.deadline, self.store.store_replay_answer(tenant, asked.replay.clone(), answer)).await?;
        }
        answered
    }

    fn asking_channel(&self, route: &FrontRoute, deadline: Instant, trip: &Trip<'_>) -> Asking {
        let deadlines = Deadlines { queue: deadline, answer: deadline };
        self.plugins.asking(&route.tenant, trip.id(), deadlines, trip.receipts())
    }
}

/// A request as far as Front signs it.
fn signed<'r>(head: &'r Parts, body: &'r [u8]) -> Signed<'r> {
    let (timestamp, signature) = (only(&head.headers, TIMESTAMP), only(&head.headers, SIGNATURE));
    Signed { is_delete: head.method == Method::DELETE, timestamp, signature, body }
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(HeaderName::from_bytes(name.as_bytes()).ok()?).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}

/// What the admin typed, as Front shows it with each request.
fn credential(headers: &HeaderMap) -> Option<String> {
    let text = only(headers, AUTHORIZATION.as_str())?.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    (!token.is_empty()).then(|| token.to_owned())
}

/// An address that nobody can guess, and an id.
fn mint() -> String {
    ids::mint(uuid::Uuid::new_v4().into_bytes())
}

/// What the store says in time; otherwise Front may ask again.
async fn within<T>(deadline: Instant, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Error> {
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Error::NotStored("the request's deadline passed".to_owned())),
    }
}

fn json(answer: &Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error in Front's shape. What a plugin says of a refusal is for the admin, who reads it in Front.
pub(super) fn refusal(error: &Error) -> Response<Full<Bytes>> {
    with_retry_after(json(&said(error)), error)
}

fn said(error: &Error) -> Answer {
    match error {
        Error::Signature(_) => Outcome::NotSigned.answer(),
        Error::NoChannel => Outcome::NoChannel.answer(),
        Error::UnknownType(name) => Outcome::UnknownType(name).answer(),
        Error::Unreadable(text) => problem(400, text),
        Error::Call(CallError::NotFound) => problem(400, "there is no such account"),
        Error::Call(CallError::Forbidden(text) | CallError::Invalid(text) | CallError::Failed(text)) => {
            problem(400, text)
        }
        Error::NotStored(_)
        | Error::Overload(_)
        | Error::Call(CallError::Busy(_))
        | Error::BodiesFull
        | Error::Call(CallError::BreakerOpen)
        | Error::Call(CallError::NoPlugin(_))
        | Error::Call(CallError::Unavailable(_))
        | Error::Call(CallError::NotCommitted { .. })
        | Error::Call(CallError::OutOfTime(_)) => Outcome::Unavailable.answer(),
        error => problem(error.answer().0.as_u16(), &error.to_string()),
    }
}
