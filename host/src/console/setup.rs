//! The pages Setup: where each URL belongs, whether it was called, and what Twilio says about it.

mod addresses;
mod corrections;
mod evidence;
mod evidence_cache;

use std::sync::Arc;
use std::time::Duration;

use frontgate_console_access::Right;
use frontgate_console_pages::Grant;
use frontgate_console_pages::pages::{Asked, AskedVerdict, Setup, SetupPage, TenantSetup};
use frontgate_net::Client;
use frontgate_tenants::Tenant;
use hyper::StatusCode;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

pub(super) use self::evidence_cache::EvidenceCache;
use super::answers::{Answer, Refusal};
use super::deliveries::with_status;
use super::{Call, Console, page};
use crate::setup::{Finding, Verdict, ask};

/// Time for all answers of Twilio about one tenant. A person waits for them.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

impl Console {
    pub(super) async fn setup(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let tenants = self.sources.generations.tenants();
        let seen = tenants.iter().filter(|tenant| call.session.sees(&tenant.name)).cloned().collect();
        let tenants = self.setups(seen, None).await?;
        Ok(page(call, "/setup", Setup { tenants }))
    }

    pub(super) async fn tenant_setup(self: &Arc<Self>, call: Call, name: &str) -> Result<Answer, Refusal> {
        let tenant = self.tenant(&call, name)?;
        let view = self.setup_page(tenant, None).await?;
        Ok(page(call, "/setup", view))
    }

    /// Asks Twilio about a tenant, and shows its answers. The request is recorded first, since it uses the tenant's
    /// credentials.
    pub(super) async fn ask_twilio(self: &Arc<Self>, call: Call, name: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let tenant = self.tenant(&call, name)?;
        let view = self.setup_page(Arc::clone(&tenant), None).await?;
        let Ok(_turn) = self.asking.try_lock() else {
            let notice = Some("Twilio is being asked already. Try again when its answer is there.".to_owned());
            let view = SetupPage { notice, ..view };
            return Ok(with_status(StatusCode::CONFLICT, page(call, "/setup", view)));
        };
        let (actor, object) = (call.session.actor(), format!("tenant {name}"));
        self.sources.store.record_action(&actor, Some(name), "ask Twilio", &object, None).await?;
        let (status, asked, notice) = match timeout(ASK_TIMEOUT, self.answers_of_twilio(&tenant)).await {
            Ok(findings) => (StatusCode::OK, Some(findings.into_iter().map(asked).collect()), None),
            Err(_) => {
                let notice = format!("Twilio has not answered within {} s.", ASK_TIMEOUT.as_secs());
                (StatusCode::GATEWAY_TIMEOUT, None, Some(notice))
            }
        };
        Ok(with_status(status, page(call, "/setup", SetupPage { asked, notice, ..view })))
    }

    /// Shows the secret parts of a tenant's addresses. The look is recorded first.
    pub(super) async fn show_addresses(self: &Arc<Self>, call: Call, name: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Reveal)?;
        let tenant = self.tenant(&call, name)?;
        let (actor, object) = (call.session.actor(), format!("addresses of tenant {name}"));
        self.sources.store.record_action(&actor, Some(name), "show", &object, call.form("reason")).await?;
        let view = self.setup_page(tenant, Some(&Grant::recorded())).await?;
        Ok(page(call, "/setup", view))
    }

    /// Returns a tenant that the person sees.
    fn tenant(&self, call: &Call, name: &str) -> Result<Arc<Tenant>, Refusal> {
        call.needs_tenant(name)?;
        let found = self.sources.generations.tenants().into_iter().find(|tenant| &*tenant.name == name);
        found.ok_or(Refusal::NotFound)
    }

    async fn setup_page(&self, tenant: Arc<Tenant>, grant: Option<&Grant>) -> Result<SetupPage, Refusal> {
        let mut setups = self.setups(vec![tenant], grant).await?;
        Ok(SetupPage {
            setup: setups.pop().ok_or(Refusal::NotFound)?,
            asked: None,
            notice: None,
            is_revealed: grant.is_some(),
            reveal_ms: self.sources.access.settings().reveal_ms,
        })
    }

    async fn setups(&self, tenants: Vec<Arc<Tenant>>, grant: Option<&Grant>) -> Result<Vec<TenantSetup>, Refusal> {
        let channels = self.sources.store.channel_summaries().await?;
        let config = self.sources.generations.config();
        let evidence = self.evidence.get(&self.sources.recorder).await;
        let setup = |tenant: &Arc<Tenant>| addresses::setup(&config, tenant, &channels, &evidence, grant);
        Ok(tenants.iter().map(setup).collect())
    }

    async fn answers_of_twilio(&self, tenant: &Tenant) -> Vec<Finding> {
        let config = self.sources.generations.config();
        if !config.tenants.contains_key(&*tenant.name) {
            // A reload has just removed it.
            return Vec::new();
        }
        let options = config.delivery.client();
        // Authorities are read from files.
        let Ok(client) = spawn_blocking(move || Client::new(&options)).await else { return Vec::new() };
        ask::ask(&config, tenant, &Arc::new(client)).await
    }
}

fn asked(finding: Finding) -> Asked {
    let Finding { subject, verdict, text, fix, .. } = finding;
    let verdict = match verdict {
        Verdict::Good => AskedVerdict::Good,
        Verdict::Warning => AskedVerdict::Warning,
        Verdict::Unanswered => AskedVerdict::Unanswered,
        Verdict::Problem => AskedVerdict::Problem,
        Verdict::ByHand => AskedVerdict::ByHand,
    };
    Asked { verdict, subject, text, fix }
}
