//! Credentials in files, shared by a simulator and the gateway's configuration.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use uuid::Uuid;

/// Returns 32 random hexadecimal digits, which cannot be guessed.
pub(super) fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Returns the secret in the file `name`; generates it if the file does not exist.
///
/// Only the owner can read the folder and the files that are created.
pub(super) fn read_or_generate(folder: &Path, name: &str, generate: impl FnOnce() -> String) -> Result<String> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => return Ok(text.trim_end().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
    let secret = generate();
    let write = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "{secret}")
    };
    write().with_context(|| format!("failed to write {}", path.display()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{random, read_or_generate};

    #[test]
    fn a_generated_secret_is_kept_in_a_private_file() {
        let parent = std::env::temp_dir().join(format!("frontgate-simulators-{}", random()));
        let folder = parent.join("secrets");
        let first = read_or_generate(&folder, "token", random).expect("it is generated");
        let second = read_or_generate(&folder, "token", random).expect("it is read");
        let mode = |path| std::fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        let modes = (mode(folder.clone()), mode(folder.join("token")));
        std::fs::remove_dir_all(&parent).expect("the folder is removed");
        assert_eq!((first.len(), &first), (32, &second));
        assert_eq!(modes, (0o700, 0o600));
    }
}
