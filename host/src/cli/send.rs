//! `frontgate send`: a callback, signed as the platform signs it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use url::form_urlencoded;

use super::client;
use crate::config::Config;
use crate::routes::{self, Routes};
use crate::twilio::form::Form;
use crate::twilio::signature::SIGNATURE;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A callback of Twilio Frontline.
    Twilio {
        /// Which one.
        callback: Callback,
        /// A field of the form, in place of the example's; an empty value leaves the field out.
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = field)]
        fields: Vec<(String, String)>,
        /// Whose callback, where there are several tenants.
        #[arg(long)]
        tenant: Option<String>,
        /// Shows what is sent as well.
        #[arg(long)]
        verbose: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Callback {
    /// A page of customers, or one customer with `--set CustomerId=...`.
    Crm,
}

impl Callback {
    fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
        }
    }

    /// What Frontline would send.
    fn example(self, fields: &[(String, String)]) -> Vec<(String, String)> {
        let details = fields.iter().any(|(name, _)| name == "CustomerId");
        let example: &[(&str, &str)] = match self {
            Self::Crm if details => &[("Worker", "ana@example.org"), ("Location", "GetCustomerDetailsByCustomerId")],
            Self::Crm => &[("PageSize", "30"), ("Worker", "ana@example.org"), ("Location", "GetCustomersList")],
        };
        example.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write FIELD=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn send(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Twilio { callback, fields, tenant, verbose } = command;
    let config = super::load(config)?.config;
    let (path, signer) = signer(&config, *callback, tenant.as_deref())?;

    let mut form = callback.example(fields);
    form.retain(|(name, _)| fields.iter().all(|(set, _)| set != name));
    form.extend(fields.iter().filter(|(_, value)| !value.is_empty()).cloned());
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let form = Form::parse(body.as_bytes()).expect("what was just encoded can be read");
    let signature = signer.tenant.keys.sign(&path, &form).context("this tenant has no auth token to sign with")?;
    if *verbose {
        println!("POST {path}\n{SIGNATURE}: {signature}\n\n{body}\n");
    }

    let request = Request::post(&path)
        .header(HOST, config.server.listen.to_string())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header(SIGNATURE, signature)
        .body(body.into())?;
    let (status, answer) = client::request(config.server.listen, request)?;
    match serde_json::from_slice::<serde_json::Value>(&answer) {
        Ok(json) => println!("{}", serde_json::to_string_pretty(&json)?),
        Err(_) => println!("{}", String::from_utf8_lossy(&answer)),
    }
    eprintln!("{status}");
    Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Path and route of a tenant's callback.
fn signer(config: &Config, callback: Callback, tenant: Option<&str>) -> anyhow::Result<(String, routes::Route)> {
    let name = match (tenant, config.tenants.keys().collect::<Vec<_>>().as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => bail!("the configuration has no tenant"),
        (None, several) => bail!("whose callback? add --tenant with one of: {several:?}"),
    };
    let settings = config.tenants.get(name).with_context(|| format!("there is no tenant `{name}`"))?;
    let path = format!("{}/callbacks/{}", settings.path.trim_end_matches('/'), callback.name());
    let routes = Routes::new(config);
    let route = routes.find(&path).context("this callback has no address")?.clone();
    Ok((path, route))
}
