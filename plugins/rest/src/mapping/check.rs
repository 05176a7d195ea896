//! Checks of a mapping that concern several keys.

use super::{Call, Kind, Mapping, Request};
use crate::template::Template;

/// Most records of a page: the gateway's limit on a batch.
const LIMIT_MAX: u32 = 1_000;
/// Placeholders of some request, which no setting may be named as.
const RESERVED: [&str; 10] = ["limit", "cursor", "offset", "page", "since", "id", "ids", "query", "number", "national"];

impl Mapping {
    /// Returns the first mistake.
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, meaning) in &self.needs {
            if self.settings.get(name).is_none_or(|text| text.trim().is_empty()) {
                return Err(format!("`settings.{name}` is missing: {meaning}"));
            }
        }
        if let Some(name) = self.settings.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(format!("`settings.{name}`: this name is a placeholder of requests; choose another one"));
        }
        self.check_names("url", &self.url, &[])?;
        let url = self.url.plain(&self.values()).map_err(|name| format!("`url`: {{{name}}} has no value"))?;
        if !["https://", "http://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())) {
            return Err(format!("`url` is `{url}`; write https:// and the host of the CRM"));
        }
        for (name, header) in &self.headers {
            self.check_names(&format!("headers.{name}"), header, &[])?;
        }
        for call in Call::ALL {
            if let Some(request) = self.request(call) {
                self.check_request(call, request)?;
            }
        }
        if self.get.is_none() && self.get_many.is_none() {
            return Err("`get` or `get_many` is missing: the request for customers by id".to_owned());
        }
        if self.changes.is_some() && self.record.updated.is_none() {
            return Err("`record.updated` is missing: `changes` needs the time of a record's last change".to_owned());
        }
        if self.removed.is_some() && self.changes.is_none() {
            return Err("`removed` has no effect without `changes`".to_owned());
        }
        if self.removed.is_some() && self.sync.keeps_cursor {
            return Err("`sync.keeps_cursor` and `removed` exclude each other".to_owned());
        }
        if self.owners.is_some() && (self.owner.id.is_none() || self.owner.email.is_none()) {
            return Err("`owner.id` and `owner.email` are missing: `owners` needs them".to_owned());
        }
        if self.owners.is_none() && self.owner.id.is_some() {
            return Err("`owner` has no effect without the request `owners`".to_owned());
        }
        if self.owners.is_some() && self.record.owner.is_empty() {
            return Err("`record.owner` is missing: `owners` has no effect without it".to_owned());
        }
        Ok(())
    }

    fn check_request(&self, call: Call, request: &Request) -> Result<(), String> {
        let known = call.placeholders();
        self.check_names(&format!("{call}.path"), &request.path, known)?;
        for (name, template) in &request.query {
            self.check_names(&format!("{call}.query.{name}"), template, known)?;
        }
        for (name, template) in &request.headers {
            self.check_names(&format!("{call}.headers.{name}"), template, known)?;
        }
        for template in request.body.iter().flat_map(|body| body.templates()) {
            self.check_names(&format!("{call}.body"), template, known)?;
        }
        if let Some(each) = &request.each {
            self.check_names(&format!("{call}.each"), each, &["id"])?;
        }
        if !(1..=LIMIT_MAX).contains(&request.limit) {
            return Err(format!("`{call}.limit` is {}; write 1 to {LIMIT_MAX}", request.limit));
        }
        if let Some(paging) = &request.paging {
            let by_answer = matches!(paging.kind, Kind::Cursor | Kind::Url);
            if by_answer && paging.next.is_none() {
                return Err(format!("`{call}.paging.next` is missing: the path of the next cursor or URL"));
            }
            if !by_answer && paging.next.is_some() {
                return Err(format!("`{call}.paging.next` has no effect with this `kind`"));
            }
            let needed = match paging.kind {
                Kind::Cursor => Some("cursor"),
                Kind::Offset => Some("offset"),
                Kind::Page => Some("page"),
                Kind::Url => None,
            };
            if let Some(needed) = needed.filter(|name| !request.uses(name)) {
                return Err(format!("`{call}` does not use {{{needed}}}: every page would be the first one"));
            }
        }
        self.check_special_keys(call, request)
    }

    /// Checks keys that only some requests have.
    fn check_special_keys(&self, call: Call, request: &Request) -> Result<(), String> {
        let only = |key: &str, is_set: bool, calls: &[Call]| match is_set && !calls.contains(&call) {
            true => Err(format!("`{call}.{key}` has no effect")),
            false => Ok(()),
        };
        only("ids", request.ids.is_some(), &[Call::Removed, Call::Search, Call::ByNumber])?;
        only("each", request.each.is_some(), &[Call::GetMany])?;
        only("join", request.join.is_some(), &[Call::GetMany])?;
        only("min_chars", request.min_chars > 0, &[Call::Search])?;
        let paged = [Call::List, Call::Changes, Call::Removed, Call::Search, Call::Owners];
        only("paging", request.paging.is_some(), &paged)?;
        let needed = match call {
            Call::Get => Some("id"),
            Call::GetMany => Some("ids"),
            Call::Search => Some("query"),
            Call::Changes => Some("since"),
            Call::ByNumber if !request.uses("national") => Some("number"),
            _ => None,
        };
        if let Some(needed) = needed.filter(|name| !request.uses(name)) {
            return Err(format!("`{call}` does not use {{{needed}}}"));
        }
        if call == Call::Removed && request.ids.is_none() {
            return Err("`removed.ids` is missing: the path of the id in a record".to_owned());
        }
        if matches!(call, Call::Search | Call::ByNumber) && request.ids.is_some() && self.get_many.is_none() {
            return Err(format!("`{call}.ids` needs the request `get_many`"));
        }
        Ok(())
    }

    fn check_names(&self, key: &str, template: &Template, known: &[&str]) -> Result<(), String> {
        let is_known = |name: &str| known.contains(&name) || self.settings.contains_key(name);
        match template.names().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => {
                let settings = self.settings.keys().map(String::as_str);
                let all: Vec<_> = known.iter().copied().chain(settings).collect();
                Err(format!("`{key}`: unknown placeholder {{{name}}}; known: {}", all.join(", ")))
            }
        }
    }
}

impl Request {
    /// Returns whether a placeholder is anywhere in the request.
    fn uses(&self, name: &str) -> bool {
        let body = self.body.iter().flat_map(|body| body.templates());
        let all = [&self.path].into_iter().chain(self.query.values()).chain(self.headers.values()).chain(body);
        all.flat_map(Template::names).any(|used| used == name)
    }
}
