//! The files of a teammate's message: fetched from Front while the plugin, or the provider, reads them.

use std::sync::Arc;

use frontgate_front::api;
use frontgate_front::files::Hop;
use frontgate_front::requests::Message;
use frontgate_net::AddressPolicy;
use frontgate_runtime::files::{Body, Failure, Files, Missing, Opening};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Body as _;
use hyper::header::LOCATION;
use tokio::time::Instant;

use super::Front;
use crate::store::front::Channel;

/// The files of one message.
pub(crate) struct MessageFiles {
    pub(crate) front: Arc<Front>,
    pub(crate) channel: Channel,
    pub(crate) message: Arc<Message>,
}

impl Files for MessageFiles {
    fn open<'f>(&'f self, id: &'f str) -> Opening<'f> {
        Box::pin(self.fetch(id))
    }
}

impl MessageFiles {
    async fn fetch(&self, id: &str) -> Result<Body, Missing> {
        let found = self.message.attachments.iter().find(|attachment| attachment.id == id);
        let attachment = found.ok_or(Missing::Unknown)?;
        let app = &self.front.app;
        let link = match (&attachment.url, &self.message.id) {
            (Some(url), _) => url.clone(),
            (None, Some(message)) => {
                let path = api::download(message, &attachment.id).path;
                format!("{}{path}", app.api_url.as_str().trim_end_matches('/'))
            }
            (None, None) => return Err(Missing::Refused("Front does not say where the file is".to_owned())),
        };
        let deadline = Instant::now() + app.files_timeout;
        let refused = |error: frontgate_front::files::FileRefusal| Missing::Refused(error.to_string());
        let mut stop = app.hosts.first(&link).map_err(refused)?;
        loop {
            let answer = self.ask(&stop, deadline).await?;
            match answer.status.as_u16() {
                200 => {
                    let broken = |error: anyhow::Error| Failure::Interrupted(format!("the file: {error:#}"));
                    return Ok(answer.map_err(broken).boxed_unsync());
                }
                301..=303 | 307 | 308 => {
                    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                    let location =
                        location.ok_or_else(|| unavailable("it is somewhere else, and Front does not say where"))?;
                    stop = app.hosts.next(&stop, location).map_err(refused)?;
                }
                404 | 410 => return Err(Missing::Refused("Front has this file no more".to_owned())),
                413 => return Err(Missing::Refused("Front does not give a file of this size".to_owned())),
                status => return Err(unavailable(&format!("Front answered {status} for a file"))),
            }
        }
    }

    /// Asks for the file at one stop; Front itself with a token, when it is the channel's turn.
    async fn ask(&self, stop: &Hop, deadline: Instant) -> Result<frontgate_net::Download, Missing> {
        let (_turn, headers) = match stop.with_token {
            true => (Some(self.front.turn(&self.channel).await), self.front.headers(&self.channel)),
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
            "a file: {} with {:?} bytes",
            answer.status,
            answer.size_hint().exact()
        );
        Ok(answer)
    }
}

fn unavailable(text: &str) -> Missing {
    Missing::Unavailable(text.to_owned())
}
