//! Calls the control API of a running simulator.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, anyhow, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::common::exchange::exchange;

/// Sends one request. Returns the body of a response with status 200.
pub(super) fn call(simulator: SocketAddr, method: Method, path: &str, form: &[(&str, &str)]) -> Result<String> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, simulator.to_string())
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(body))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (status, text) = runtime.block_on(exchange(simulator, request)).map_err(|error| {
        anyhow!("failed to call the simulator at {simulator}: {error}; start it, for example with `cargo xtask run`")
    })?;
    if status != 200 {
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        let reason = json["rejected"].as_str().or_else(|| json["error"].as_str()).unwrap_or_else(|| text.trim());
        bail!("the simulator answered {status}: {reason}");
    }
    Ok(text)
}

/// Returns a text field of a JSON response.
pub(super) fn text(answer: &str, field: &str) -> Result<String> {
    let json: Value = serde_json::from_str(answer).context("the simulator's answer is not JSON")?;
    json[field].as_str().map(ToOwned::to_owned).with_context(|| format!("the simulator's answer has no {field}"))
}
