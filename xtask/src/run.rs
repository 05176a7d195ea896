//! `cargo xtask run`: builds the example and serves it together with simulators of Twilio and Front.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::tools::{root, target};

/// Commands to try, each with the expected result. A test runs them.
const TOUR: &str = include_str!("../tour.txt");

/// A platform of the example. It is simulated if `config.toml` contains the simulator's URL.
struct Platform {
    name: &'static str,
    program: &'static str,
    url: &'static str,
    /// Environment variables with secrets of the operator's own account.
    variables: &'static [&'static str],
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        name: "Twilio",
        program: "twilio-simulator",
        url: "http://127.0.0.1:8090",
        variables: &["TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_AUTH_TOKEN"],
    },
    Platform {
        name: "Front",
        program: "front-simulator",
        url: "http://127.0.0.1:8091",
        variables: &["FRONT_APP_UID", "FRONT_APP_SECRET"],
    },
];

pub(crate) fn run() -> Result<()> {
    let config = fs::read_to_string(root().join("config.toml")).context("failed to read config.toml")?;
    let simulated = simulated(&config)?;
    build::build_example()?;
    let programs = target().join("quick");
    for platform in &simulated {
        start(&programs, platform)?;
    }
    if simulated.len() == PLATFORMS.len() {
        let shown = programs.strip_prefix(root()).unwrap_or(&programs);
        println!("{}", TOUR.replace("target/quick", &shown.display().to_string()));
    }
    let greeting = Command::new(env::current_exe()?).arg(GREET).arg(&programs).stdin(Stdio::null()).spawn();
    greeting.context("failed to start the greeting")?;
    // From here on, this process is the gateway: it receives signals directly, and the simulators end when it ends.
    let program = programs.join("frontgate");
    let error = Command::new(&program).args(["run", "--config", "config.toml"]).current_dir(root()).exec();
    Err(error).with_context(|| format!("failed to start {}", program.display()))
}

/// Hidden command that prints the console's link once the gateway runs, and plays a little traffic, so that no page of the
/// console is empty.
pub(crate) const GREET: &str = "greet";

/// Commands of the simulators: customers write, and a teammate answers one of them.
const TRAFFIC: [(&str, &[&str]); 4] = [
    ("twilio-simulator", &["sms", "--from", "+12125550143", "--body", "Are you open on Saturday?"]),
    ("frontgate", &["send", "twilio", "crm", "--set", "Query=bakery"]),
    ("frontgate", &["send", "twilio", "templates"]),
    ("front-simulator", &["message", "--to", "+12125550143", "--body", "Yes, until noon."]),
];

/// See [`GREET`].
pub(crate) fn greet(arguments: &[String]) -> Result<()> {
    let programs = Path::new(arguments.first().context("no folder of programs")?);
    let run = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command.current_dir(root()).stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let link = run("frontgate").args(["console", "--wait"]).output().context("failed to ask for a link")?;
    let link = String::from_utf8_lossy(&link.stdout);
    let Some(link) = link.lines().next() else { return Ok(()) };
    println!("\nThe console, in a browser: {link}\n");
    let config = fs::read_to_string(root().join("config.toml"))?;
    if simulated(&config)?.len() < PLATFORMS.len() {
        return Ok(());
    }
    for (program, arguments) in TRAFFIC {
        // A platform may refuse while the last plugins are compiled; the traffic only fills the pages.
        let _ = run(program).args(arguments).stdout(Stdio::null()).status();
    }
    Ok(())
}

/// Returns the platforms whose simulators are in the configuration. Real secrets are never sent to a simulator.
fn simulated(config: &str) -> Result<Vec<&'static Platform>> {
    let platforms = PLATFORMS.iter().filter(|platform| config.contains(&format!("\"{}\"", platform.url)));
    let platforms: Vec<_> = platforms.collect();
    for Platform { name, variables, .. } in &platforms {
        let set: Vec<_> = variables.iter().copied().filter(|name| env::var_os(name).is_some()).collect();
        if let Some(first) = set.first() {
            let set = set.join(" -u ");
            bail!(
                "{first} is set, but config.toml points at the simulated {name}.\n\
                 To use the simulator: env -u {set} cargo xtask run\n\
                 To use your own account: delete the lines of {name} in config.toml that end in `# simulator`"
            );
        }
    }
    Ok(platforms)
}

/// Starts a simulator and waits until it listens. Generates missing secrets.
fn start(programs: &Path, platform: &Platform) -> Result<()> {
    let Platform { name, program, .. } = platform;
    let mut simulator = Command::new(programs.join(program))
        .args(["serve", "--secrets", "data/secrets", "--end-with-parent"])
        .current_dir(root())
        .stdout(Stdio::piped())
        // Ctrl-C must reach only the gateway, so that the simulators answer until its last request has finished.
        .process_group(0)
        .spawn()
        .with_context(|| format!("failed to start {program}"))?;
    let mut line = String::new();
    BufReader::new(simulator.stdout.take().context("simulator has no stdout pipe")?).read_line(&mut line)?;
    if line.is_empty() {
        simulator.wait()?;
        bail!("the simulated {name} did not start; does another `cargo xtask run` still run?");
    }
    print!("{line}");
    Ok(())
}
