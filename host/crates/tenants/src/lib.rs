//! Tenants, their Front apps, and the selection of their plugins.
//!
//! - [`Tenant`] is a company whose callbacks the gateway answers; [`FrontApp`] is one of the tenant's apps in Front.
//! - [`PluginInvoker`] chooses and calls the tenant's plugins on behalf of one request or delivery.
//! - [`coverage`] reports roles without a live plugin.
//!
//! The crate handles no HTTP and stores nothing. See "Flow of a callback" in ARCHITECTURE.md, step 4.

pub mod coverage;
mod customers;
mod directory;
mod front_app;
mod invoker;
mod oauth_app;
mod settings;
mod tenant;

pub use self::customers::AnsweredBy;
pub use self::front_app::{FrontApp, front_keys, front_path, front_url};
pub use self::invoker::{PluginInvoker, Plugins};
pub use self::oauth_app::{OauthApp, StepLimit};
pub use self::settings::{Roles, Settings};
pub use self::tenant::{Tenant, TenantVoice, display_url};
