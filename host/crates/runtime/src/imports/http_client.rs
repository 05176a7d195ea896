//! `http-client`: one request, one whole answer.

use std::time::Duration;

use frontgate_contract::bindings::http_client::{
    Content, Header, Host, HttpError, OutboundRequest, OutboundResponse, Part, UploadBody,
};
use frontgate_net::form;
use frontgate_net::form::Form;
use frontgate_net::is_reserved_header;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use crate::files::{Body, Missing};
use crate::outbound::requests::{FileIn, Outgoing, Patience};
use crate::outbound::{Destination, Failure};
use crate::run::store::CallStore;

impl Host for CallStore {
    async fn send(&mut self, request: OutboundRequest) -> Result<OutboundResponse, HttpError> {
        self.exchange(outgoing(request)?).await
    }

    async fn upload(&mut self, request: OutboundRequest, body: UploadBody) -> Result<OutboundResponse, HttpError> {
        let mut outgoing = outgoing(request)?;
        outgoing.file = Some(FileIn::Request);
        outgoing.body = match body {
            UploadBody::Attachment(id) => self.file(&id).await?,
            UploadBody::Form(parts) => {
                let mut all = Vec::with_capacity(parts.len());
                for Part { name, filename, content_type, content } in parts {
                    let body = match content {
                        Content::Bytes(bytes) => whole(bytes),
                        Content::Attachment(id) => self.file(&id).await?,
                    };
                    all.push(form::Part { name, filename, content_type, body });
                }
                let form = Form::new(all);
                let kind = HeaderValue::try_from(form.content_type()).expect("a boundary is part of a header");
                outgoing.headers.insert(CONTENT_TYPE, kind);
                form.boxed_unsync()
            }
        };
        self.exchange(outgoing).await
    }
}

impl CallStore {
    async fn exchange(&mut self, outgoing: Outgoing) -> Result<OutboundResponse, HttpError> {
        let response = self.outbound.send(outgoing).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        let headers = head.headers.iter().map(|(name, value)| Header {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
        Ok(OutboundResponse { status: head.status.as_u16(), headers: headers.collect(), body })
    }

    async fn file(&mut self, id: &str) -> Result<Body, HttpError> {
        let missing = |text: &str| HttpError::NotConnected(format!("nothing was sent: the file {id}: {text}"));
        self.open(id).await.map_err(|why| match why {
            Missing::Unknown => missing("the message has none of this id"),
            Missing::Refused(text) | Missing::Unavailable(text) => missing(&text),
        })
    }
}

fn whole(bytes: Vec<u8>) -> Body {
    Full::from(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn outgoing(request: OutboundRequest) -> Result<Outgoing, HttpError> {
    let unusable = |what: String| HttpError::NotConnected(format!("nothing was sent: {what} cannot be used"));
    let method = Method::try_from(&*request.method).map_err(|_| unusable("the method".to_owned()))?;
    let mut headers = HeaderMap::new();
    for Header { name, value } in &request.headers {
        let name = HeaderName::try_from(name).map_err(|_| unusable("the name of a header".to_owned()))?;
        let value = HeaderValue::try_from(value).map_err(|_| unusable(format!("the value of the header {name}")))?;
        if is_reserved_header(&name) {
            continue;
        }
        headers.try_append(name, value).map_err(|_| unusable("so many headers".to_owned()))?;
    }
    Ok(Outgoing {
        to: Destination::aim(&request.url),
        method,
        with_secrets: true,
        headers,
        body: whole(request.body),
        file: None,
        patience: Patience {
            whole: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
            ..Patience::default()
        },
    })
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Forbidden(refusal) => Self::Forbidden(refusal.to_string()),
            Failure::NotConnected(_) => Self::NotConnected(failure.to_string()),
            Failure::Timeout => Self::Timeout,
            Failure::Interrupted(_) | Failure::Secret | Failure::Unreadable(_) => {
                Self::Interrupted(failure.to_string())
            }
            Failure::RequestTooLarge | Failure::ResponseTooLarge(_) => Self::TooLarge,
        }
    }
}
