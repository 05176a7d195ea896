//! Checks the ranges of numbers: fixed ranges from the schema, and ranges that depend on another key.

use super::Report;
use crate::Config;
use crate::schema::settings;

/// Reports every number outside its range.
pub(super) fn ranges(config: &Config, report: &mut Report<'_, '_>) {
    for setting in settings(&config.values) {
        let (Some((least, most)), Some(value)) = (setting.range, setting.value.as_u64()) else { continue };
        if !(least..=most).contains(&value) {
            report.add(
                &setting.key,
                &format!("{value} is out of range"),
                &format!("write a number from {least} to {most}"),
            );
        }
    }
}

/// Reports every number that is too small or too large in relation to another key.
pub(super) fn dependent(config: &Config, report: &mut Report<'_, '_>) {
    let (plugins, store, delivery) = (&config.plugins, &config.store, &config.delivery);
    let replica = &config.replica;
    let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let memory = ("the largest memory_bytes_max", size(plugins.memory_bytes_max()));
    for (key, value, (other, least)) in [
        // The cache must have room for one plugin.
        ("plugins.cache_bytes_max", plugins.cache_bytes_max, ("plugins.code_bytes_max", plugins.code_bytes_max)),
        ("plugins.memory_bytes_total_max", size(plugins.memory_bytes_total_max), memory),
        ("plugins.memory_bytes_per_tenant_max", size(plugins.memory_bytes_per_tenant_max), memory),
        (
            "plugins.breaker.pause_max_ms",
            plugins.breaker.pause_max_ms,
            ("plugins.breaker.pause_ms", plugins.breaker.pause_ms),
        ),
        (
            "store.free_bytes_imports_min",
            store.free_bytes_imports_min,
            ("store.free_bytes_events_min", store.free_bytes_events_min),
        ),
        ("replica.suspect_ms", replica.suspect_ms, ("3 times replica.beat_ms", 3 * replica.beat_ms)),
        ("replica.lease_ms", replica.lease_ms, ("3 times replica.suspect_ms", 3 * replica.suspect_ms)),
        ("delivery.retry_longest_ms", delivery.retry_longest_ms, ("delivery.retry_first_ms", delivery.retry_first_ms)),
    ] {
        if value < least {
            report.add(key, &format!("{value} is less than {other}"), &format!("write {least} or more"));
        }
    }
    let own = plugins.named.iter().filter_map(|(name, plugin)| Some((name, plugin.limits.call_timeout_ms?)));
    let own = own.map(|(name, timeout)| (format!("plugins.named.{name}.limits.call_timeout_ms"), timeout));
    let most = plugins.drain_timeout_ms;
    for (key, timeout) in own.chain([("plugins.limits.call_timeout_ms".to_owned(), plugins.limits.call_timeout_ms)]) {
        if timeout > most {
            let fix = format!("write {most} or less, or raise plugins.drain_timeout_ms");
            report.add(&key, &format!("{timeout} is greater than plugins.drain_timeout_ms"), &fix);
        }
    }
}
