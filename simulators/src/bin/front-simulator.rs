//! The double of Front as a program: play a teammate by hand, and see what the gateway does.

#![expect(clippy::print_stdout, reason = "it tells an operator how to use it")]

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use frontgate_simulators::Front;

const USAGE: &str = "\
Usage: test-front [--listen ADDRESS] [--storage ADDRESS] [--gateway ADDRESS]
                  [--app UID] [--secret APP_SECRET] [--company NAME]

Stands in for Front. --gateway is where requests go whatever host their URL names, such as a gateway behind
a public URL; without it they go where the URL says, over plain HTTP. --secret signs, and tokens are signed
with it.";

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
    let (mut listen, mut storage) = ("127.0.0.1:8091".to_owned(), "127.0.0.1:8092".to_owned());
    let (mut app, mut secret) = (Front::APP.to_owned(), Front::SECRET.to_owned());
    let (mut gateway, mut company) = (None, "acme".to_owned());
    while let Some(name) = arguments.next() {
        if name == "--help" {
            println!("{USAGE}\n\n{}", Front::control_help());
            return Ok(());
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => listen = value,
            "--storage" => storage = value,
            "--gateway" => gateway = Some(value),
            "--app" => app = value,
            "--secret" => secret = value,
            "--company" => company = value,
            _ => return Err(format!("{name} is unknown")),
        }
    }
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|error| format!("{text}: {error}"));
    let (listen, storage) = (address(&listen)?, address(&storage)?);
    let gateway = gateway.as_deref().map(address).transpose()?;

    let builder = Front::builder().listen(listen).storage(storage).app(&app, &secret);
    let front = builder.company(&company).control().start();
    if let Some(gateway) = gateway {
        front.point_at(gateway);
    }
    println!("Front, as far as application channels go: {}", front.url());
    println!("  App UID {app}, app secret {secret}\n  attachments lead to {}\n", front.storage_address());
    println!("{}\ncurl {}/_test/connect -d server=http://127.0.0.1:8080/...", Front::control_help(), front.url());
    loop {
        thread::park();
    }
}
