//! Compares expected JSON with found JSON, and lists the differences.

use serde_json::Value;

use super::wit_json::shown;

/// The fields to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All fields.
    Whole,
    /// Only the expected fields; other fields may be present.
    Named,
}

/// Maximum number of listed differences.
const PLACES_MAX: usize = 10;

/// Describes each difference between `found` and `expected` in a sentence.
pub(super) fn differences(expected: &Value, found: &Value, extent: Extent) -> Vec<String> {
    let mut places = Vec::new();
    compare(expected, found, extent, "answer", &mut places);
    let more = places.len().saturating_sub(PLACES_MAX);
    if more > 0 {
        places.truncate(PLACES_MAX);
        places.push(format!("and {more} more differences"));
    }
    places
}

fn compare(expected: &Value, found: &Value, extent: Extent, at: &str, places: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, expected) in expected {
                let at = format!("{at}.{name}");
                match found.get(name) {
                    Some(found) => compare(expected, found, extent, &at, places),
                    None => places.push(format!("{at}: expected {}, found nothing", shown(expected))),
                }
            }
            if extent == Extent::Whole {
                let surplus = found.iter().filter(|(name, _)| !expected.contains_key(*name));
                places.extend(
                    surplus.map(|(name, value)| format!("{at}.{name}: unexpected field with {}", shown(value))),
                );
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(expected, found, extent, &format!("{at}[{index}]"), places);
            }
            if expected.len() != found.len() {
                places.push(format!("{at}: expected {} items, found {}", expected.len(), found.len()));
            }
        }
        _ if expected == found => {}
        _ => places.push(format!("{at}: expected {}, found {}", shown(expected), shown(found))),
    }
}
