//! Whether what the gateway relies on is out of others' reach, and its marks of requests last long enough.

use frontgate_system::ownership;
use frontgate_system::ownership::Folder;

use super::Report;
use crate::Config;

/// Files and folders that no other user may reach. Those that are missing are reported where they are needed.
pub(super) fn owners(config: &Config, report: &mut Report<'_, '_>) {
    let fix = "whoever can write there decides what the gateway runs";
    if let Err(error) = Folder::shared(&config.plugins.directory)
        && ownership::is_refusal(&error)
    {
        report.fault("plugins.directory", &error.to_string(), fix);
    }
    let lists = [("delivery", &config.delivery.ca_files), ("plugins", &config.plugins.ca_files)];
    for (section, files) in lists {
        for (index, file) in files.iter().enumerate() {
            if let Err(error) = ownership::open(file)
                && ownership::is_refusal(&error)
            {
                report.fault(&format!("{section}.ca_files[{index}]"), &error.to_string(), fix);
            }
        }
    }
}

/// Marks of requests that came must outlast the time in which the same request could come again.
pub(super) fn marks(config: &Config, report: &mut Report<'_, '_>) {
    let apps = config.tenants.values().flat_map(|tenant| tenant.front.values());
    // A request may be as far ahead of this clock as behind it.
    let Some(window) = apps.map(|app| app.signature_window_ms.saturating_mul(2)).max() else { return };
    let kept = [("events", config.store.events_keep_ms), ("messages", config.store.messages_keep_ms)];
    for (what, keep_ms) in kept.into_iter().filter(|(_, keep_ms)| *keep_ms < window) {
        report.fault(
            &format!("store.{what}_keep_ms"),
            &format!("{keep_ms} is less than twice the largest signature_window_ms, so a request could be sent again"),
            &format!("write {window} or more, or make signature_window_ms smaller"),
        );
    }
}
