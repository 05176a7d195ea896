//! Files of a teammate's message: streamed from Front while the plugin, or the provider, reads them.

use std::sync::Arc;

use frontgate_front::api;
use frontgate_front::files::Hop;
use frontgate_front::requests::Message;
use frontgate_net::AddressPolicy;
use frontgate_runtime::files::{Body, Failure, FileError, Files, Opening};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Body as _;
use hyper::header::LOCATION;
use tokio::time::Instant;

use super::FrontClient;
use crate::store::front::Channel;

/// The files of one message.
pub(crate) struct MessageFiles {
    pub(crate) front: Arc<FrontClient>,
    pub(crate) channel: Channel,
    pub(crate) message: Arc<Message>,
}

impl Files for MessageFiles {
    fn open<'f>(&'f self, id: &'f str) -> Opening<'f> {
        Box::pin(self.fetch(id))
    }
}

impl MessageFiles {
    async fn fetch(&self, id: &str) -> Result<Body, FileError> {
        let found = self.message.attachments.iter().find(|attachment| attachment.id == id);
        let attachment = found.ok_or(FileError::Unknown)?;
        let app = &self.front.app;
        let link = match (&attachment.url, &self.message.id) {
            (Some(url), _) => url.clone(),
            (None, Some(message)) => {
                let path = api::download(message, &attachment.id).path;
                format!("{}{path}", app.api_url.as_str().trim_end_matches('/'))
            }
            (None, None) => return Err(FileError::Rejected("Front sent no address of the file".to_owned())),
        };
        let deadline = Instant::now() + app.files_timeout;
        let refused = |error: frontgate_front::files::FileRefusal| FileError::Rejected(error.to_string());
        let mut stop = app.hosts.first(&link).map_err(refused)?;
        loop {
            let answer = self.request(&stop, deadline).await?;
            match answer.status.as_u16() {
                200 => {
                    let broken =
                        |error: anyhow::Error| Failure::Interrupted(format!("failed to read the file: {error:#}"));
                    return Ok(answer.map_err(broken).boxed_unsync());
                }
                301..=303 | 307 | 308 => {
                    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                    let location = location.ok_or_else(|| unavailable("redirect without a Location header"))?;
                    stop = app.hosts.next(&stop, location).map_err(refused)?;
                }
                404 | 410 => return Err(FileError::Rejected("Front has deleted the file".to_owned())),
                413 => return Err(FileError::Rejected("file too large for Front".to_owned())),
                status => return Err(unavailable(&format!("Front answered {status} for a file"))),
            }
        }
    }

    /// Requests the file at one hop of the redirects. A request to Front carries a token and needs a permit.
    async fn request(&self, stop: &Hop, deadline: Instant) -> Result<frontgate_net::Download, FileError> {
        let (_permit, headers) = match stop.with_token {
            true => (Some(self.front.permit(&self.channel).await), self.front.headers(&self.channel)),
            false => (None, HeaderMap::new()),
        };
        let reach = match stop.is_named {
            true => AddressPolicy::Any,
            false => AddressPolicy::Public(&self.front.app.files_networks),
        };
        let answer = self.front.client.download(&stop.url, headers, reach, deadline).await;
        let answer = answer.map_err(|failure| unavailable(&failure.to_string()))?;
        tracing::debug!(
            channel = self.channel.channel_id,
            "file request answered: {} with {:?} bytes",
            answer.status,
            answer.size_hint().exact()
        );
        Ok(answer)
    }
}

fn unavailable(text: &str) -> FileError {
    FileError::Unavailable(text.to_owned())
}
