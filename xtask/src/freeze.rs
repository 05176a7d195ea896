//! `cargo xtask freeze`: copies the contract into `wit/released/VERSION`, so that a test detects later edits. Run once
//! per release.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools::root;

pub(crate) fn freeze() -> Result<()> {
    let wit = root().join("wit");
    let world = fs::read_to_string(wit.join("worlds.wit")).context("failed to read the contract")?;
    let version =
        world.split_once('@').and_then(|(_, rest)| rest.split_once(';')).context("no version in worlds.wit")?.0;
    let released = wit.join("released");
    let folder = released.join(version);
    if folder.exists() {
        bail!("{} already exists; a released version does not change", folder.display());
    }
    fs::create_dir_all(&folder)?;
    let mut files: Vec<_> =
        fs::read_dir(&wit)?.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let mut names = Vec::new();
    for file in files {
        let name = file.file_name().context("contract file has no name")?.to_string_lossy().into_owned();
        fs::copy(&file, folder.join(&name)).with_context(|| format!("failed to copy {}", file.display()))?;
        names.push(format!("{version}/{name}"));
    }
    let digests =
        Command::new("sha256sum").args(&names).current_dir(&released).output().context("failed to run sha256sum")?;
    if !digests.status.success() {
        bail!("sha256sum: {}", String::from_utf8_lossy(&digests.stderr));
    }
    let path = released.join("DIGESTS");
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, before + &String::from_utf8_lossy(&digests.stdout))?;
    println!("{}", folder.display());
    Ok(())
}
