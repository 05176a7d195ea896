//! Keeps the templates of channels' providers in Front: lists them at intervals, and sends what has changed.
//!
//! The time of the next list is in the database, so that a restart lists nothing early. Calls stay within the rate limit of
//! the tenant's deliveries.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_front::api::{self, Fate};
use frontgate_front::ids;
use frontgate_replicas::Turn;
use frontgate_runtime::{CallError, CallRecords, Deadlines};
use frontgate_store::crash;
use tracing::{debug, info, warn};

use super::Upkeep;
use crate::front_client::FrontClient;
use crate::handlers::sentence;
use crate::listed_template::ListedTemplate;
use crate::store::StoreError;
use crate::store::front::{Channel, StoredTemplate};

/// Pause after a failure, unless the interval of the app is shorter.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// Pause while the plugin is not live, or another gateway takes over.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// Maximum number of pages of one list.
const PAGES_MAX: usize = 100;

/// Number of templates that Front may reject before the rest waits for the next list.
const REFUSALS_MAX: usize = 3;

/// Maximum number of attempts of one call.
const TRIES_MAX: usize = 3;

/// The reason why a list was not brought to Front completely.
enum Failure {
    /// The plugin is still being loaded.
    NotLive,
    /// Another gateway may have taken over.
    Superseded,
    /// Described for operators.
    Reason(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Reason(format!("failed to use the store: {error}"))
    }
}

/// Numbers of calls.
#[derive(Default)]
struct Calls {
    added: usize,
    changed: usize,
    refused: usize,
}

impl Upkeep {
    /// Brings the templates of a channel to Front; returns the time until the next list.
    pub(super) async fn bring_templates(&self, front: &FrontClient, channel: &Channel) -> Duration {
        let done = match self.turn() {
            Some(turn) => self.bring(front, channel, &turn).await,
            None => Err(Failure::Superseded),
        };
        let interval = front.app.templates_interval;
        let pause = match done {
            Ok(_) => interval,
            Err(Failure::NotLive | Failure::Superseded) => return SHORT_PAUSE.min(interval),
            Err(Failure::Reason(_)) => RETRY_PAUSE.min(interval),
        };
        if let Err(error) = self.context.store.schedule_template_list(channel, pause).await {
            debug!("failed to schedule the next list of templates: {error}");
        }
        self.report_templates(front, channel, done);
        pause
    }

    fn report_templates(&self, front: &FrontClient, channel: &Channel, done: Result<Calls, Failure>) {
        let (tenant, plugin) = (&*self.context.tenant.name, &*front.app.plugin);
        let channel_id = channel.channel_id.as_str();
        let failed = |why: &str| {
            warn!(
                event = "templates.failed",
                tenant,
                plugin,
                channel = channel_id,
                "failed to bring the templates of channel {channel_id} to Front: {why}"
            );
        };
        match done {
            Ok(Calls { added: 0, changed: 0, refused: 0 }) | Err(Failure::NotLive | Failure::Superseded) => {}
            Ok(Calls { added, changed, refused: 0 }) => {
                info!(
                    event = "templates.synced",
                    tenant,
                    plugin,
                    channel = channel_id,
                    added,
                    changed,
                    "templates of channel {channel_id} brought to Front: {added} added, {changed} changed"
                );
            }
            Ok(Calls { refused, .. }) => {
                failed(&format!("Front rejected {refused}; tick templates in the settings of the app's channel"));
            }
            Err(Failure::Reason(why)) => failed(&why),
        }
    }

    async fn bring(&self, front: &FrontClient, channel: &Channel, turn: &Turn) -> Result<Calls, Failure> {
        let listed = self.list(front, channel).await?;
        self.context.store.store_templates(channel, listed).await?;
        let mut calls = Calls::default();
        for template in self.context.store.templates(channel.id).await? {
            if calls.refused >= REFUSALS_MAX {
                break;
            }
            self.template(front, channel, turn, template, &mut calls).await?;
        }
        Ok(calls)
    }

    /// Lists all templates of a channel's provider.
    async fn list(&self, front: &FrontClient, channel: &Channel) -> Result<Vec<ListedTemplate>, Failure> {
        let app = &front.app;
        let request: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let connection = app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let (mut all, mut dropped, mut token) = (Vec::new(), 0, None);
        for _ in 0..PAGES_MAX {
            let deadlines = Deadlines::within(Duration::from_millis(self.context.limits.plugin_timeout_ms));
            let records = CallRecords::default();
            let asking = self.context.plugins.invoker(&self.context.tenant, &request, deadlines, records);
            let plugin = asking.channel_plugin(app).map_err(|_| Failure::NotLive)?;
            let page =
                asking.call(&plugin, Role::Channel).list_channel_templates(connection.clone(), token.take()).await;
            let page = page.map_err(|error| match error {
                CallError::NoPlugin(_) => Failure::NotLive,
                error => Failure::Reason(format!("`list-templates` of the plugin failed: {}", sentence(&error))),
            })?;
            for template in page.templates {
                match ListedTemplate::of(template) {
                    Some(template) => all.push(template),
                    None => dropped += 1,
                }
            }
            if all.len() > app.templates_max {
                return Err(Failure::Reason(format!("more than templates_max = {} templates", app.templates_max)));
            }
            token = page.next_page_token;
            if token.is_none() {
                if dropped > 0 {
                    warn!(
                        event = "templates.dropped",
                        tenant = &*self.context.tenant.name,
                        plugin = &*app.plugin,
                        channel = channel.channel_id,
                        "{dropped} templates of plugin `{}` dropped: no id, name or body, or too long",
                        app.plugin
                    );
                }
                return Ok(all);
            }
        }
        Err(Failure::Reason(format!("the list has more than {PAGES_MAX} pages")))
    }

    /// Makes the calls that a template needs.
    async fn template(
        &self,
        front: &FrontClient,
        channel: &Channel,
        turn: &Turn,
        template: StoredTemplate,
        calls: &mut Calls,
    ) -> Result<(), Failure> {
        let StoredTemplate { id, listed, mut in_front } = template;
        let is_listed = listed.is_some();
        let now = match (listed, &in_front) {
            (Some(listed), _) => listed.for_front(),
            (None, Some(known)) => api::Template { is_disabled: true, ..known.clone() },
            (None, None) => return Ok(self.context.store.forget_template(channel, id).await?),
        };
        let (channel_id, external_id) = (&channel.channel_id, ids::safe(&id));
        for _ in 0..TRIES_MAX {
            let call = match &in_front {
                None => Some(api::put_template(channel_id, &external_id, &now)),
                Some(known) => api::patch_template(channel_id, &external_id, known, &now),
            };
            let Some(call) = call else { return self.forget_unlisted(channel, id, is_listed).await };
            let fate = front.call(turn.replica, channel, &call).await;
            crash::point("template");
            match fate {
                Fate::Accepted { .. } => {
                    *(if in_front.is_none() { &mut calls.added } else { &mut calls.changed }) += 1;
                    self.context.store.store_template_in_front(channel, id.clone(), Some(now.clone())).await?;
                    return self.forget_unlisted(channel, id, is_listed).await;
                }
                // Front no longer has the template.
                Fate::NotFound(_) if in_front.is_some() && is_listed => {
                    in_front = None;
                    self.context.store.store_template_in_front(channel, id.clone(), None).await?;
                }
                Fate::NotFound(_) if in_front.is_some() => return self.forget_unlisted(channel, id, false).await,
                // The next call waits for the rate limit.
                Fate::Again { .. } if self.context.store.replica().may_act(turn.replica) => {}
                Fate::Again { .. } => return Err(Failure::Superseded),
                Fate::Refused(_) => {
                    calls.refused += 1;
                    return Ok(());
                }
                Fate::NotFound(why) | Fate::Token(why) | Fate::Unclear(why) => return Err(Failure::Reason(why)),
            }
        }
        Err(Failure::Reason("Front's rate limit was reached repeatedly".to_owned()))
    }

    /// Deletes a template that is disabled in Front now because the plugin no longer lists it.
    async fn forget_unlisted(&self, channel: &Channel, id: String, is_listed: bool) -> Result<(), Failure> {
        match is_listed {
            true => Ok(()),
            false => Ok(self.context.store.forget_template(channel, id).await?),
        }
    }
}
