//! The account and the certificate on disk, in a private folder for each ACME server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use frontgate_system::ownership::Folder;
use instant_acme::AccountCredentials;
use url::Url;

use crate::certificate::Certificate;
use crate::settings::AcmeSettings;

const ACCOUNT: &str = "account.json";
/// Key and chain in one file, so that they always belong together.
const CERTIFICATE: &str = "certificate.pem";
const SPACE: &str = "space";
/// Room that is checked before an order, in bytes.
const SPACE_BYTES: usize = 64 * 1024;

/// A folder with the state of one server.
#[derive(Debug)]
pub(crate) struct State {
    folder: Folder,
}

impl State {
    /// Opens the folder, and creates it if it is missing.
    pub(crate) fn open(settings: &AcmeSettings) -> anyhow::Result<Self> {
        let path = folder(settings)?;
        let folder = Folder::private(&path).with_context(|| format!("failed to open {}", path.display()))?;
        Ok(Self { folder })
    }

    /// Reads the certificate; `None` if none was obtained.
    pub(crate) fn certificate(&self) -> anyhow::Result<Option<Certificate>> {
        let Some(bytes) = self.read(CERTIFICATE)? else { return Ok(None) };
        Certificate::from_pem(&bytes).map(Some).with_context(|| format!("failed to read {CERTIFICATE}"))
    }

    /// Returns the time since a certificate was stored, by the clock of this machine.
    pub(super) fn obtained_ago(&self) -> Option<Duration> {
        let written = self.folder.file(CERTIFICATE).ok()?.metadata().ok()?.modified().ok()?;
        SystemTime::now().duration_since(written).ok()
    }

    pub(super) fn account(&self) -> anyhow::Result<Option<AccountCredentials>> {
        let Some(bytes) = self.read(ACCOUNT)? else { return Ok(None) };
        // The error could repeat a part of the key.
        let read =
            serde_json::from_slice(&bytes).ok().context("the file is damaged; remove it to create a new account");
        read.map(Some)
    }

    pub(super) fn store_account(&self, account: &AccountCredentials) -> anyhow::Result<()> {
        self.write(ACCOUNT, &serde_json::to_vec(account)?)
    }

    pub(super) fn store_certificate(&self, pem: &[u8]) -> anyhow::Result<()> {
        self.write(CERTIFICATE, pem)
    }

    /// Checks that the disk has room for a certificate.
    pub(super) fn check_space(&self) -> anyhow::Result<()> {
        let written = self.write(SPACE, &[0; SPACE_BYTES]);
        let _ = self.folder.remove(SPACE);
        written
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        if !self.folder.has(name) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.folder.file(name)?.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Replaces a file by writing and renaming.
    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let new = format!("{name}.new");
        if self.folder.has(&new) {
            self.folder.remove(&new)?;
        }
        let result = self.folder.create(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(error) = result {
            let _ = self.folder.remove(&new);
            return Err(error).with_context(|| format!("failed to write {}", self.folder.path().join(name).display()));
        }
        self.folder.rename(&new, name)?;
        Ok(self.folder.sync()?)
    }
}

/// Reads the stored certificate without a check of owners, for commands.
pub(crate) fn stored(settings: &AcmeSettings) -> anyhow::Result<Certificate> {
    let path = folder(settings)?.join(CERTIFICATE);
    let bytes = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    Certificate::from_pem(&bytes)
}

/// Returns the folder of a server, whose name is its host and port.
fn folder(settings: &AcmeSettings) -> anyhow::Result<PathBuf> {
    let url = Url::parse(&settings.directory).context("server.tls.acme.directory is not a URL")?;
    let host = url.host_str().context("server.tls.acme.directory has no host")?.replace(['[', ']', ':'], "-");
    let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
    Ok(settings.state.join(format!("{host}{port}")))
}
