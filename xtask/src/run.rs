//! `cargo xtask run`: builds everything and serves the example configuration.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build;
use crate::tools::{root, target};

/// Secrets that the example configuration names.
const SECRETS: [&str; 6] = [
    "TWILIO_AUTH_TOKEN",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    "TWILIO_API_SECRET",
    "FRONT_APP_UID",
    "FRONT_APP_SECRET",
];

pub(crate) fn run() -> Result<()> {
    build::build_quickly()?;
    let program = target().join("quick/frontgate");
    let mut gateway = Command::new(&program);
    gateway.args(["run", "--config", "config.toml"]).current_dir(root());

    let mut exports = String::new();
    for name in SECRETS {
        if env::var(name).is_ok_and(|value| !value.is_empty()) {
            continue;
        }
        let value = secret()?;
        exports.push_str(&format!("  export {name}={value}\n"));
        gateway.env(name, value);
    }
    let program = program.strip_prefix(root()).unwrap_or(&program).display().to_string();
    if !exports.is_empty() {
        println!("\nSecrets that were not set are made up for this run. Twilio and Front refuse them, of course.");
    }
    println!(
        "\
\nTry in another terminal, in this folder:
{exports}  {program} send twilio crm                          customers of ana@example.org
  {program} send twilio crm --set Query=bakery       a search
  {program} send twilio crm --set CustomerId=c-001   one customer
  {program} send twilio templates                    texts for a customer
  {program} send twilio outgoing-conversation        whom to write from
  {program} send twilio conversations                a conversation begins
  {program} send twilio routing                      somebody is to get it
  {program} deliveries list                          what is left to do about that
  {program} send front authorization                 a channel of Front is connected
  {program} send front message                       a teammate writes, and the example answers
  {program} channels list                            what is connected
  {program} plugin list                              what is loaded
Health, status, metrics: http://127.0.0.1:8081/readyz  /statusz  /metrics
Edit data/directory/customers.csv, or replace a .wasm in plugins/: both show at once.
A new plugin also needs a role in config.toml; `{program} reload` takes it over.
Stop with Ctrl-C.\n"
    );
    // From here on this process is the gateway, and signals reach it directly.
    Err(gateway.exec()).with_context(|| format!("starting {program}"))
}

fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
