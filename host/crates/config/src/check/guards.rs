//! Checks security settings: who may write to files, and whether records are kept long enough to detect replays.

use frontgate_system::ownership;
use frontgate_system::ownership::Folder;

use super::Report;
use crate::Config;

/// Reports files and folders that another user could write to. Checks elsewhere report missing ones.
pub(super) fn owners(config: &Config, report: &mut Report<'_, '_>) {
    let fix = "let only root and the gateway's user write to the path";
    if let Err(error) = Folder::shared(&config.plugins.directory)
        && ownership::is_refusal(&error)
    {
        report.add("plugins.directory", &error.to_string(), fix);
    }
    let lists = [("delivery", &config.delivery.ca_files), ("plugins", &config.plugins.ca_files)];
    for (section, files) in lists {
        for (index, file) in files.iter().enumerate() {
            if let Err(error) = ownership::open(file)
                && ownership::is_refusal(&error)
            {
                report.add(&format!("{section}.ca_files[{index}]"), &error.to_string(), fix);
            }
        }
    }
}

/// Reports retention times of request records that are shorter than the validity of a signature.
pub(super) fn replay(config: &Config, report: &mut Report<'_, '_>) {
    let apps = config.tenants.values().flat_map(|tenant| tenant.front.values());
    // A request's timestamp may be ahead of the clock or behind it.
    let Some(window) = apps.map(|app| app.signature_window_ms.saturating_mul(2)).max() else { return };
    let kept = [("events", config.store.events_keep_ms), ("messages", config.store.messages_keep_ms)];
    for (what, keep_ms) in kept.into_iter().filter(|(_, keep_ms)| *keep_ms < window) {
        report.add(
            &format!("store.{what}_keep_ms"),
            &format!("{keep_ms} is less than twice the largest signature_window_ms, so requests could be replayed"),
            &format!("write {window} or more, or lower signature_window_ms"),
        );
    }
}
