//! What must hold beyond the shape of the file: addresses that can be used, names that exist,
//! secrets that are there.

mod front;
mod guards;
mod outbound;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use frontgate_contract::Role;
use frontgate_net::read_authorities;
use frontgate_settings::Fault;
use frontgate_twilio::number::is_e164;
use url::Url;

use super::Config;
use super::document::Document;

/// Frontline gives up after this many milliseconds.
const FRONTLINE_TIMEOUT_MS: u64 = 6_000;
/// And Conversations after this many.
const WEBHOOK_TIMEOUT_MS: u64 = 5_000;

/// Every connection begins without a verified request, so some places must be left for that.
const CONNECTIONS_VERIFIED_PERCENT_MAX: u64 = 95;
/// More than any disk has.
const PIB: u64 = 1 << 50;

/// Adds a fault for everything that cannot work.
pub(super) fn check(config: &mut Config, document: &Document<'_>, faults: &mut Vec<Fault>) {
    check_plugins(config, document, faults);
    let mut report = Report { document, faults };
    server(config, &mut report);
    for (index, file) in config.delivery.ca_files.iter().enumerate() {
        if let Err(problem) = read_authorities(file) {
            let key = format!("delivery.ca_files[{index}]");
            report.fault(&key, &format!("{problem:#}"), "name a PEM file with certificates");
        }
    }
    if config.store.path().is_none() {
        report.fault("store.url", "is no database that this version knows", "write \"sqlite:data/frontgate.db\"");
    }
    plugins(config, &mut report);
    guards::owners(config, &mut report);
    guards::marks(config, &mut report);
    tenants(&config.tenants, &mut report);
}

/// The same for limits, secrets, and what plugins are granted.
pub(super) fn check_plugins(config: &mut Config, document: &Document<'_>, faults: &mut Vec<Fault>) {
    let mut report = Report { document, faults };
    for (key, secret) in config.secrets_mut() {
        if let Some(problem) = secret.fault() {
            report.fault(&key, problem, "set it (or create the file), or name another source");
        }
    }
    limits(config, &mut report);
    outbound::check(config, &mut report);
    webhooks::check(config, &mut report);
}

struct Report<'r, 'd> {
    document: &'r Document<'d>,
    faults: &'r mut Vec<Fault>,
}

impl Report<'_, '_> {
    fn fault(&mut self, key: &str, problem: &str, fix: &str) {
        self.faults.push(Fault {
            place: self.document.place(key),
            problem: format!("{key}: {problem}"),
            fix: fix.to_owned(),
        });
    }
}

fn server(config: &Config, report: &mut Report<'_, '_>) {
    let server = &config.server;
    let key = "server.public_url";
    match server.public_url.as_deref().map(Url::parse) {
        Some(Ok(url)) => {
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                report.fault(key, "is neither an https nor an http address", "write https://gateway.example.com");
            }
            if url.query().is_some() || url.fragment().is_some() {
                report.fault(key, "has a query or a fragment", "name scheme and host, and a path if a proxy adds one");
            }
        }
        Some(Err(error)) => report.fault(key, &error.to_string(), "write https://gateway.example.com"),
        None if server.listen.ip().is_unspecified() => {
            report.fault("server.listen", "is no address that anybody calls", "add the outside address as public_url");
        }
        None => {}
    }
    if server.listen == config.admin.listen && server.listen.port() != 0 {
        report.fault("admin.listen", "is the public listener's address too", "give it a port of its own");
    }
    for (index, name) in config.admin.hosts.iter().enumerate() {
        if !is_host_name(name) {
            let key = format!("admin.hosts[{index}]");
            report.fault(&key, "is not a host name", "write the name alone, such as \"gateway.internal\"");
        }
    }
    if let Err(problem) = config.log.filter() {
        report.fault("log.level", &problem, "write error, warn, info, debug or trace");
    }
}

/// A name without scheme, port or path. Addresses need not be listed.
fn is_host_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    plain && name.chars().any(|c| c.is_ascii_alphanumeric()) && name.parse::<std::net::IpAddr>().is_err()
}

/// Sizes, counts and times with the range in which they can work.
fn limits(config: &Config, report: &mut Report<'_, '_>) {
    let (server, plugins) = (&config.server, &config.plugins);
    let (day, gib) = (86_400_000, 1 << 30);
    let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let mut ranges = vec![
        ("server.connections_max".to_owned(), size(server.connections_max), 1, 1_000_000),
        (
            "server.connections_verified_percent".to_owned(),
            server.connections_verified_percent.into(),
            0,
            CONNECTIONS_VERIFIED_PERCENT_MAX,
        ),
        ("server.connections_per_address_max".to_owned(), size(server.connections_per_address_max), 1, 1_000_000),
        ("server.connection_age_ms".to_owned(), server.connection_age_ms, 1, day),
        ("server.header_timeout_ms".to_owned(), server.header_timeout_ms, 1, day),
        // hyper refuses a smaller buffer.
        ("server.header_bytes_max".to_owned(), size(server.header_bytes_max), 8_192, gib),
        ("server.headers_max".to_owned(), size(server.headers_max), 1, 10_000),
        ("server.body_timeout_ms".to_owned(), server.body_timeout_ms, 1, day),
        ("server.body_bytes_max".to_owned(), size(server.body_bytes_max), 1, gib),
        ("server.unverified_body_bytes_max".to_owned(), size(server.unverified_body_bytes_max), 65_536, 64 * gib),
        ("server.write_timeout_ms".to_owned(), server.write_timeout_ms, 1, day),
        ("server.shutdown_delay_ms".to_owned(), server.shutdown_delay_ms, 0, day),
        ("server.shutdown_grace_ms".to_owned(), server.shutdown_grace_ms, 0, day),
        ("log.buffer_bytes_max".to_owned(), size(config.log.buffer_bytes_max), 65_536, gib),
        ("plugins.cache_files_max".to_owned(), size(plugins.cache_files_max), 1, 1_000_000),
        // Each place reserves gigabytes of address space.
        ("plugins.calls_max".to_owned(), plugins.calls_max.into(), 1, 4_096),
        ("plugins.calls_per_tenant_max".to_owned(), plugins.calls_per_tenant_max.into(), 1, 4_096),
        ("plugins.directory_calls_max".to_owned(), plugins.directory_calls_max.into(), 1, 4_096),
        ("plugins.directory_calls_per_tenant_max".to_owned(), plugins.directory_calls_per_tenant_max.into(), 1, 4_096),
        ("plugins.calls_per_plugin_max".to_owned(), plugins.calls_per_plugin_max.into(), 1, 4_096),
        ("plugins.queue_max".to_owned(), plugins.queue_max.into(), 0, 1_000_000),
        ("plugins.queue_timeout_ms".to_owned(), plugins.queue_timeout_ms, 0, day),
        ("plugins.stack_bytes_max".to_owned(), size(plugins.stack_bytes_max), 65_536, 64 << 20),
        ("plugins.breaker.failures".to_owned(), plugins.breaker.failures.into(), 1, 1_000_000),
        ("plugins.breaker.pause_ms".to_owned(), plugins.breaker.pause_ms, 1, day),
        ("plugins.breaker.pause_max_ms".to_owned(), plugins.breaker.pause_max_ms, plugins.breaker.pause_ms, day),
        ("plugins.warm.instances_max".to_owned(), plugins.warm.instances_max.into(), 1, 4_096),
        ("plugins.warm.per_tenant_max".to_owned(), plugins.warm.per_tenant_max.into(), 1, 4_096),
        ("plugins.warm.calls_max".to_owned(), plugins.warm.calls_max.into(), 1, 1_000_000_000),
        ("plugins.warm.age_max_ms".to_owned(), plugins.warm.age_max_ms, 1, 365 * day),
        ("plugins.warm.idle_max_ms".to_owned(), plugins.warm.idle_max_ms, 1, day),
        ("plugins.warm.memory_bytes_max".to_owned(), size(plugins.warm.memory_bytes_max), 65_536, 4 * gib),
        (
            "plugins.memory_bytes_total_max".to_owned(),
            size(plugins.memory_bytes_total_max),
            size(plugins.memory_bytes_max()),
            PIB,
        ),
        (
            "plugins.memory_bytes_per_tenant_max".to_owned(),
            size(plugins.memory_bytes_per_tenant_max),
            size(plugins.memory_bytes_max()),
            PIB,
        ),
        ("plugins.file_threads_per_plugin_max".to_owned(), size(plugins.file_threads_per_plugin_max), 1, 256),
        ("plugins.file_bytes_max".to_owned(), plugins.file_bytes_max, 1, 4 * gib),
        ("plugins.settle_ms".to_owned(), plugins.settle_ms, 1, day),
        ("plugins.rescan_interval_ms".to_owned(), plugins.rescan_interval_ms, 1, day),
        ("plugins.connections_idle_max".to_owned(), size(plugins.connections_idle_max), 0, 1_000),
    ];
    ranges.extend([
        ("plugins.versions_max".to_owned(), size(plugins.versions_max), 2, 1_000),
        ("plugins.versions_bytes_max".to_owned(), plugins.versions_bytes_max, 1, 1024 * gib),
        ("plugins.names_max".to_owned(), size(plugins.names_max), 1, 10_000),
        ("plugins.receipts_max".to_owned(), size(plugins.receipts_max), 1, 1_000_000),
        ("plugins.drain_timeout_ms".to_owned(), plugins.drain_timeout_ms, 1, day),
        ("plugins.probation.calls".to_owned(), plugins.probation.calls.into(), 0, 1_000_000),
        ("plugins.probation.time_ms".to_owned(), plugins.probation.time_ms, 1, day),
        ("plugins.probation.failures".to_owned(), plugins.probation.failures.into(), 1, 64),
    ]);
    let (store, delivery) = (&config.store, &config.delivery);
    ranges.extend([
        ("store.queue_max".to_owned(), size(store.queue_max), 1, 1_000_000),
        ("store.queue_per_tenant_max".to_owned(), size(store.queue_per_tenant_max), 1, 1_000_000),
        ("store.queue_bytes_per_tenant_max".to_owned(), size(store.queue_bytes_per_tenant_max), 1, 64 * gib),
        ("store.queue_per_channel_max".to_owned(), size(store.queue_per_channel_max), 1, 1_000_000),
        ("store.readers_per_tenant_max".to_owned(), size(store.readers_per_tenant_max), 1, 256),
        ("store.waiting_per_tenant_max".to_owned(), store.waiting_per_tenant_max, 1, 1_000_000_000),
        ("store.waiting_bytes_per_tenant_max".to_owned(), store.waiting_bytes_per_tenant_max, 1, PIB),
        ("store.deliveries_keep_bytes_per_tenant_max".to_owned(), store.deliveries_keep_bytes_per_tenant_max, 0, PIB),
        ("store.events_bytes_per_tenant_max".to_owned(), store.events_bytes_per_tenant_max, 1, PIB),
        ("store.free_bytes_imports_min".to_owned(), store.free_bytes_imports_min, store.free_bytes_events_min, PIB),
        ("store.free_bytes_events_min".to_owned(), store.free_bytes_events_min, 0, PIB),
        ("store.readers_max".to_owned(), size(store.readers_max), 1, 256),
        ("store.timeout_ms".to_owned(), store.timeout_ms, 1, day),
        ("store.events_keep_ms".to_owned(), store.events_keep_ms, 1, 365 * day),
        ("store.deliveries_keep_ms".to_owned(), store.deliveries_keep_ms, 1, 365 * day),
        ("store.messages_keep_ms".to_owned(), store.messages_keep_ms, 1, 10 * 365 * day),
        ("store.conversations_keep_ms".to_owned(), store.conversations_keep_ms, 1, 100 * 365 * day),
        ("delivery.at_once_max".to_owned(), size(delivery.at_once_max), 1, 10_000),
        ("delivery.requests_per_second_max".to_owned(), delivery.requests_per_second_max.into(), 1, 100_000),
        ("delivery.request_timeout_ms".to_owned(), delivery.request_timeout_ms, 1, day),
        ("delivery.connect_timeout_ms".to_owned(), delivery.connect_timeout_ms, 1, day),
        ("delivery.connections_idle_max".to_owned(), size(delivery.connections_idle_max), 0, 10_000),
        ("delivery.response_bytes_max".to_owned(), size(delivery.response_bytes_max), 1_024, gib),
        ("delivery.retry_first_ms".to_owned(), delivery.retry_first_ms, 1, day),
        ("delivery.retry_longest_ms".to_owned(), delivery.retry_longest_ms, delivery.retry_first_ms, day),
        ("delivery.give_up_after_ms".to_owned(), delivery.give_up_after_ms, 1, 365 * day),
        ("delivery.unknown_tries_max".to_owned(), delivery.unknown_tries_max.into(), 1, 1_000),
        ("delivery.routing_patience_ms".to_owned(), delivery.routing_patience_ms, 0, day),
        ("delivery.plugin_timeout_ms".to_owned(), delivery.plugin_timeout_ms, 1, day),
    ]);
    ranges.extend(plugins.build_ranges());
    let own = plugins.named.iter().filter_map(|(name, plugin)| Some((name, plugin.calls_max?)));
    ranges.extend(own.map(|(name, max)| (format!("plugins.named.{name}.calls_max"), max.into(), 1, 4_096)));
    let named = plugins
        .named
        .iter()
        .map(|(name, plugin)| (format!("plugins.named.{name}.limits"), plugins.limits.with(&plugin.limits)));
    for (key, limits) in named.chain([("plugins.limits".to_owned(), plugins.limits.clone())]) {
        ranges.extend([
            (format!("{key}.cpu_time_ms"), limits.cpu_time_ms, 1, day),
            (format!("{key}.call_timeout_ms"), limits.call_timeout_ms, 1, plugins.drain_timeout_ms.max(1)),
            (format!("{key}.memory_bytes_max"), size(limits.memory_bytes_max), 65_536, 4 * gib),
            (format!("{key}.host_memory_bytes_max"), size(limits.host_memory_bytes_max), 65_536, 4 * gib),
            (format!("{key}.table_elements_max"), size(limits.table_elements_max), 1, 10_000_000),
            (format!("{key}.answer_bytes_max"), size(limits.answer_bytes_max), 1, gib),
            (format!("{key}.handles_max"), size(limits.handles_max), 1, 1_000_000),
            (format!("{key}.signatures_max"), limits.signatures_max.into(), 0, 10_000),
            (format!("{key}.outbound_requests_max"), limits.outbound_requests_max.into(), 0, 1_000_000),
            (format!("{key}.outbound_concurrent_max"), limits.outbound_concurrent_max.into(), 1, 1_000),
            (format!("{key}.outbound_request_bytes_max"), size(limits.outbound_request_bytes_max), 0, gib),
            (format!("{key}.outbound_file_bytes_max"), size(limits.outbound_file_bytes_max), 0, gib),
            (format!("{key}.outbound_response_bytes_max"), size(limits.outbound_response_bytes_max), 0, gib),
            (format!("{key}.outbound_connect_timeout_ms"), limits.outbound_connect_timeout_ms, 1, day),
            (format!("{key}.outbound_timeout_ms"), limits.outbound_timeout_ms, 1, day),
        ]);
    }
    let granted = plugins.named.iter().filter_map(|(name, plugin)| Some((name, plugin.state.0.as_ref()?)));
    let named = granted.map(|(name, own)| (format!("plugins.named.{name}.state"), plugins.state.with(own)));
    for (key, limits) in named.chain([("plugins.state".to_owned(), plugins.state.clone())]) {
        ranges.extend(limits.ranges().map(|(name, value, least, most)| (format!("{key}.{name}"), value, least, most)));
    }
    for (name, tenant) in &config.tenants {
        let (key, twilio) = (format!("tenants.{name}.twilio"), &tenant.twilio);
        ranges.push((format!("{key}.page_size_max"), twilio.page_size_max.into(), 1, 100_000));
        ranges.push((format!("{key}.callback_timeout_ms"), twilio.callback_timeout_ms, 1, FRONTLINE_TIMEOUT_MS - 1));
        ranges.push((format!("{key}.webhook_timeout_ms"), twilio.webhook_timeout_ms, 1, WEBHOOK_TIMEOUT_MS - 1));
        for (app, settings) in &tenant.front {
            ranges.extend(front::ranges(&format!("tenants.{name}.front.{app}"), settings));
        }
    }
    for (key, value, least, most) in ranges {
        if !(least..=most).contains(&value) {
            report.fault(&key, &format!("{value} cannot work"), &format!("write a number from {least} to {most}"));
        }
    }
}

fn plugins(config: &Config, report: &mut Report<'_, '_>) {
    let directory = &config.plugins.directory;
    if !directory.is_dir() {
        let problem = format!("there is no folder {}", directory.display());
        report.fault("plugins.directory", &problem, "create it, or name the folder that holds the .wasm files");
    }
    for (name, plugin) in &config.plugins.named {
        let Some(files) = plugin.files.as_ref().filter(|files| !files.is_dir()) else {
            continue;
        };
        let problem = format!("there is no folder {}", files.display());
        report.fault(&format!("plugins.named.{name}.files"), &problem, "create it, or name another");
    }
}

fn tenants(tenants: &BTreeMap<String, frontgate_tenants::Settings>, report: &mut Report<'_, '_>) {
    let mut paths = BTreeMap::new();
    for (name, tenant) in tenants {
        let key = format!("tenants.{name}.path");
        let path = tenant.path.as_str();
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
        if !path.starts_with('/') || !plain || (path.len() > 1 && path.ends_with('/')) || path.contains("//") {
            report.fault(
                &key,
                "is not a path such as `/` or `/acme`",
                "begin with `/`, end without one, use plain letters",
            );
        }
        if let Some(other) = paths.insert(path, name) {
            report.fault(&key, &format!("is the path of tenant `{other}` too"), "give each tenant a path of its own");
        }
        twilio(name, tenant, report);
        for (app, settings) in &tenant.front {
            front::check(&format!("tenants.{name}.front.{app}"), app, settings, report);
        }
    }
}

fn twilio(name: &str, tenant: &frontgate_tenants::Settings, report: &mut Report<'_, '_>) {
    let twilio = &tenant.twilio;
    let answers = Role::ALL.into_iter().any(|role| !tenant.roles.plugins(role).is_empty());
    if answers && twilio.auth_tokens.is_empty() && twilio.shared_keys.is_empty() {
        report.fault(
            &format!("tenants.{name}.twilio.auth_tokens"),
            "there is no token, so no callback could be verified",
            "add `auth_tokens = [{ env = \"TWILIO_AUTH_TOKEN\" }]`",
        );
    }
    back(name, twilio, report);
    let mut ids = BTreeSet::new();
    for (index, key) in twilio.shared_keys.iter().enumerate() {
        if key.id.is_empty() || !ids.insert(&key.id) {
            report.fault(
                &format!("tenants.{name}.twilio.shared_keys[{index}].id"),
                "is empty, or another key's too",
                "write the id that Twilio gave the key",
            );
        }
    }
    for role in Role::ALL {
        for (index, plugin) in tenant.roles.plugins(role).iter().enumerate() {
            names_plugin(&format!("tenants.{name}.roles.{role}[{index}]"), plugin, report);
        }
    }
}

fn names_plugin(key: &str, plugin: &str, report: &mut Report<'_, '_>) {
    if plugin.is_empty() || !plugin.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        report.fault(key, "is not a plugin's name", "write the file's name without `.wasm`");
    }
}

/// What calls back to Twilio need.
fn back(name: &str, twilio: &frontgate_twilio::Settings, report: &mut Report<'_, '_>) {
    let key = |key: &str| format!("tenants.{name}.twilio.{key}");
    match (&twilio.api_key, &twilio.api_secret) {
        (Some(_), None) => report.fault(&key("api_key"), "has no api_secret beside it", "add `api_secret`"),
        (None, Some(_)) => report.fault(&key("api_secret"), "has no api_key beside it", "add `api_key`"),
        _ => {}
    }
    api_url(&key("conversations_url"), &twilio.conversations_url, "https://conversations.twilio.com", report);
    if twilio.default_worker.as_deref().is_some_and(|worker| worker.trim().is_empty() || worker.len() > 256) {
        report.fault(&key("default_worker"), "is no identity", "write the identity of a worker, such as an e-mail");
    }
    for (index, number) in twilio.numbers.iter().enumerate() {
        if !is_e164(number) {
            let fix = "write it as a plus and digits only, such as +12025550199";
            report.fault(&key(&format!("numbers[{index}]")), "is not a number in E.164", fix);
        }
    }
}

/// An address that credentials are sent to.
fn api_url(key: &str, url: &str, example: &str, report: &mut Report<'_, '_>) {
    match Url::parse(url) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() || has_user_info(&url) => {
            report.fault(key, "has more than host and path", &format!("write {example}"));
        }
        Ok(url) if url.scheme() == "https" && url.has_host() => {}
        Ok(url) if url.scheme() == "http" && is_loopback(&url) => {}
        Ok(_) => report.fault(
            key,
            "is no https address, so credentials would not be safe on the way",
            "write https://..., or an http address of this machine for tests",
        ),
        Err(error) => report.fault(key, &error.to_string(), &format!("write {example}")),
    }
}

/// Whether a URL has a user or a password in it.
fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
