//! The operators' console: pages for a browser, on a listener of its own.
//!
//! A request passes the checks of [`frontgate_console_access`] first: host, session, and for a change origin, proof and
//! right. Then its handler collects values, and [`frontgate_console_pages`] makes a page of them, JSON for a path with
//! `.json`, or a list as a file for `.csv`. Nothing here runs on the path of a callback.

mod answers;
mod attention;
mod bulk;
pub(crate) mod bulk_commands;
mod callback_attention;
mod case_check;
mod cases;
mod channels;
mod compare;
mod deliveries;
mod disk;
mod entry;
mod history;
mod identity;
mod overview;
mod payload;
mod plugins;
mod pseudonyms;
mod questions;
mod recent;
mod records;
mod replicas;
mod requests;
mod routes;
mod setup;
mod simulation;
mod simulation_process;
mod tail;
mod verified;
mod worker_app;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_console_access::{Access, Right, Session, SignIn, request};
use frontgate_console_pages::pages::{Plugin, Problem};
use frontgate_console_pages::words::encoded;
use frontgate_console_pages::{Frame, Page, assets, document};
use frontgate_delivery::Store;
use frontgate_gateway::server::{Callers, LocalConnector, Server};
use frontgate_journal::Journal;
use frontgate_loader::reload::Commands;
use frontgate_recorder::Recorder;
use frontgate_runtime::Registry;
use frontgate_store::now_ms;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::form_urlencoded;

use self::answers::{Answer, Format, Refusal};
use self::bulk::BulkJobs;
use self::questions::{Asking, DRY_RUNS_MAX};
use self::recent::Recent;
use self::setup::EvidenceCache;
use self::simulation_process::Simulations;
use self::verified::Verified;
use self::worker_app::WorkerApp;
use crate::admin_pages::AdminPages;
use crate::admin_pages::status::Status;
use crate::service::admin_api::read;
use crate::service::candidates::Candidates;
use crate::service::channels_api::ChannelsApi;
use crate::service::generation::Generations;
use crate::service::reload::Reloader;

/// What the console shows and changes.
pub(crate) struct Sources {
    pub(crate) access: Arc<Access>,
    pub(crate) admin_pages: Arc<AdminPages>,
    pub(crate) store: Arc<Store>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) commands: Commands,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) channels: ChannelsApi,
    pub(crate) generations: Arc<Generations>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) candidates: Candidates,
    /// The way to the public listener.
    pub(crate) listen: LocalConnector,
    /// Facts of requests in a file; `None` without one.
    pub(crate) journal: Option<Arc<Journal>>,
}

/// Answers the requests of browsers.
pub(crate) struct Console {
    sources: Sources,
    bulk: BulkJobs,
    questions: Recent<Asking>,
    apps: Recent<WorkerApp>,
    /// Permits of dry runs.
    dry_runs: Semaphore,
    /// Held by the comparison that runs.
    comparing: Mutex<()>,
    simulations: Simulations,
    /// Permits of requests for new rows that are held.
    tails: Semaphore,
    started: Instant,
    /// Locked while Twilio is asked about a setup.
    asking: Mutex<()>,
    verified: Verified,
    /// What the recorded requests prove about each address.
    evidence: EvidenceCache,
}

/// A request of a person who is signed in.
struct Call {
    session: Session,
    /// Parts of the path.
    path: Vec<String>,
    /// Parameters of the query.
    query: Vec<(String, String)>,
    /// Fields of the form.
    form: Vec<(String, String)>,
    format: Format,
}

impl Call {
    fn query(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }

    fn form(&self, name: &str) -> Option<&str> {
        value(&self.form, name)
    }

    /// Checks that the person has a right.
    fn needs(&self, right: Right) -> Result<(), Refusal> {
        if self.session.may(right) { Ok(()) } else { Err(Refusal::Forbidden(right.least_role())) }
    }

    /// Checks that the person sees all tenants. What concerns the whole gateway does not exist for others.
    fn needs_all_tenants(&self) -> Result<(), Refusal> {
        if self.session.tenants.is_none() { Ok(()) } else { Err(Refusal::NotFound) }
    }

    /// Checks that the person sees a tenant. A tenant that they do not see does not exist for them.
    fn needs_tenant(&self, tenant: &str) -> Result<(), Refusal> {
        if self.session.sees(tenant) { Ok(()) } else { Err(Refusal::NotFound) }
    }
}

fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let found = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    found.filter(|value| !value.is_empty())
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

impl Console {
    pub(crate) fn new(sources: Sources) -> Self {
        let tails = Semaphore::new(sources.access.settings().tails_max);
        Self {
            sources,
            bulk: BulkJobs::default(),
            questions: Recent::default(),
            apps: Recent::default(),
            dry_runs: Semaphore::new(DRY_RUNS_MAX),
            comparing: Mutex::default(),
            simulations: Simulations::default(),
            tails,
            started: Instant::now(),
            verified: Verified::default(),
            evidence: EvidenceCache::default(),
            asking: Mutex::default(),
        }
    }

    /// Starts to serve, and returns the address. Without an address that can be bound, the gateway runs without a console:
    /// its callbacks matter more.
    pub(crate) async fn listen(
        self: &Arc<Self>,
        server: &frontgate_gateway::settings::Server,
        stop: CancellationToken,
    ) -> Option<SocketAddr> {
        let settings = self.sources.access.settings();
        let address = settings.listen.0?;
        let bound = Server::bind(address, server, Callers::Trusted, settings.connections_max).await;
        let bound = bound.and_then(|server| Ok((server.address()?, server)));
        let (address, server) = match bound {
            Ok(bound) => bound,
            Err(error) => {
                warn!(
                    event = "console.not_bound",
                    "failed to start the console, set another console.listen, or `off`: {error:#}"
                );
                return None;
            }
        };
        info!(event = "console.started", listen = %address, "console at http://{address}; `frontgate console` prints a link");
        let console = Arc::clone(self);
        tokio::spawn(server.serve(
            move |request, _| {
                let console = Arc::clone(&console);
                async move { console.respond(request).await }
            },
            stop.clone(),
        ));
        tokio::spawn(log_newest_action(Arc::clone(&self.sources.store), stop));
        Some(address)
    }

    /// Answers one request.
    pub(crate) async fn respond(self: &Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let settings = self.sources.access.settings();
        let host = match request::host(request.headers(), &settings) {
            Ok(host) => host,
            Err(rejection) => {
                return answers::bare(StatusCode::MISDIRECTED_REQUEST, "Unknown host", &rejection.text());
            }
        };
        let (format, _) = Format::of(request.uri().path());
        let answer = match self.answer(request, &host).await {
            Ok(answer) => answer,
            Err(refusal) => return refusal.response(format),
        };
        match answer {
            Answer::Ready(response) => response,
            Answer::Page { status, session, section, page, format } => {
                match format {
                    Format::Html => {}
                    Format::Json => return answers::json(status, page.json()),
                    Format::Csv => {
                        let table = page.csv().filter(|_| status == StatusCode::OK);
                        return table.map_or_else(|| Refusal::NotFound.response(format), |table| answers::csv(&table));
                    }
                }
                let frame = self.frame(&session, section).await;
                answers::html(status, document(&frame, page.as_ref()))
            }
        }
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>, host: &Authority) -> Result<Answer, Refusal> {
        let (parts, body) = request.into_parts();
        let (format, path) = Format::of(parts.uri.path());
        let is_change = match parts.method {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => return Err(Refusal::Method),
        };
        if let Some(asset) = assets::find(path).filter(|_| !is_change) {
            return Ok(Answer::Ready(answers::asset(asset)));
        }
        let settings = self.sources.access.settings();
        if is_change {
            request::origin(&parts.headers, host, &settings)?;
        }
        let form = if is_change { pairs(&read(body).await.ok_or(Refusal::Incomplete)?) } else { Vec::new() };
        let identity = self.identity(&parts.headers)?;
        match path {
            "/enter" => return self.enter(is_change, &parts.headers, &form, identity.as_ref()).await,
            "/left" if !is_change => return Ok(self.left()),
            _ => {}
        }
        let session = self.session(&parts.headers, identity.as_ref()).await?;
        if session.sign_in == SignIn::Token && (is_change || format == Format::Html) {
            return Err(Refusal::TokenReads);
        }
        if is_change {
            let proof = parts.headers.get(request::PROOF).and_then(|proof| proof.to_str().ok());
            if !proof.is_some_and(|proof| session.is_proved_by(proof)) {
                return Err(Refusal::Unproved);
            }
        }
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let path = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let call = Call { session, path, query, form, format };
        if is_change { self.change(call).await } else { self.show(call).await }
    }

    async fn status(&self) -> Status {
        self.sources.admin_pages.snapshot().await
    }

    fn now_ms() -> i64 {
        now_ms().cast_signed()
    }

    /// Returns the frame of a page.
    async fn frame(&self, session: &Session, section: &'static str) -> Frame {
        let Sources { store, admin_pages, .. } = &self.sources;
        self.questions.expire();
        self.apps.expire();
        let open = store.waiting_deliveries().await.unwrap_or_else(|error| {
            warn!(event = "console.not_read", "failed to count deliveries for the console: {error}");
            Default::default()
        });
        let deliveries = open.iter().filter(|(tenant, _)| session.sees(tenant)).map(|(_, count)| count).sum();
        let offline = store.offline_channels().await.unwrap_or_default();
        let offline = offline.iter().filter(|tenant| session.sees(tenant)).count();
        let sees_all = session.tenants.is_none();
        let noted = |plugin: &Plugin| plugin.note.is_some();
        let plugins = if sees_all { plugins::all(&admin_pages.plugins()).into_iter().filter(noted).count() } else { 0 };
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Frame {
            section,
            who: session.who.clone(),
            role: session.role.name(),
            may_change: session.may(Right::Change),
            may_reveal: session.may(Right::Reveal),
            now_ms: Self::now_ms(),
            uptime_ms: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
            version: env!("CARGO_PKG_VERSION"),
            is_ready: admin_pages.is_ready(),
            sees_all,
            deliveries,
            plugins: count(plugins),
            channels: count(offline),
            has_replicas: store.replica().peers().len() > 1,
        }
    }
}

/// Interval at which the digest of the newest action is logged.
const NEWEST_ACTION_INTERVAL: Duration = Duration::from_secs(3_600);

/// Logs the digest of the newest action at intervals, if there was one. A log that is stored elsewhere reveals changes of
/// the whole record.
async fn log_newest_action(store: Arc<Store>, stop: CancellationToken) {
    let mut logged = None;
    while stop.run_until_cancelled(tokio::time::sleep(NEWEST_ACTION_INTERVAL)).await.is_some() {
        let newest = store.newest_action().await.unwrap_or_default();
        if let Some(digest) = newest.as_ref().filter(|_| newest != logged) {
            info!(event = "console.newest_action", digest, "digest of the newest action in the record");
        }
        logged = newest;
    }
}

/// Returns a page as an answer.
fn page(call: Call, section: &'static str, page: impl Page + Send + 'static) -> Answer {
    let Call { session, format, .. } = call;
    Answer::Page { status: StatusCode::OK, session, section, page: Box::new(page), format }
}

/// Returns a page about a request that was not possible.
fn problem(call: Call, section: &'static str, title: &str, text: String) -> Answer {
    let Call { session, format, .. } = call;
    let page = Problem { title: title.to_owned(), text };
    Answer::Page { status: StatusCode::CONFLICT, session, section, page: Box::new(page), format }
}
