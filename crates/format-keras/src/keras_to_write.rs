//! `.keras` files to write.

use std::io::Write;

use kerox_format_h5::keras::TreeToWrite;

use crate::archive_writer::{ArchiveWriter, Counted};
use crate::error::{Error, Result};
use crate::member;

/// A `.keras` archive to write: members stored, in Keras's order, dated 1980-01-01 as Keras's texts are.
#[derive(Clone, Debug)]
pub struct KerasToWrite {
    /// The version of Keras whose form config and weights have.
    pub keras_version: String,
    /// When the model was saved, `2026-11-23@08:51:43`; by default 1980, so that equal models give equal bytes.
    pub date_saved: Option<String>,
    /// The text of `config.json`.
    pub config: String,
    /// The weights.
    pub weights: TreeToWrite,
    /// Assets: names without `assets/`, and contents.
    pub assets: Vec<(String, Vec<u8>)>,
}

impl KerasToWrite {
    /// A file without assets and date.
    pub fn new(keras_version: impl Into<String>, config: impl Into<String>, weights: TreeToWrite) -> KerasToWrite {
        let (keras_version, config) = (keras_version.into(), config.into());
        KerasToWrite { keras_version, date_saved: None, config, weights, assets: Vec::new() }
    }

    /// The text of `metadata.json`.
    pub fn metadata(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();

        let date = self.date_saved.as_deref().unwrap_or("1980-01-01@00:00:00");
        format!(r#"{{"keras_version": {}, "date_saved": {}}}"#, quoted(&self.keras_version), quoted(date))
    }

    /// Writes the archive from front to back. The weights are gone through twice, once for their CRC-32; nothing is
    /// copied.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for names of assets that are empty, doubled, too long or lead outside, before anything is
    /// written; [`Error::H5`], [`Error::Io`].
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        self.check_assets()?;
        let mut nowhere = std::io::sink();
        let mut counted = Counted::with_crc(&mut nowhere);
        self.weights.write_to(&mut counted)?;
        let (size, crc32) = (counted.len, counted.crc.map_or(0, crc32fast::Hasher::finalize));
        let mut archive = ArchiveWriter::new(out);
        bytes(&mut archive, member::METADATA, self.metadata().as_bytes())?;
        bytes(&mut archive, member::CONFIG, self.config.as_bytes())?;
        archive.member(member::WEIGHTS, size, crc32, |out| self.weights.write_to(out).map_err(Failure::H5))?;
        for (name, content) in &self.assets {
            bytes(&mut archive, &format!("{}{name}", member::ASSETS), content)?;
        }
        archive.finish().map_err(|error| Failure::Io(error).into())
    }

    /// The archive's bytes.
    ///
    /// # Errors
    /// As [`KerasToWrite::write_to`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }

    fn check_assets(&self) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        for (name, _) in &self.assets {
            let bad = |found: &str| Error::Unwritable {
                member: format!("{}{name}", member::ASSETS),
                expected: "distinct relative names of under 60000 bytes without `..`, `\\` or empty parts",
                found: found.to_string(),
            };
            if name.split('/').any(|part| matches!(part, "" | "." | "..")) || name.contains(['\\', '\0']) {
                return Err(bad("another name"));
            }
            if name.len() > 60_000 {
                return Err(bad("a longer one"));
            }
            if !seen.insert(name) {
                return Err(bad("the name twice"));
            }
        }
        Ok(())
    }
}

fn bytes(archive: &mut ArchiveWriter<'_>, name: &str, content: &[u8]) -> Result<()> {
    let crc32 = crc32fast::hash(content);
    Ok(archive.member(name, content.len() as u64, crc32, |out| out.write_all(content).map_err(Failure::Io))?)
}

/// What a member's writer may fail with.
enum Failure {
    Io(std::io::Error),
    H5(kerox_format_h5::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Io(source) => Error::Io { operation: "write archive", file: "output".into(), source },
            Failure::H5(error) => Error::H5(error),
        }
    }
}
