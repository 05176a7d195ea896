//! Computes the responses of the REST API (REST API Developer Guide).

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::salesforce::fault::Call;
use crate::salesforce::org::{Org, Record, View, shown_time};
use crate::salesforce::problem::Problem;
use crate::salesforce::schema::{Kind, Object};
use crate::salesforce::soql::{Cell, Plan, Query, Row as _};
use crate::twilio::clock::http_date;

/// Limits on the rows of a response ("Query Options Header").
const BATCH_MIN: usize = 200;
const BATCH_MAX: usize = 2_000;
/// Salesforce's limit on the length of a URL ("Status Codes and Error Responses", 414).
const URI_BYTES_MAX: usize = 16_384;
/// Most open cursors of a user; the oldest one is closed.
const CURSORS_MAX: usize = 10;
/// Versions of the API that are not retired.
const VERSIONS: std::ops::RangeInclusive<u32> = 31..=66;

/// A request.
pub(super) struct ApiRequest<'r> {
    pub(super) call: Call,
    /// The path and the query.
    pub(super) path: &'r str,
    pub(super) authorization: &'r str,
    /// The header `Sforce-Query-Options`.
    pub(super) options: &'r str,
    pub(super) body: &'r [u8],
}

impl ApiRequest<'_> {
    fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the last segment of the path.
    fn last(&self) -> &str {
        self.path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
    }

    /// Returns the version of the API, such as `62.0`.
    fn version(&self) -> Option<&str> {
        let version = self.path.strip_prefix("/services/data/v")?.split(['/', '?']).next()?;
        let number = version.strip_suffix(".0")?.parse().ok()?;
        VERSIONS.contains(&number).then_some(version)
    }

    fn batch_size(&self) -> usize {
        let size = self.options.strip_prefix("batchSize=").and_then(|size| size.trim().parse().ok());
        size.unwrap_or(BATCH_MAX).clamp(BATCH_MIN, BATCH_MAX)
    }
}

impl Org {
    /// Answers a `GET` with this path and query, as an authorized client gets it. For tests without a server.
    pub fn get(&mut self, path: &str) -> Reply {
        let authorization = format!("Bearer {}", Self::TOKEN);
        let call = Call::of("GET", path.split('?').next().unwrap_or_default());
        self.answer(&ApiRequest { call, path, authorization: &authorization, options: "", body: b"" })
    }

    pub(super) fn answer(&mut self, request: &ApiRequest<'_>) -> Reply {
        let reply = match request.call {
            Call::Token => self.token(request.authorization, request.body),
            _ => self.api(request).unwrap_or_else(|problem| Reply::from(&problem)),
        };
        let usage = format!("api-usage={}/{}", self.requests, self.requests_max);
        let reply = reply.header("date", http_date(self.time())).header("sforce-limit-info", usage);
        reply.header("content-type", "application/json;charset=UTF-8")
    }

    fn api(&mut self, request: &ApiRequest<'_>) -> Result<Reply, Problem> {
        if request.path.len() > URI_BYTES_MAX {
            return Err(Problem::new(414, "URI_TOO_LONG", "the URI exceeds 16384 bytes"));
        }
        if !self.is_authorized(request.authorization) {
            return Err(Problem::expired());
        }
        if self.requests >= self.requests_max {
            return Err(Problem::daily_limit());
        }
        self.requests += 1;
        let version = request.version().ok_or_else(Problem::not_found)?;
        let body = match request.call {
            Call::Query | Call::QueryAll => {
                let soql = request.parameter("q").ok_or_else(|| Problem::malformed("unexpected token: '<EOF>'"))?;
                self.run(version, &soql, request.call == Call::QueryAll, request.batch_size())?
            }
            Call::MoreRows => self.more(version, request.last(), request.batch_size())?,
            Call::Record => self.record(version, request)?,
            Call::Limits => {
                let remaining = self.requests_max - self.requests;
                json!({ "DailyApiRequests": { "Max": self.requests_max, "Remaining": remaining } })
            }
            Call::Token | Call::Any | Call::Unknown => return Err(Problem::not_found()),
        };
        Ok(Reply::new(200, body.to_string()))
    }

    /// Runs a query and returns its first rows.
    fn run(&mut self, version: &str, soql: &str, also_deleted: bool, batch_size: usize) -> Result<Value, Problem> {
        let query = Query::parse(soql).map_err(Problem::malformed)?;
        let object = Object::named(&query.object).ok_or_else(|| Problem::no_object(&query.object))?;
        let plan = Plan::new(&query, |field| self.field(soql, object, field).map(|(_, kind)| kind))?;
        let is_there = |record: &&Record| !record.is("IsDeleted") || also_deleted && self.is_in_recycle_bin(record);
        let views = self.table(object).values().filter(is_there).map(|record| View { org: self, object, record });
        let mut found: Vec<_> = views.filter(|view| plan.accepts(view)).collect();
        found.sort_by(|one, other| plan.compare(one, other));
        if query.fields.is_empty() {
            return Ok(json!({ "totalSize": found.len(), "done": true, "records": [] }));
        }
        found.truncate(query.limit.unwrap_or(usize::MAX));
        let names: Vec<(String, Kind)> =
            query.fields.iter().map(|field| self.field(soql, object, field)).collect::<Result<_, _>>()?;
        let rows: Vec<Value> = found.iter().map(|view| shown(version, view, &names)).collect();
        let total = rows.len();
        Ok(self.batch(version, rows, total, batch_size))
    }

    /// Returns the first rows, and keeps the others for the next request.
    fn batch(&mut self, version: &str, mut rows: Vec<Value>, total: usize, batch_size: usize) -> Value {
        let size = batch_size.min(self.rows_max);
        if rows.len() <= size {
            return json!({ "totalSize": total, "done": true, "records": rows });
        }
        let rest = rows.split_off(size);
        let place = total - rest.len();
        let locator = format!("{}-{place}", self.new_id("01g"));
        self.cursors.push((locator.clone(), rest, total));
        if self.cursors.len() > CURSORS_MAX {
            self.cursors.remove(0);
        }
        let next = format!("/services/data/v{version}/query/{locator}");
        json!({ "totalSize": total, "done": false, "nextRecordsUrl": next, "records": rows })
    }

    fn more(&mut self, version: &str, locator: &str, batch_size: usize) -> Result<Value, Problem> {
        let at = self.cursors.iter().position(|(known, _, _)| known == locator);
        let at = at.ok_or_else(|| Problem::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?;
        let (_, rows, total) = self.cursors.remove(at);
        Ok(self.batch(version, rows, total, batch_size))
    }

    /// Returns a record with the fields of `fields`, by default all.
    fn record(&self, version: &str, request: &ApiRequest<'_>) -> Result<Value, Problem> {
        let segments: Vec<_> = request.path.split(['/', '?']).collect();
        let object = segments.get(5).and_then(|name| Object::named(name)).ok_or_else(Problem::not_found)?;
        let record = self.table(object).get(request.last()).filter(|record| !record.is("IsDeleted"));
        let record = record.ok_or_else(Problem::not_found)?;
        let all = || object.fields().iter().map(|(name, _)| (*name).to_owned()).collect();
        let fields: Vec<String> =
            request.parameter("fields").map_or_else(all, |fields| fields.split(',').map(str::to_owned).collect());
        let names: Vec<_> = fields.iter().map(|field| self.field("", object, field)).collect::<Result<_, _>>()?;
        Ok(shown(version, &View { org: self, object, record }, &names))
    }
}

/// Returns a row with these fields; those of related records are in objects.
fn shown(version: &str, view: &View<'_>, names: &[(String, Kind)]) -> Value {
    let attributes = |view: &View<'_>| {
        let (name, id) = (view.object.name(), view.record.text("Id"));
        json!({ "type": name, "url": format!("/services/data/v{version}/sobjects/{name}/{id}") })
    };
    let mut row = Map::from_iter([("attributes".to_owned(), attributes(view))]);
    for (name, _) in names {
        let Some((relation, field)) = name.split_once('.') else {
            row.insert(name.clone(), value(view.cell(name)));
            continue;
        };
        let related = view.related(relation);
        let entry = row
            .entry(relation.to_owned())
            .or_insert_with(|| related.as_ref().map_or(Value::Null, |view| json!({ "attributes": attributes(view) })));
        if let (Some(object), Some(related)) = (entry.as_object_mut(), related) {
            object.insert(field.to_owned(), value(related.cell(field)));
        }
    }
    Value::Object(row)
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Time(seconds) => shown_time(seconds).into(),
        Cell::Boolean(value) => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::Person;

    fn get(org: &mut Org, path: &str) -> (u16, Value) {
        let reply = org.get(path);
        (reply.status, serde_json::from_slice(&reply.body).expect("JSON"))
    }

    fn query(org: &mut Org, soql: &str) -> (u16, Value) {
        let encoded: String = form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        get(org, &format!("/services/data/v62.0/query?q={encoded}"))
    }

    #[test]
    fn rows_beyond_a_response_follow_by_its_cursor() {
        let mut org = Org::at(0);
        let all: Vec<_> = (0..2_500).map(|_| org.add(Person::new("Mora", "Lind"))).collect();
        let (_, first) = query(&mut org, "SELECT Id FROM Contact ORDER BY Id");
        assert_eq!((first["records"].as_array().map(Vec::len), first["done"].as_bool()), (Some(2_000), Some(false)));
        let next = first["nextRecordsUrl"].as_str().expect("a path").to_owned();
        let (status, second) = get(&mut org, &next);
        assert_eq!(
            (status, second["records"][499]["Id"].as_str(), second["done"].as_bool()),
            (200, Some(&*all[2_499]), Some(true))
        );
        assert_eq!(get(&mut org, &next).1[0]["errorCode"], "INVALID_QUERY_LOCATOR");
    }

    #[test]
    fn errors_have_salesforces_codes() {
        let mut org = Org::at(0);
        for (soql, code) in [
            ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
            ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY"),
            ("SELECT Foo__c FROM Contact", "INVALID_FIELD"),
            ("SELECT Boss.Name FROM Contact", "INVALID_FIELD"),
            ("SELECT Id FROM Foo__c", "INVALID_TYPE"),
            ("SELECT Id FROM Contact WHERE SystemModstamp > '2026'", "INVALID_FIELD"),
            ("SELECT Id FROM Contact WHERE Id = '7'", "INVALID_QUERY_FILTER_OPERATOR"),
            ("SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ] {
            let (status, problem) = query(&mut org, soql);
            assert_eq!((status, problem[0]["errorCode"].as_str()), (400, Some(code)), "{soql}");
        }
        assert_eq!(get(&mut org, "/services/data/v1.0/query?q=").0, 404);
        org.limit_requests(org.requests());
        assert_eq!(query(&mut org, "SELECT Id FROM Contact").1[0]["errorCode"], "REQUEST_LIMIT_EXCEEDED");
        org.expire_sessions();
        assert_eq!(query(&mut org, "SELECT Id FROM Contact").0, 401);
    }

    #[test]
    fn deleted_records_are_in_the_recycle_bin_for_15_days() {
        let mut org = Org::at(0);
        let (one, other) = (org.add(Person::new("Mora", "Lind")), org.add(Person::new("Otto", "Vale")));
        org.merge(&one, &other);
        let path = "/services/data/v62.0/queryAll?q=SELECT+MasterRecordId+FROM+Contact+WHERE+IsDeleted+=+true";
        assert_eq!(get(&mut org, path).1["records"][0]["MasterRecordId"], *one);
        let record = format!("/services/data/v62.0/sobjects/Contact/{other}");
        assert_eq!(get(&mut org, &record).0, 404);
        org.pass(std::time::Duration::from_secs(16 * 86_400));
        assert_eq!(get(&mut org, path).1["totalSize"], 0);
    }
}
