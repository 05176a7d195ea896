//! `http-client`: one request, one whole answer.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method};
use url::{Position, Url};

use crate::bindings::http_client::{Field, Host, HttpError, OutboundRequest, OutboundResponse};
use crate::outbound::is_reserved_header;
use crate::plugin::outbound::requests::{Outgoing, Patience};
use crate::plugin::outbound::{Destination, Failure, Refusal};
use crate::plugin::run::store::CallStore;

impl Host for CallStore {
    async fn send(&mut self, request: OutboundRequest) -> Result<OutboundResponse, HttpError> {
        let response = self.outbound.send(outgoing(request)?).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        let headers = head.headers.iter().map(|(name, value)| Field {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
        Ok(OutboundResponse { status: head.status.as_u16(), headers: headers.collect(), body })
    }
}

fn outgoing(request: OutboundRequest) -> Result<Outgoing, HttpError> {
    let unusable = |what: String| HttpError::NotConnected(format!("nothing was sent: {what} cannot be used"));
    let method = Method::try_from(&*request.method).map_err(|_| unusable("the method".to_owned()))?;
    let mut headers = HeaderMap::new();
    for Field { name, value } in &request.headers {
        let name = HeaderName::try_from(name).map_err(|_| unusable("the name of a header".to_owned()))?;
        let value = HeaderValue::try_from(value).map_err(|_| unusable(format!("the value of the header {name}")))?;
        if is_reserved_header(&name) {
            continue;
        }
        headers.try_append(name, value).map_err(|_| unusable("so many headers".to_owned()))?;
    }
    let url = Url::parse(&request.url).map_err(Refusal::url);
    let path = url.as_ref().ok().and_then(|url| path(url).parse().ok());
    Ok(Outgoing {
        to: url.and_then(|url| Destination::of(&url)),
        method,
        path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
        headers,
        body: Full::from(request.body).map_err(|never| match never {}).boxed_unsync(),
        patience: Patience {
            whole: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
            ..Patience::default()
        },
    })
}

fn path(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Forbidden(refusal) => Self::Forbidden(refusal.to_string()),
            Failure::NotConnected(_) => Self::NotConnected(failure.to_string()),
            Failure::Timeout => Self::Timeout,
            Failure::Interrupted(_) => Self::Interrupted(failure.to_string()),
            Failure::RequestTooLarge | Failure::ResponseTooLarge(_) => Self::TooLarge,
        }
    }
}
