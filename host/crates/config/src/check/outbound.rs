//! Checks the network grants in `[plugins.named.NAME]`.

use std::net::IpAddr;

use frontgate_net::address::{is_grantable, special};
use frontgate_net::is_reserved_header;
use frontgate_runtime::settings::Named;
use frontgate_runtime::settings::outbound::{BoundSecret, Hosts, Site, is_below, is_plain_path};
use hyper::header::{HeaderName, HeaderValue};
use ipnet::IpNet;

use super::{Report, oauth};
use crate::Config;

pub(super) fn check(config: &Config, report: &mut Report<'_, '_>) {
    for (name, named) in &config.plugins.named {
        plugin(&format!("plugins.named.{name}"), named, report);
    }
}

fn plugin(key: &str, named: &Named, report: &mut Report<'_, '_>) {
    let networks = networks(&format!("{key}.outbound_networks"), &named.outbound_networks, report);
    for (index, text) in named.outbound.iter().enumerate() {
        let key = format!("{key}.outbound[{index}]");
        match Site::parse(text) {
            Err(problem) => {
                report.add(&key, problem, "write https://api.example.com, https://*.example.com or https://crm:8443");
            }
            Ok(Site { hosts: Hosts::Address(address), .. }) => literal(&key, address, &networks, report),
            Ok(_) => {}
        }
    }
    for (index, bound) in named.bound_secrets.iter().enumerate() {
        let earlier = &named.bound_secrets[..index];
        self::bound(&format!("{key}.bound_secrets[{index}]"), bound, earlier, named, report);
    }
}

/// Parses a list of networks, and reports those that cannot be granted.
pub(super) fn networks(key: &str, list: &[String], report: &mut Report<'_, '_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in list.iter().enumerate() {
        let key = format!("{key}[{index}]");
        match text.parse::<IpNet>() {
            Err(_) => report.add(&key, "is not a network", "write an address, a slash and a length, such as 10.0.0.0/8"),
            Ok(network) if !is_grantable(&network) => report.add(
                &key,
                "is not within one private network",
                "only private, shared, unique local and loopback networks can be granted; public addresses need no grant",
            ),
            Ok(network) => networks.push(network),
        }
    }
    networks
}

/// Reports an address for which every request would be rejected.
fn literal(key: &str, address: IpAddr, networks: &[IpNet], report: &mut Report<'_, '_>) {
    let granted = networks.iter().any(|network| network.contains(&address));
    match special(address) {
        Some(special) if !special.grantable => {
            report.add(key, &format!("is not public ({}), and cannot be granted", special.name), "leave it out");
        }
        Some(special) if !granted => report.add(
            key,
            &format!("is not public ({}), so its network must be granted too", special.name),
            &format!("add it to outbound_networks, such as \"{}\"", IpNet::from(address)),
        ),
        _ => {}
    }
}

fn bound(key: &str, bound: &BoundSecret, earlier: &[BoundSecret], named: &Named, report: &mut Report<'_, '_>) {
    let to = Site::parse(&bound.to).ok();
    let granted = named.outbound.iter().any(|text| to.is_some() && Site::parse(text).ok() == to);
    if !granted {
        report.add(&format!("{key}.to"), "is not granted", "write one of the plugin's `outbound`");
    }
    let header = HeaderName::try_from(&bound.header);
    if header.as_ref().is_ok_and(is_reserved_header) || header.is_err() {
        report.add(&format!("{key}.header"), "is not a header that can be set", "write a name such as authorization");
    }
    for (index, path) in bound.paths.iter().enumerate().filter(|(_, path)| !is_plain_path(path)) {
        let problem = format!("`{path}` can be interpreted in different ways");
        report.add(&format!("{key}.paths[{index}]"), &problem, "write it as \"/v1/\", without `..`, `;` or `//`");
    }
    for (index, name) in bound.visible.iter().enumerate().filter(|(_, name)| !bound.secrets.contains_key(*name)) {
        let problem = format!("names `{name}`, which is not one of `secrets`");
        report.add(&format!("{key}.visible[{index}]"), &problem, "list it in `secrets`, or leave it out");
    }
    let twin = |other: &&BoundSecret| {
        Site::parse(&other.to).ok() == to && other.header.eq_ignore_ascii_case(&bound.header) && overlap(other, bound)
    };
    if earlier.iter().any(|other| twin(&other)) {
        let problem = format!("an earlier entry binds the same header for {}", bound.to);
        report.add(&format!("{key}.header"), &problem, "remove one of the two entries");
    }
    if let Some(oauth) = &bound.oauth {
        oauth::check(key, bound, oauth, report);
    } else if bound.secrets.is_empty() {
        report.add(&format!("{key}.secrets"), "is empty", "add secrets = { token = { env = \"NAME\" } }");
    }
    for name in bound.secrets.keys().filter(|name| !bound.value.contains(&format!("{{{name}}}"))) {
        let fix = format!("write {{{name}}} in `value`");
        report.add(&format!("{key}.secrets.{name}"), "is not part of `value`", &fix);
    }
    // Unreadable secrets have already been reported.
    if bound.secrets.values().any(|secret| secret.error().is_some()) {
        return;
    }
    match bound.render("").map(|value| HeaderValue::try_from(value.as_str())) {
        Err(problem) => report.add(&format!("{key}.value"), &problem, "write it as \"Bearer {token}\""),
        Ok(Err(_)) => report.add(
            &format!("{key}.value"),
            "has a character that headers cannot contain",
            "look for line breaks in it and in its secrets",
        ),
        Ok(Ok(_)) => {}
    }
}

/// Returns whether two bindings apply to a common path.
fn overlap(one: &BoundSecret, other: &BoundSecret) -> bool {
    let all = one.paths.is_empty() || other.paths.is_empty();
    all || one.paths.iter().any(|path| other.paths.iter().any(|above| is_below(path, above) || is_below(above, path)))
}
