//! `wasi:http/outgoing-handler`: requests of guests whose toolchain has an HTTP client of its own.
//!
//! Policy and limits are the same as for `http-client`, but bodies are streams.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use frontgate_net::is_reserved_header;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use hyper::header::CONTENT_LENGTH;
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Request, Response};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use crate::outbound::destination::Destination;
use crate::outbound::failure::{Failure, Rejection};
use crate::outbound::outgoing::{Outgoing, Timeouts};
use crate::outbound::requests::Requests;

/// Maximum chunk of a request body that a guest can write at once, in bytes.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Maximum total size of the headers that a guest can set, in bytes.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// State of `wasi:http` for one call.
pub(crate) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks(Arc<Requests>);

/// The response, and a future that drives its body.
type Sent = Result<(Response<WasiBody>, Driver), Error>;
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl Http {
    pub(crate) fn new(requests: &Arc<Requests>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(HEADER_BYTES_MAX);
        Self { context, hooks: Hooks(Arc::clone(requests)) }
    }

    pub(crate) fn view<'v>(&'v mut self, table: &'v mut ResourceTable) -> WasiHttpCtxView<'v> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Driver,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (requests, outgoing) = (Arc::clone(&self.0), outgoing(request, options));
        let mut sending = Box::pin(async move {
            let response = requests.send(outgoing).await?;
            let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Driver))
        });
        // Polls the request once, so that requests queue in the order in which the guest sends them.
        let polled = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        Box::new(async move {
            match polled {
                Poll::Ready(sent) => sent,
                Poll::Pending => sending.await,
            }
        })
    }

    /// Selects headers that a guest may not set. `content-length` is allowed, since hyper checks it against the body.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| is_reserved_header(name) && name != CONTENT_LENGTH)
    }

    /// Returns `true` for every scheme: the egress policy rejects unsupported schemes, with a reason.
    fn is_supported_scheme(&mut self, _: &Scheme) -> bool {
        true
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }

    /// Replaces the default implementation, which logs a warning: guests can cause these errors at will.
    fn p2_error_from_hyper(&mut self, _: &hyper::Error) -> ErrorCode {
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::ConnectionRefused
    }

    fn p2_error_from_tls(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::TlsProtocolError
    }
}

fn outgoing(request: Request<WasiBody>, options: Option<RequestOptions>) -> Outgoing {
    let (head, body) = request.into_parts();
    let options = options.unwrap_or_default();
    let scheme = head.uri.scheme_str().unwrap_or("https");
    let target = match head.uri.authority() {
        Some(authority) => Destination::of_authority(scheme, authority.as_str()),
        None => Err(Rejection::Url("no host".to_owned())),
    };
    // Invalid paths were rejected when the guest set them.
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    Outgoing {
        target: target.map(|to| (to, path)),
        method: head.method,
        with_secrets: true,
        headers: head.headers,
        repeated: body.is_end_stream().then(Bytes::new),
        body: body.map_err(|error| Failure::Interrupted(format!("request body: {error}"))).boxed_unsync(),
        file: None,
        timeouts: Timeouts {
            whole: None,
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        },
    }
}

/// Uses `internal-error` for rejections: no other case of `error-code` has a text for the reason.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected(_)
            | Failure::NotConnected(_)
            | Failure::Token(_)
            | Failure::Secret(_)
            | Failure::Unreadable(..) => Self::InternalError(Some(failure.to_string())),
            Failure::Timeout => Self::HttpResponseTimeout,
            Failure::Interrupted(_) => Self::ConnectionTerminated,
            Failure::RequestTooLarge => Self::HttpRequestBodySize(None),
            Failure::ResponseTooLarge(_) => Self::HttpResponseBodySize(None),
        }
    }
}
