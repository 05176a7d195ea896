//! Checks `[tenants.NAME]`.

use std::collections::BTreeMap;

use frontgate_contract::Role;
use frontgate_tenants::Settings;

use super::{Report, front, plugin_name, twilio};

pub(super) fn check(tenants: &BTreeMap<String, Settings>, report: &mut Report<'_, '_>) {
    let mut paths = BTreeMap::new();
    for (name, tenant) in tenants {
        let key = format!("tenants.{name}.path");
        let path = tenant.path.as_str();
        if !is_path(path) {
            let fix = "begin with `/`, end without it, and use letters, digits, `-`, `.`, `_` and `~`";
            report.add(&key, "is not a path such as `/` or `/acme`", fix);
        }
        if let Some(other) = paths.insert(path, name) {
            report.add(&key, &format!("is also the path of tenant `{other}`"), "choose another path");
        }
        if !tenant.roles.calls.is_empty() && !tenant.twilio.voice.enabled {
            let fix = format!("add `enabled = true` below [tenants.{name}.twilio.voice]");
            report.add(&format!("tenants.{name}.roles.calls"), "is never called, since the tenant has no calls", &fix);
        }
        customers(name, tenant, report);
        let answers = Role::ALL.into_iter().any(|role| !tenant.roles.plugins(role).is_empty());
        twilio::check(&format!("tenants.{name}.twilio"), &tenant.twilio, answers, report);
        for role in Role::ALL {
            for (index, plugin) in tenant.roles.plugins(role).iter().enumerate() {
                plugin_name(&format!("tenants.{name}.roles.{role}[{index}]"), plugin, report);
            }
        }
        for (app, settings) in &tenant.front {
            front::check(&format!("tenants.{name}.front.{app}"), app, settings, report);
        }
    }
}

fn customers(name: &str, tenant: &Settings, report: &mut Report<'_, '_>) {
    let (settings, has_source) = (&tenant.customers, !tenant.roles.crm_source.is_empty());
    for (key, problem, fix) in settings.problems() {
        report.add(&format!("tenants.{name}.customers.{key}"), &problem, fix);
    }
    if settings.index && !has_source {
        let fix = format!("name a plugin in `crm-source` of [tenants.{name}.roles], such as \"directory\"");
        report.add(&format!("tenants.{name}.customers.index"), "has no plugin that reports customers", &fix);
    }
    if has_source && !settings.index {
        let fix = format!("add `index = true` below [tenants.{name}.customers]");
        report.add(&format!("tenants.{name}.roles.crm-source"), "is never called, since the tenant has no index", &fix);
    }
}

fn is_path(path: &str) -> bool {
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
    let ends = path.len() > 1 && path.ends_with('/');
    path.starts_with('/') && plain && !ends && !path.contains("//")
}
