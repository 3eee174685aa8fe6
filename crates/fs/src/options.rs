//! How to save.

/// How to save: whether to replace, to create directories, to wait for the disk.
///
/// # Example
/// ```
/// let options = kerox_fs::SaveOptions::new().overwrite(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveOptions {
    pub(crate) overwrite: bool,
    pub(crate) create_parents: bool,
    pub(crate) durable: bool,
}

impl Default for SaveOptions {
    fn default() -> SaveOptions {
        SaveOptions::new()
    }
}

impl SaveOptions {
    /// Replaces what is there, creates missing directories, waits until the disk has it.
    pub fn new() -> SaveOptions {
        SaveOptions { overwrite: true, create_parents: true, durable: true }
    }

    /// Whether an existing target is replaced (the default) or refused with [`crate::Error::Exists`].
    pub fn overwrite(mut self, overwrite: bool) -> SaveOptions {
        self.overwrite = overwrite;
        self
    }

    /// Whether missing directories above the target are created (the default).
    pub fn create_parents(mut self, create_parents: bool) -> SaveOptions {
        self.create_parents = create_parents;
        self
    }

    /// Whether everything is flushed to disk before it is put in place (the default). Without it a kill is survived
    /// all the same, a power cut is not.
    pub fn durable(mut self, durable: bool) -> SaveOptions {
        self.durable = durable;
        self
    }
}
