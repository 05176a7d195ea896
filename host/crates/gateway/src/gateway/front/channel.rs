//! Dispatches signed requests from Front, and repeats the stored response if a request is repeated.

use std::sync::Arc;

use frontgate_delivery::Store;
use frontgate_delivery::store::front::{Channel, ChannelState, ReplayCheck};
use frontgate_front::replay;
use frontgate_front::replies::{ChannelResponse, Reply};
use frontgate_front::requests::ChannelRequest;
use frontgate_tenants::Plugins;

use super::super::request_context::RequestContext;
use super::message::TeammateMessage;
use super::reply::error_response;
use super::setup::ChannelSetup;
use super::verified::{VerifiedRequest, within};
use crate::error::Error;

/// Handlers for one request from Front.
pub(super) struct ChannelRequests<'r> {
    pub(super) plugins: &'r Arc<Plugins>,
    pub(super) store: &'r Store,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl ChannelRequests<'_> {
    /// Answers a request to the app's own address.
    pub(super) async fn answer_for_app(
        &self,
        decoded: ChannelRequest,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        match decoded {
            ChannelRequest::Authorization(authorization) => self.authorize(authorization.channel_id, context).await,
            ChannelRequest::ListAddresses(list) => self.list_addresses(list.page_token, context).await,
            ChannelRequest::Unknown(name) => Err(Error::UnknownType(name)),
            _ => Err(Error::Unreadable("request for a channel sent to the address of the app".to_owned())),
        }
    }

    /// Answers a request to a channel's address, even if the channel was removed.
    pub(super) async fn answer_for_channel(
        &self,
        channel: &Channel,
        decoded: ChannelRequest,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        let (store, request) = (self.store, self.request);
        match decoded {
            ChannelRequest::Unknown(name) => Err(Error::UnknownType(name)),
            // Removing a channel twice is not an error.
            ChannelRequest::Delete(delete) if delete.channel_id.as_ref().is_none_or(|id| *id == channel.channel_id) => {
                within(request.deadline, store.remove_channel(channel, context.id())).await?;
                Ok(Reply::Accepted.response())
            }
            _ if channel.state != ChannelState::Connected => Err(Error::NoChannel),
            ChannelRequest::Message(message) => {
                TeammateMessage { store, request, channel, message: &message }.respond(context).await
            }
            ChannelRequest::Imported(imported) => {
                let stored = store.confirm_import(channel.id, &request.route.tenant.name, imported);
                within(request.deadline, stored).await?;
                Ok(Reply::Accepted.response())
            }
            ChannelRequest::Authorization(authorization) if authorization.channel_id == channel.channel_id => {
                self.authorize(authorization.channel_id, context).await
            }
            ChannelRequest::ListAddresses(list) => self.list_addresses(list.page_token, context).await,
            ChannelRequest::Authorization(_) | ChannelRequest::Delete(_) => {
                Err(Error::Unreadable("channel id does not match the address".to_owned()))
            }
        }
    }

    async fn authorize(&self, channel_id: String, context: &mut RequestContext<'_>) -> Result<ChannelResponse, Error> {
        self.once(self.setup().authorize(channel_id, context)).await
    }

    async fn list_addresses(
        &self,
        page_token: Option<String>,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        self.once(self.setup().list_addresses(page_token, context)).await
    }

    fn setup(&self) -> ChannelSetup<'_> {
        ChannelSetup { plugins: self.plugins, store: self.store, request: self.request }
    }

    /// Returns the stored response to the same signed request, or computes and stores a response.
    async fn once(
        &self,
        respond: impl Future<Output = Result<ChannelResponse, Error>>,
    ) -> Result<ChannelResponse, Error> {
        let request = self.request;
        let (tenant, deadline) = (&request.route.tenant.name, request.deadline);
        let turn = async { Ok(self.store.replay_turn(tenant, &request.replay).await) };
        let _turn = within(deadline, turn).await?;
        let unsigned = replay::unsigned(request.credential().as_deref());
        match within(deadline, self.store.check_replay(tenant, request.replay.clone(), unsigned)).await? {
            ReplayCheck::Open => {}
            ReplayCheck::Answered(earlier) => return Ok(earlier),
            ReplayCheck::Altered => {
                return Err(Error::Signature("replayed request with a different Authorization header".to_owned()));
            }
        }
        let responded = respond.await;
        // A rejection is stored as well. A server error is not, so that the request can be retried.
        let response = responded.as_ref().map_or_else(error_response, ChannelResponse::clone);
        if response.status < 500 {
            within(deadline, self.store.store_replay_answer(tenant, request.replay.clone(), response)).await?;
        }
        responded
    }
}
