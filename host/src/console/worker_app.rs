//! The worker's app of the simulator: asks this gateway's own listener, as Frontline does, and shows the answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_console_access::{Right, Session, Simulator as Level};
use frontgate_console_pages::pages::{self, AppCustomer, AppCustomerPage, AppExchange, AppLink, AppScreen, Simulator};
use frontgate_console_pages::words::encoded;
use frontgate_console_pages::{Grant, Kind, Personal};
use frontgate_gateway::SIMULATED;
use frontgate_gateway::routes::Callback;
use frontgate_net::one_shot;
use frontgate_tenants::Tenant;
use frontgate_twilio::form::Form;
use frontgate_twilio::signature::SIGNATURE;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use serde_json::Value;
use tokio::time::timeout;
use url::form_urlencoded;

use super::answers::{Answer, Refusal, redirect};
use super::{Call, Console, page};

/// Section of the navigation.
const SECTION: &str = "/simulator";
/// Twilio's deadline for callbacks of Frontline.
const DEADLINE: Duration = Duration::from_secs(6);
/// Customers on a page; Frontline asks for as many.
const PAGE_SIZE: &str = "30";
/// Longest identity of a worker, in bytes.
const WORKER_BYTES_MAX: usize = 256;

/// An app that a person has opened for a worker.
pub(super) struct WorkerApp {
    /// The only session that sees it.
    session: Session,
    tenant: String,
    worker: String,
}

/// An answer to the app.
struct Asked {
    exchange: AppExchange,
    /// The body; null if it was not usable.
    body: Value,
}

impl Console {
    pub(super) fn simulator(self: &Arc<Self>, call: Call) -> Answer {
        let is_on = self.sources.access.settings().simulator != Level::Off;
        let tenants = self.sources.admin_pages.tenant_names().into_iter();
        let tenants = tenants.filter(|tenant| is_on && call.session.sees(tenant)).collect();
        page(call, SECTION, Simulator { tenants, is_on })
    }

    /// Opens the app of a worker. This shows customers as clear text, so it is recorded.
    pub(super) async fn open_app(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        self.may_simulate(&call)?;
        let (tenant, worker) = (call.form("tenant").unwrap_or_default(), call.form("worker").unwrap_or_default());
        call.needs_tenant(tenant)?;
        if self.sources.generations.tenant(tenant).is_none() {
            return Err(Refusal::NotFound);
        }
        if worker.is_empty() || worker.len() > WORKER_BYTES_MAX {
            return Err(Refusal::Invalid(format!("Enter a worker's identity of at most {WORKER_BYTES_MAX} bytes.")));
        }
        let object = format!("worker's app of {worker}");
        self.sources.store.record_action(&call.session.actor(), Some(tenant), "show", &object, None).await?;
        let (tenant, worker) = (tenant.to_owned(), worker.to_owned());
        let number = self.apps.add(WorkerApp { session: call.session, tenant, worker });
        Ok(Answer::Ready(redirect(&format!("/simulator/apps/{number}"))))
    }

    fn may_simulate(&self, call: &Call) -> Result<(), Refusal> {
        call.needs(Right::Change)?;
        call.needs(Right::Reveal)?;
        match self.sources.access.settings().simulator {
            Level::Off => Err(Refusal::Invalid("The simulator is off: see console.simulator.".to_owned())),
            Level::Ask | Level::Full => Ok(()),
        }
    }

    /// Shows a screen of an app: the list, or a customer.
    pub(super) async fn app(self: &Arc<Self>, call: Call, number: &str) -> Result<Answer, Refusal> {
        self.may_simulate(&call)?;
        let found = self.apps.get(number).filter(|(_, app)| app.session == call.session);
        let (number, app) = found.ok_or_else(|| Refusal::Invalid("This app is closed. Open it again.".to_owned()))?;
        let tenant = self.sources.generations.tenant(&app.tenant).ok_or(Refusal::NotFound)?;
        let mut exchanges = Vec::new();
        let screen = match call.query("customer") {
            Some(customer) => self.customer(&call, number, &tenant, (&app.worker, customer), &mut exchanges).await,
            None => self.customers(&call, number, &tenant, &app.worker, &mut exchanges).await,
        };
        let (tenant, worker) = (app.tenant.clone(), app.worker.clone());
        Ok(page(call, SECTION, pages::WorkerApp { number, tenant, worker, screen, exchanges }))
    }

    async fn customers(
        &self,
        call: &Call,
        number: u64,
        tenant: &Tenant,
        worker: &str,
        exchanges: &mut Vec<AppExchange>,
    ) -> AppScreen {
        let query = call.query("q").unwrap_or_default();
        let mut fields = vec![("Worker", worker), ("PageSize", PAGE_SIZE), ("Location", "GetCustomersList")];
        let position = [("Query", "q"), ("Anchor", "anchor"), ("NextPageToken", "token")];
        fields.extend(position.into_iter().filter_map(|(field, name)| Some((field, call.query(name)?))));
        let Asked { exchange, body } = self.ask_listener(tenant, Callback::Crm, &fields).await;
        exchanges.push(exchange);
        let Some(rows) = body["objects"]["customers"].as_array() else { return AppScreen::Nothing };
        let customers: Vec<AppCustomer> = rows
            .iter()
            .filter_map(|row| Some(AppCustomer { id: text(row, "customer_id")?, name: shown(row, "display_name")? }))
            .collect();
        let path = format!("/simulator/apps/{number}?q={}", encoded(query));
        let token = body["objects"]["next_page_token"].as_str();
        let next = match (token, customers.last()) {
            (Some(token), _) => Some(format!("{path}&token={}", encoded(token))),
            // Without a token, the app asks on until a page is empty.
            (None, Some(last)) => Some(format!("{path}&anchor={}", encoded(&last.id))),
            (None, None) => None,
        };
        let is_searchable = body["objects"]["searchable"] == true;
        AppScreen::Customers { query: query.to_owned(), is_searchable, customers, next }
    }

    async fn customer(
        &self,
        call: &Call,
        number: u64,
        tenant: &Tenant,
        (worker, customer): (&str, &str),
        exchanges: &mut Vec<AppExchange>,
    ) -> AppScreen {
        let mut ask = async |callback, location, more: &[(&str, &str)]| {
            let fields = [&[("Worker", worker), ("CustomerId", customer), ("Location", location)], more].concat();
            let Asked { exchange, body } = self.ask_listener(tenant, callback, &fields).await;
            exchanges.push(exchange);
            body
        };
        let details = ask(Callback::Crm, "GetCustomerDetailsByCustomerId", &[]).await;
        let found = &details["objects"]["customer"];
        let (Some(id), Some(name)) = (text(found, "customer_id"), shown(found, "display_name")) else {
            return AppScreen::Nothing;
        };
        let templates = match tenant.roles.templates.is_empty() {
            true => Value::Null,
            false => ask(Callback::Templates, "GetTemplatesByCustomerId", &[]).await,
        };
        let proxy = match (call.query("type"), call.query("value")) {
            (Some(kind), Some(value)) => {
                let contact = [("ChannelType", kind), ("ChannelValue", value)];
                ask(Callback::Outgoing, "GetProxyAddress", &contact).await
            }
            _ => Value::Null,
        };
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let channels = list(found, "channels");
        let channels: Vec<(String, String)> =
            channels.iter().filter_map(|channel| Some((text(channel, "type")?, text(channel, "value")?))).collect();
        let path = format!("/simulator/apps/{number}?customer={}", encoded(&id));
        let begin = channels.iter();
        let begin = begin.map(|(kind, value)| format!("{path}&type={}&value={}", encoded(kind), encoded(value)));
        let link = |link: &Value| {
            Some(AppLink {
                kind: text(link, "type")?,
                label: shown(link, "display_name")?,
                target: shown(link, "value")?,
            })
        };
        let category = |category: &Value| {
            let all = list(category, "templates");
            let all = all.iter().filter_map(|one| Some((shown(one, "content")?, one["whatsAppApproved"] == true)));
            Some((text(category, "display_name")?, all.collect()))
        };
        AppScreen::Customer(Box::new(AppCustomerPage {
            id,
            name,
            begin: begin.collect(),
            channels: channels.into_iter().map(|(kind, value)| (kind, clear(Kind::Address, &value))).collect(),
            links: list(found, "links").iter().filter_map(link).collect(),
            details: shown(&found["details"], "title").zip(shown(&found["details"], "content")),
            templates: templates.as_array().into_iter().flatten().filter_map(category).collect(),
            proxy: shown(&proxy, "proxy_address"),
        }))
    }

    /// Sends a signed callback to the gateway's own listener, marked as simulated.
    async fn ask_listener(&self, tenant: &Tenant, callback: Callback, fields: &[(&str, &str)]) -> Asked {
        let started = Instant::now();
        let answered = timeout(DEADLINE, self.exchange(tenant, callback, fields)).await;
        let took = started.elapsed();
        let location = fields.iter().find(|(name, _)| *name == "Location").map_or("", |(_, location)| location);
        let mut exchange = AppExchange {
            name: format!("{} {location}", callback.name()),
            status: None,
            code: None,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            deadline_ms: u64::try_from(DEADLINE.as_millis()).unwrap_or(u64::MAX),
            bytes: 0,
            twilio: None,
            request: None,
        };
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => {
                exchange.twilio = Some("48004: the endpoint cannot be reached");
                return Asked { exchange, body: Value::Null };
            }
            Err(_) => {
                exchange.twilio = Some("48005: no response within 6 seconds");
                return Asked { exchange, body: Value::Null };
            }
        };
        let (head, body) = response.into_parts();
        let parsed = serde_json::from_slice::<Value>(&body);
        exchange.status = Some(head.status.as_u16());
        exchange.bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        exchange.request = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        exchange.twilio = match (&parsed, head.status.is_success()) {
            (_, false) => Some("48004: the endpoint answered with an error"),
            (Err(_), true) => Some("48003: the response is not JSON"),
            (Ok(_), true) => None,
        };
        let body = parsed.unwrap_or_default();
        exchange.code = body["error"]["code"].as_str().map(str::to_owned);
        Asked { exchange, body }
    }

    async fn exchange(
        &self,
        tenant: &Tenant,
        callback: Callback,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<hyper::Response<Bytes>> {
        let path = callback.path(tenant);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = Form::parse(body.as_bytes())?;
        let signature =
            tenant.keys.sign(&path, &form).ok_or_else(|| anyhow::anyhow!("the tenant has no auth token"))?;
        let mark = uuid::Uuid::now_v7().simple().to_string();
        self.sources.recorder.announce_simulated(mark.clone());
        let request = Request::post(&path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
            .header(SIGNATURE, signature)
            .header(SIMULATED, mark)
            .body(Full::new(Bytes::from(body)))?;
        one_shot(self.sources.listen.connect().await?, request).await
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

/// Returns a text that the app shows. Opening the app was recorded.
fn shown(value: &Value, name: &str) -> Option<Personal> {
    value[name].as_str().map(|text| clear(Kind::Text, text))
}

fn clear(kind: Kind, text: &str) -> Personal {
    Personal::new(kind, text).shown(&Grant::recorded())
}
