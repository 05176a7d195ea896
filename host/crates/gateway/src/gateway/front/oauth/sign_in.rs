//! Requests of the browser of a person who signs in. Each form is answered with a redirect to the page that is shown, so
//! that a reload repeats nothing.

use std::time::Instant as StdInstant;

use frontgate_contract::bindings::channel_login::{Event, Login, Step};
use frontgate_contract::{Role, invalid_step};
use frontgate_delivery::store::front::oauth::{AppKey, LoginKey, NewGrant, Submission, random};
use frontgate_front::oauth::{AuthorizationRequest, Invalid, Kind, OauthError, Parameters, Token};
use frontgate_runtime::CallError;
use frontgate_tenants::OauthApp;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderValue, LOCATION, SET_COOKIE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use tracing::info;

use super::super::super::request_context::RequestContext;
use super::super::super::services::Services;
use super::super::verified::{invoker, within};
use super::content::{Content, Shown};
use super::cookie::{self, BrowserSecret};
use super::pages::{self, FIELD_PREFIX};
use super::private;
use crate::error::Error;
use crate::routes::{FrontRoute, OauthEndpoint};

/// Submissions of one sign-in. A person who mistypes needs fewer; a program that guesses has to begin again.
const SUBMISSIONS_MAX: u32 = 20;
/// What a person reads when the provider or the plugin cannot answer.
const UNAVAILABLE: &str = "The service cannot be reached at the moment. Please try again.";

/// The sign-ins of an app.
pub(super) struct SignIn<'r> {
    pub(super) services: &'r Services,
    pub(super) route: &'r FrontRoute,
    pub(super) oauth: &'r OauthApp,
    pub(super) deadline: Instant,
    pub(super) app: AppKey,
}

/// The sign-in of a browser.
struct Current {
    secret: BrowserSecret,
    login: LoginKey,
    step: i64,
    content: Content,
}

impl SignIn<'_> {
    /// Answers a request.
    pub(super) async fn respond(
        &self,
        endpoint: OauthEndpoint,
        head: &Parts,
        body: &[u8],
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let query = head.uri.query().unwrap_or_default();
        match (endpoint, &head.method) {
            (OauthEndpoint::Authorize, &Method::GET) => self.begin(query, context).await,
            (OauthEndpoint::SignIn, &Method::GET) => self.show(head).await,
            (OauthEndpoint::SignIn, &Method::POST) => self.submit(head, body, context).await,
            (OauthEndpoint::Return, &Method::GET) => self.returned(head, query, context).await,
            _ => Err(Error::Method),
        }
    }

    /// Begins a sign-in, and leads to its first page.
    async fn begin(&self, query: &str, context: &mut RequestContext<'_>) -> Result<Response<Full<Bytes>>, Error> {
        let request = match AuthorizationRequest::read(query, &self.oauth.client) {
            Ok(request) => request,
            Err(Invalid::Page(text)) => return Err(Error::SignInInvalid(text)),
            Err(Invalid::Redirect { url, .. }) => return redirect(&url),
        };
        let callback_state = Content::new_callback_state();
        let stepped = self.step(Event::Started, &callback_state, Vec::new(), context).await?;
        let shown = match Shown::of(stepped.view) {
            Ok(shown) => shown,
            Err(reason) => return Ok(pages::refused(&reason, &request.refused(OauthError::AccessDenied), self.oauth)),
        };
        let content = Content::new(&request, shown, callback_state, &stepped.state);
        let (secret, lifetime) = (BrowserSecret::new(), self.oauth.login_lifetime);
        let (login, bytes) = (secret.login_key(), content.bytes());
        let begun = self.services.store.begin_login(&self.app, &login, &bytes, lifetime, self.oauth.logins_max);
        if !within(self.deadline, begun).await? {
            return Err(CallError::Busy("logins_max of the app reached").into());
        }
        let mut response = redirect(&self.page_url())?;
        response.headers_mut().insert(SET_COOKIE, secret.stored(self.route, lifetime.as_secs()));
        Ok(response)
    }

    /// Shows the current page.
    async fn show(&self, head: &Parts) -> Result<Response<Full<Bytes>>, Error> {
        let current = self.current(head).await?;
        let form =
            pages::FormOf { action: &self.page_path(), step: current.step, mark: &current.secret.mark(current.step) };
        let request = current.content.request();
        Ok(pages::page(&current.content, &form, self.oauth, &request.redirect_uri))
    }

    /// Takes a submitted page.
    async fn submit(
        &self,
        head: &Parts,
        body: &[u8],
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let current = self.current(head).await?;
        let form = Parameters::read(body)
            .map_err(|_| Error::SignInInvalid("A value is too long. Go back, and enter a shorter one."))?;
        let step: i64 = form.get("step").and_then(|step| step.parse().ok()).ok_or(Error::SignInForged)?;
        if !current.secret.has_marked(step, form.get("mark").unwrap_or_default()) {
            return Err(Error::SignInForged);
        }
        if step != current.step {
            // The person went back in the browser, or pressed a button twice.
            return redirect(&self.page_url());
        }
        if form.get("action") == Some("cancel") {
            return self.cancel(current).await;
        }
        let event = match (&current.content.shown, form.get("action")) {
            (Shown::Consent { .. }, Some("allow")) => return self.allow(current).await,
            (Shown::Form { fields, .. }, _) => {
                let value = |name: &str| form.get(&format!("{FIELD_PREFIX}{name}")).unwrap_or_default().to_owned();
                Event::Submitted(fields.iter().map(|field| (field.name.clone(), value(&field.name))).collect())
            }
            (Shown::Choices { accounts, .. }, _) => {
                let chosen = accounts.iter().find(|account| form.get("account") == Some(&account.id));
                Event::Chosen(chosen.ok_or(Error::SignInForged)?.id.clone())
            }
            (Shown::Consent { .. } | Shown::Redirect { .. }, _) => return redirect(&self.page_url()),
        };
        self.advance(current, event, context).await
    }

    /// Takes the return of the provider's own page.
    async fn returned(
        &self,
        head: &Parts,
        query: &str,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let current = self.current(head).await?;
        let parameters = Parameters::read(query.as_bytes())
            .map_err(|_| Error::SignInInvalid("A part of the address is repeated or too long."))?;
        let state = parameters.get("state").unwrap_or_default();
        let is_own: bool = state.as_bytes().ct_eq(current.content.callback_state.as_bytes()).into();
        if !is_own || !matches!(current.content.shown, Shown::Redirect { .. }) {
            return Err(Error::SignInForged);
        }
        let others = parameters.iter().filter(|(name, _)| *name != "state");
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.advance(current, Event::Returned(others), context).await
    }

    /// Asks the plugin for the next step, and leads to its page.
    async fn advance(
        &self,
        current: Current,
        event: Event,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let (store, Current { login, step, mut content, .. }) = (&self.services.store, current);
        match within(self.deadline, store.submit_login(&self.app, &login, step, SUBMISSIONS_MAX)).await? {
            Submission::Accepted => {}
            Submission::Stale => return redirect(&self.page_url()),
            Submission::TooMany => return Err(Error::SignInEnded),
        }
        let stepped = self.step(event, &content.callback_state, content.plugin_state(), context).await;
        match stepped {
            Ok(Step { view, state }) => match Shown::of(view) {
                Ok(shown) => content.advance(shown, &state),
                Err(reason) => {
                    within(self.deadline, store.end_login(&self.app, &login)).await?;
                    let url = content.request().refused(OauthError::AccessDenied);
                    return Ok(self.ended(pages::refused(&reason, &url, self.oauth)));
                }
            },
            Err(Error::Call(error)) if is_passing(&error) => content.notice = Some(UNAVAILABLE.to_owned()),
            Err(error) => {
                // The error is the response, even if the row cannot be deleted now.
                let _ = within(self.deadline, store.end_login(&self.app, &login)).await;
                return Err(error);
            }
        }
        within(self.deadline, store.advance_login(&self.app, &login, step, &content.bytes())).await?;
        redirect(&self.page_url())
    }

    /// Ends a sign-in without a grant, and returns to Front.
    async fn cancel(&self, current: Current) -> Result<Response<Full<Bytes>>, Error> {
        within(self.deadline, self.services.store.end_login(&self.app, &current.login)).await?;
        let url = current.content.request().refused(OauthError::AccessDenied);
        Ok(self.ended(match current.content.shown {
            Shown::Consent { .. } => redirect(&url)?,
            // Forms with passwords may not lead to another site, not even by a redirect.
            _ => pages::leaving(&url, self.oauth),
        }))
    }

    /// Ends a sign-in with a grant, and returns to Front with its code.
    async fn allow(&self, current: Current) -> Result<Response<Full<Bytes>>, Error> {
        let Current { login, step, content, .. } = current;
        let request = content.request();
        let Shown::Consent { credential, id, name, address } = content.shown else { return Err(Error::SignInForged) };
        let code = Token::new(Kind::Code, random(), random());
        let account = [id, name, address];
        let grant = NewGrant::new(&self.app, &code, account, &credential, &request, self.oauth.code_lifetime);
        if !within(self.deadline, self.services.store.grant(&self.app, &login, step, grant)).await? {
            return Err(Error::SignInEnded);
        }
        let (tenant, app) = (&*self.app.tenant, &*self.app.app);
        info!(event = "front.access_granted", tenant, app, "an account was allowed to Front app {app}");
        Ok(self.ended(redirect(&request.granted(&code.text()))?))
    }

    /// Makes one step with the plugin.
    async fn step(
        &self,
        event: Event,
        callback_state: &str,
        state: Vec<u8>,
        context: &mut RequestContext<'_>,
    ) -> Result<Step, Error> {
        if !self.oauth.steps.admit(StdInstant::now()) {
            return Err(CallError::Busy("steps_per_minute_max of the app reached").into());
        }
        let invoker = invoker(&self.services.plugins, self.route, self.deadline, context);
        let plugin = invoker.login_plugin(&self.route.app)?;
        context.set_plugin(&plugin);
        let callback_url = format!("{}/oauth/return", self.route.app.public_url);
        let login = Login { callback_url, callback_state: callback_state.to_owned(), state };
        let step = invoker.call(&plugin, Role::ChannelLogin).advance_login(login, event).await?;
        match invalid_step(&step) {
            None => Ok(step),
            Some(problem) => Err(CallError::Failed(format!("the plugin returned {problem}")).into()),
        }
    }

    /// Returns the sign-in of the browser.
    async fn current(&self, head: &Parts) -> Result<Current, Error> {
        let secret = BrowserSecret::read(&head.headers, self.route).ok_or(Error::SignInEnded)?;
        let login = secret.login_key();
        let found = within(self.deadline, self.services.store.login(&self.app, &login)).await?;
        let found = found.ok_or(Error::SignInEnded)?;
        let content = Content::read(&found.content).ok_or(Error::SignInEnded)?;
        Ok(Current { secret, login, step: found.step, content })
    }

    /// Adds to a last page that the browser forgets the sign-in.
    fn ended(&self, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        response.headers_mut().insert(SET_COOKIE, cookie::deleted(self.route));
        response
    }

    /// Returns the path of the page, for forms.
    fn page_path(&self) -> String {
        format!("{}/front/{}/oauth/sign-in", self.route.tenant.prefix, self.route.app.name)
    }

    /// Returns the URL of the page.
    fn page_url(&self) -> String {
        format!("{}/oauth/sign-in", self.route.app.public_url)
    }
}

/// Returns whether the person can try the same step again.
fn is_passing(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Busy(_)
            | CallError::BreakerOpen
            | CallError::NoPlugin(_)
            | CallError::Unavailable(_)
            | CallError::OutOfTime(_)
            | CallError::NotCommitted { retryable: true, .. }
    )
}

/// Leads the browser to another address with GET.
fn redirect(url: &str) -> Result<Response<Full<Bytes>>, Error> {
    let location = HeaderValue::try_from(url);
    let location = location.map_err(|_| Error::SignInInvalid("The address of Front cannot be opened."))?;
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    pages::protect(&mut response, pages::Forms::None);
    Ok(private(response))
}
