//! Checksums of tensors.

use kerox_tensor::DType;
use sha2::{Digest as _, Sha256};

use super::Result;
use super::package::Package;

/// The checksum of a tensor's content, whatever file it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Number of bytes that were summed up.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits: over the raw little-endian bytes in row-major order; for strings over each
    /// element's bytes preceded by their number as u64 in little-endian order.
    pub sha256: String,
}

impl Package {
    /// Sums up one tensor. Large tensors are read block by block.
    ///
    /// # Errors
    /// As [`Package::read`].
    pub fn digest(&self, name: &str) -> Result<Digest> {
        let mut hash = Sha256::new();
        let mut bytes = 0u64;
        let mut add = |part: &[u8]| {
            bytes += part.len() as u64;
            hash.update(part);
        };
        match self.info(name).map(|info| info.dtype) {
            Some(DType::String) => {
                for element in self.read(name)?.as_slice::<Vec<u8>>()? {
                    add(&(element.len() as u64).to_le_bytes());
                    add(element);
                }
            }
            _ => self.for_each_block(name, &mut add)?,
        }
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Digest { bytes, sha256 })
    }
}
