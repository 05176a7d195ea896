//! Receipts on disk, one JSON object per line, oldest first. `frontgate plugin history` reads the receipts even if no
//! gateway is running.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use frontgate_runtime::receipt::Receipt;

/// The file of receipts, and its number of lines.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    lines: usize,
    receipts_max: usize,
}

impl History {
    /// Opens the file. Also returns the last receipt.
    pub(crate) fn open(folder: &Path, receipts_max: usize) -> anyhow::Result<(Self, Option<Receipt>)> {
        let mut receipts = read(folder)?;
        Ok((Self { path: path(folder), lines: receipts.len(), receipts_max }, receipts.pop()))
    }

    /// Appends receipts. Drops the oldest when the file has twice `receipts_max` lines.
    pub(crate) fn add(&mut self, receipts: &[Receipt]) -> anyhow::Result<()> {
        let mut text = Vec::new();
        for receipt in receipts {
            serde_json::to_writer(&mut text, receipt)?;
            text.push(b'\n');
        }
        let mut file = fs::File::options().create(true).append(true).open(&self.path);
        let written = file.as_mut().map_err(|error| io::Error::from(error.kind())).and_then(|file| {
            // A crash may have truncated the last line: end it before the next line.
            let torn = file.metadata()?.len() > 0 && !ends_with_newline(&self.path)?;
            if torn {
                file.write_all(b"\n")?;
            }
            file.write_all(&text)
        });
        written.with_context(|| format!("failed to write {}", self.path.display()))?;
        self.lines += receipts.len();
        if self.lines >= 2 * self.receipts_max {
            self.shorten()?;
        }
        Ok(())
    }

    fn shorten(&mut self) -> anyhow::Result<()> {
        let text = fs::read(&self.path)?;
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(self.receipts_max)..];
        let unfinished = self.path.with_extension("unfinished");
        fs::write(&unfinished, [&last.join(&b'\n'), &b"\n"[..]].concat())?;
        fs::rename(&unfinished, &self.path)?;
        self.lines = last.len();
        Ok(())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("history.jsonl")
}

fn ends_with_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// Returns whether the file exists and is not empty.
pub(super) fn exists(folder: &Path) -> bool {
    fs::metadata(path(folder)).is_ok_and(|file| file.len() > 0)
}

/// Reads all receipts, oldest first. Skips truncated and damaged lines.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Receipt>> {
    let path = path(folder);
    match fs::read(&path) {
        Ok(text) => {
            Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}
