//! Executes scripts of state operations: instructions separated by semicolons, each with a result.

use std::str::FromStr;
use std::thread::sleep;
use std::time::Duration;

use frontgate_sdk::state::{self, StateError};
use frontgate_sdk::{Result, directory, warn};

use crate::roles;

/// Executes a script, and returns the results.
pub(crate) fn script(script: &str) -> Result<String> {
    let mut results = Vec::new();
    let mut rest = script;
    while !rest.is_empty() {
        // The rest of the script runs in the CRM plugin, in a nested call.
        if let Some(theirs) = rest.strip_prefix("crm ") {
            results.push(directory::get_customer("ana@example.org", &format!("state {theirs}"))?.customer_id);
            break;
        }
        let (instruction, after) = rest.split_once("; ").unwrap_or((rest, ""));
        results.push(execute(instruction)?);
        rest = after;
    }
    Ok(results.join("; "))
}

fn execute(instruction: &str) -> Result<String> {
    let words: Vec<&str> = instruction.split(' ').collect();
    let done = match words[..] {
        ["get", key] => state::get(key).map(|entry| match entry {
            Some(entry) => String::from_utf8_lossy(&entry.value).into_owned(),
            None => "none".to_owned(),
        }),
        ["gets", key, many] => {
            (0..number::<u32>(many)).try_for_each(|_| state::get(key).map(drop)).map(|()| "got".to_owned())
        }
        ["set", key, value] => state::set(key, value, None).map(|()| "set".to_owned()),
        ["set", key, value, seconds] => {
            state::set(key, value, Duration::from_secs(number(seconds))).map(|()| "set".to_owned())
        }
        ["fill", key, bytes] => state::set(key, vec![b'x'; number(bytes)], None).map(|()| "filled".to_owned()),
        ["swap", key, value] => swap(key, value),
        ["add", key, value] => state::swap(key, None, value, None).map(|done| done.to_string()),
        ["increment", key, by] => state::increment(key, number(by), None).map(|sum| sum.to_string()),
        ["delete", key] => state::delete(key).map(|()| "deleted".to_owned()),
        ["say", word] => {
            warn!("{word}");
            Ok("said".to_owned())
        }
        ["until", key] => until(key).map(|()| "continued".to_owned()),
        _ => {
            roles::misbehave(instruction)?;
            Ok("done".to_owned())
        }
    };
    Ok(done.unwrap_or_else(|error| error.name().to_owned()))
}

/// Reads a key, and writes the new value unless another call has written the key meanwhile.
fn swap(key: &str, value: &str) -> Result<String, StateError> {
    let version = state::get(key)?.map(|entry| entry.version);
    state::swap(key, version, value, None).map(|done| done.to_string())
}

/// Waits until another call has set a key.
fn until(key: &str) -> Result<(), StateError> {
    while state::get(key)?.is_none() {
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn number<N: FromStr + Default>(digits: &str) -> N {
    digits.parse().unwrap_or_default()
}
