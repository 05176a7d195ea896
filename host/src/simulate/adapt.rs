//! Changes the company's configuration for a simulation: one tenant, simulated platforms, and a folder of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use frontgate_config::Config;
use frontgate_console_access::Listen;
use frontgate_runtime::settings::PluginSource;
use url::Url;

use super::platforms::Platforms;
use super::workspace::Workspace;
use crate::service::Adapt;

/// Any port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Time for requests that have begun at the end of a simulation.
const GRACE_MS: u64 = 500;

/// Returns the changes, which also apply to each reload of the file.
pub(super) fn adaptation(workspace: &Workspace, platforms: &Platforms) -> Adapt {
    let tenant = platforms.tenant.clone();
    let twilio = platforms.twilio.address();
    let apps = platforms.apps.iter();
    let apps: Vec<_> = apps
        .map(|app| (app.name.clone(), app.front.address(), format!("http://{}", app.front.storage_address())))
        .collect();
    let (plugins, records) = (workspace.plugins(), workspace.records());
    let (socket, store) = (workspace.admin_socket(), workspace.store());
    Arc::new(move |config: &mut Config| {
        config.tenants.retain(|name, _| *name == tenant);
        config.server.listen = ANY_PORT.into();
        config.server.tls = None;
        config.server.trusted_proxies.clear();
        config.server.shutdown_delay_ms = 0;
        config.server.shutdown_grace_ms = GRACE_MS;
        config.admin.listen = ANY_PORT;
        config.admin.socket.clone_from(&socket);
        config.console.listen = Listen(None);
        config.recording.journal = "off".into();
        config.store.url.clone_from(&store);
        config.store.password = None;
        config.store.listen_url.clear();
        config.plugins.source = Some(PluginSource::Folder);
        config.plugins.directory.clone_from(&plugins);
        config.plugins.records.clone_from(&records);
        for settings in config.tenants.values_mut() {
            settings.twilio.conversations_url = at(&settings.twilio.conversations_url, twilio);
            // An app that the simulation does not know has no simulated Front.
            settings.front.retain(|name, _| apps.iter().any(|(known, ..)| known == name));
            for (name, address, storage) in &apps {
                let Some(app) = settings.front.get_mut(name) else { continue };
                app.api_url = at(&app.api_url, *address);
                app.files_urls.clear();
                app.storage_urls = vec![storage.clone()];
                // Sign-in needs a browser and the provider's own pages: the token is entered instead.
                app.oauth = None;
            }
        }
    })
}

/// Returns a URL with the same path at the address of a simulator.
fn at(url: &str, address: SocketAddr) -> String {
    let path = Url::parse(url).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    format!("http://{address}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_api_is_kept() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8090));
        assert_eq!(at("https://conversations.twilio.com", address), "http://127.0.0.1:8090");
        assert_eq!(
            at("https://conversations.twilio.com/v1/Services/IS1", address),
            "http://127.0.0.1:8090/v1/Services/IS1"
        );
    }
}
