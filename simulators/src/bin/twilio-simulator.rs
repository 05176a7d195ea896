//! The double of Twilio as a program: play a customer by hand, and see what the gateway does.

#![expect(clippy::print_stdout, reason = "it tells an operator how to use it")]

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use frontgate_simulators::Twilio;

const USAGE: &str = "\
Usage: test-twilio [--listen ADDRESS] [--gateway ADDRESS] [--public-url URL] [--path PREFIX]
                   [--token AUTH_TOKEN] [--account AC...] [--api-key SK...:SECRET] [--service IS...]

Stands in for Twilio. --gateway is where webhooks are sent; --public-url and --path are what the gateway
believes to be called, and what signatures are made over; --token signs, and is accepted with --account.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            println!("{words}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = env::args().skip(1);
    let (mut listen, mut gateway) = ("127.0.0.1:8090".to_owned(), "127.0.0.1:8080".to_owned());
    let (mut public_url, mut path) = (None, String::new());
    let (mut account, mut token) = (Twilio::ACCOUNT_SID.to_owned(), Twilio::AUTH_TOKEN.to_owned());
    let mut api_key = format!("{}:{}", Twilio::API_KEY_SID, Twilio::API_KEY_SECRET);
    let mut service = Twilio::SERVICE_SID.to_owned();
    while let Some(name) = arguments.next() {
        if name == "--help" {
            println!("{USAGE}\n\n{}", Twilio::control_help());
            return Ok(());
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => listen = value,
            "--gateway" => gateway = value,
            "--public-url" => public_url = Some(value),
            "--path" => path = value,
            "--token" => token = value,
            "--account" => account = value,
            "--api-key" => api_key = value,
            "--service" => service = value,
            _ => return Err(format!("{name} is unknown")),
        }
    }
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|error| format!("{text}: {error}"));
    let (listen, gateway) = (address(&listen)?, address(&gateway)?);
    let (key, secret) = api_key.split_once(':').ok_or("--api-key is SID:SECRET")?;
    let public_url = public_url.unwrap_or_else(|| format!("http://{gateway}"));

    let builder = Twilio::builder().listen(listen).account(&account, &token).api_key(key, secret);
    let twilio = builder.service(&service).control().start();
    twilio.point_at(gateway, &public_url, &path, &token);
    println!("Twilio, as far as Conversations go: {}/v1", twilio.url());
    println!("  account {account}, auth token {token}\n  API key {key}, secret {secret}\n  service {service}");
    println!("Webhooks go to {gateway}, signed for {public_url}{path}/callbacks/...\n\n{}", Twilio::control_help());
    println!("curl {}/_test/inbound-sms -d from=%2B15550100001 -d to=%2B15550109999 -d text=Hello", twilio.url());
    loop {
        thread::park();
    }
}
