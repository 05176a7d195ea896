//! Sets up a channel: lists the provider's accounts, and asks the plugin to connect one.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_delivery::Store;
use frontgate_delivery::store::front::ConnectResult;
use frontgate_front::oauth::Token;
use frontgate_front::replies::{Address, ChannelResponse, Reply};
use frontgate_runtime::CallError;
use frontgate_tenants::Plugins;

use super::super::request_context::RequestContext;
use super::oauth::app_key;
use super::verified::{VerifiedRequest, invoker, new_id, within};
use crate::error::Error;

/// A request that sets up a channel.
pub(super) struct ChannelSetup<'r> {
    pub(super) plugins: &'r Arc<Plugins>,
    pub(super) store: &'r Store,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl ChannelSetup<'_> {
    /// Connects a channel. The channel gets its address before the plugin is called, because the provider may call at
    /// once.
    pub(super) async fn authorize(
        &self,
        channel_id: String,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        let (route, store, deadline) = (self.request.route, self.store, self.request.deadline);
        let (tenant, app) = (&route.tenant, &route.app);
        let invoker = invoker(self.plugins, route, deadline, context);
        let plugin = invoker.channel_plugin(app)?;
        context.set_plugin(&plugin);
        let credential = self.credential().await?;
        let names = [tenant.name.to_string(), app.name.to_string(), channel_id];
        let begun = store.begin_connect(names, new_id(), credential.clone(), app.channels_max);
        let (channel, is_new) = match within(deadline, begun).await? {
            ConnectResult::New(channel) => (channel, true),
            ConnectResult::Known(channel) => (channel, false),
            ConnectResult::Full => {
                return Err(CallError::Forbidden("channels_max of this app reached".to_owned()).into());
            }
        };
        let connection = app.connection(&channel.channel_id, &channel.key, credential.clone());
        match invoker.call(&plugin, Role::Channel).connect(connection).await {
            Ok(()) => {
                if !within(deadline, store.confirm_connect(&tenant.name, channel.id, credential)).await? {
                    return Err(CallError::Unavailable("the channel was removed meanwhile".to_owned()).into());
                }
                let webhook_url = format!("{}/{}", app.public_url, channel.key);
                Ok(Reply::Connected { webhook_url: &webhook_url }.response())
            }
            Err(error) => {
                if is_new {
                    // The plugin's refusal is the response, even if the row cannot be removed now.
                    let _ = within(deadline, store.discard_connect(&tenant.name, channel.id, credential)).await;
                }
                Err(error.into())
            }
        }
    }

    /// Returns the credential for the plugin: the token that an admin entered in Front, or with OAuth the provider's
    /// credential behind Front's access token.
    async fn credential(&self) -> Result<Option<String>, Error> {
        let (route, presented) = (self.request.route, self.request.credential());
        let Some(oauth) = &route.app.oauth else { return Ok(presented) };
        let token = presented.as_deref().and_then(Token::read).ok_or(Error::Token)?;
        let app = app_key(route, oauth);
        let found = within(self.request.deadline, self.store.granted_credential(&app, token)).await?;
        let credential = found.ok_or(Error::Token)?;
        Ok(Some(credential.to_string()))
    }

    /// Lists one page of the accounts that can be connected.
    pub(super) async fn list_addresses(
        &self,
        page_token: Option<String>,
        context: &mut RequestContext<'_>,
    ) -> Result<ChannelResponse, Error> {
        let (route, credential) = (self.request.route, self.credential().await?);
        let invoker = invoker(self.plugins, route, self.request.deadline, context);
        let plugin = invoker.channel_plugin(&route.app)?;
        context.set_plugin(&plugin);
        let page = invoker.call(&plugin, Role::Channel).list_addresses(credential, page_token).await?;
        let addresses = page.addresses.into_iter().map(|address| Address { value: address.value, name: address.name });
        let addresses: Vec<_> = addresses.collect();
        let next_page_token = page.next_page_token.as_deref();
        Ok(Reply::Addresses { addresses: &addresses, next_page_token }.response())
    }
}
