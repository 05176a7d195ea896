//! `http-client`: sends one request and returns its whole response.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::bindings::http_client::{
    Content, Header, Host, HttpError, OutboundRequest, OutboundResponse, Part, UploadBody,
};
use frontgate_net::form;
use frontgate_net::form::Form;
use frontgate_net::is_reserved_header;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use wasmtime::component::HasData;

use super::attachments;
use crate::files::{Body, FileError, Files};
use crate::outbound::destination::Destination;
use crate::outbound::failure::Failure;
use crate::outbound::outgoing::{FileIn, Outgoing, Timeouts};
use crate::outbound::requests::Requests;

/// Host side of the import `http-client` for one call.
pub(crate) struct HttpHost<'a> {
    pub(crate) requests: &'a Arc<Requests>,
    /// Files of the message; `None` if the call is not about a message.
    pub(crate) files: Option<&'a Arc<dyn Files>>,
}

impl HasData for HttpHost<'static> {
    type Data<'a> = HttpHost<'a>;
}

impl Host for HttpHost<'_> {
    async fn send(&mut self, request: OutboundRequest) -> Result<OutboundResponse, HttpError> {
        self.send_whole(outgoing(request)?).await
    }

    async fn upload(&mut self, request: OutboundRequest, body: UploadBody) -> Result<OutboundResponse, HttpError> {
        let mut outgoing = outgoing(request)?;
        (outgoing.file, outgoing.repeated) = (Some(FileIn::Request), None);
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
        self.send_whole(outgoing).await
    }
}

impl HttpHost<'_> {
    async fn send_whole(&mut self, outgoing: Outgoing) -> Result<OutboundResponse, HttpError> {
        let response = self.requests.send(outgoing).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        let headers = head.headers.iter().map(|(name, value)| Header {
            name: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
        Ok(OutboundResponse { status: head.status.as_u16(), headers: headers.collect(), body })
    }

    async fn file(&mut self, id: &str) -> Result<Body, HttpError> {
        let unsent = |text: &str| HttpError::NotConnected(format!("request not sent: file {id}: {text}"));
        attachments::open(self.files, id).await.map_err(|error| match error {
            FileError::Unknown => unsent("the message has no file with this id"),
            FileError::Rejected(text) | FileError::Unavailable(text) => unsent(&text),
        })
    }
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn outgoing(request: OutboundRequest) -> Result<Outgoing, HttpError> {
    let invalid = |what: String| HttpError::NotConnected(format!("request not sent: invalid {what}"));
    let method = Method::try_from(&*request.method).map_err(|_| invalid("method".to_owned()))?;
    let mut headers = HeaderMap::new();
    for Header { name, value } in &request.headers {
        let name = HeaderName::try_from(name).map_err(|_| invalid("header name".to_owned()))?;
        let value = HeaderValue::try_from(value).map_err(|_| invalid(format!("value of the header {name}")))?;
        if is_reserved_header(&name) {
            continue;
        }
        headers.try_append(name, value).map_err(|_| invalid("number of headers".to_owned()))?;
    }
    let body = Bytes::from(request.body);
    Ok(Outgoing {
        target: Destination::target(&request.url),
        method,
        with_secrets: true,
        headers,
        repeated: Some(body.clone()),
        body: whole(body),
        file: None,
        timeouts: Timeouts {
            whole: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
            ..Timeouts::default()
        },
    })
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected(rejection) => Self::Forbidden(rejection.to_string()),
            Failure::NotConnected(_) | Failure::Token(_) => Self::NotConnected(failure.to_string()),
            Failure::Timeout => Self::Timeout,
            Failure::Interrupted(_) | Failure::Secret(_) | Failure::Unreadable(..) => {
                Self::Interrupted(failure.to_string())
            }
            Failure::RequestTooLarge | Failure::ResponseTooLarge(_) => Self::TooLarge,
        }
    }
}
