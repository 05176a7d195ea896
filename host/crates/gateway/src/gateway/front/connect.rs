//! A channel's beginning: which accounts there are, and whether the plugin takes one.

use frontgate_contract::Role;
use frontgate_delivery::store::front::ConnectResult;
use frontgate_front::answers::{Address, Answer, Outcome};
use frontgate_runtime::CallError;

use super::super::trip::Trip;
use super::{Asked, credential, mint, within};
use crate::error::Error;
use crate::gateway::Gateway;

impl Gateway {
    /// The channel has its address before its plugin is asked: the provider may call at once.
    pub(super) async fn authorization(
        &self,
        asked: &Asked<'_>,
        channel_id: String,
        trip: &mut Trip<'_>,
    ) -> Result<Answer, Error> {
        let (tenant, app, deadline) = (&asked.route.tenant, &asked.route.app, asked.deadline);
        let asking = self.asking_channel(asked.route, deadline, trip);
        let plugin = asking.channel(app)?;
        trip.plugin(&plugin);
        let credential = credential(asked.headers);
        let names = [tenant.name.to_string(), app.name.to_string(), channel_id];
        let begun = self.store.begin_connect(names, mint(), credential.clone(), app.channels_max);
        let (channel, is_new) = match within(deadline, begun).await? {
            ConnectResult::New(channel) => (channel, true),
            ConnectResult::Known(channel) => (channel, false),
            ConnectResult::Full => {
                return Err(CallError::Forbidden("as many channels are connected as may be".to_owned()).into());
            }
        };
        let connection = app.connection(&channel.channel_id, &channel.key, credential.clone());
        match asking.call(&plugin, Role::Channel).connect(connection).await {
            Ok(()) => {
                if !within(deadline, self.store.confirm_connect(&tenant.name, channel.id, credential)).await? {
                    return Err(CallError::Unavailable("the channel was removed meanwhile".to_owned()).into());
                }
                let webhook_url = format!("{}/{}", app.public_url, channel.key);
                Ok(Outcome::Connected { webhook_url: &webhook_url }.answer())
            }
            Err(error) => {
                if is_new {
                    // The plugin's own refusal is the answer, also where the row cannot be removed now.
                    let _ = within(deadline, self.store.discard_connect(&tenant.name, channel.id, credential)).await;
                }
                Err(error.into())
            }
        }
    }

    pub(super) async fn list_addresses(
        &self,
        asked: &Asked<'_>,
        page_token: Option<String>,
        trip: &mut Trip<'_>,
    ) -> Result<Answer, Error> {
        let asking = self.asking_channel(asked.route, asked.deadline, trip);
        let plugin = asking.channel(&asked.route.app)?;
        trip.plugin(&plugin);
        let page = asking.call(&plugin, Role::Channel).list_addresses(credential(asked.headers), page_token).await?;
        let addresses = page.addresses.into_iter().map(|address| Address { value: address.value, name: address.name });
        let addresses: Vec<_> = addresses.collect();
        let next_page_token = page.next_page_token.as_deref();
        Ok(Outcome::Addresses { addresses: &addresses, next_page_token }.answer())
    }
}
