//! The options of loading.

use kerox_config_json::CustomObjects;

/// The options of [`super::load_model`].
///
/// # Example
/// ```
/// use kerox::saving::LoadOptions;
/// let options = LoadOptions::new().compile(false);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct LoadOptions {
    pub(super) custom_objects: CustomObjects,
    pub(super) compile: bool,
    pub(super) safe_mode: bool,
}

impl Default for LoadOptions {
    fn default() -> LoadOptions {
        LoadOptions::new()
    }
}

impl LoadOptions {
    /// Keras's defaults: compiled, safe, no custom objects beside registered ones.
    pub fn new() -> LoadOptions {
        LoadOptions { custom_objects: CustomObjects::new(), compile: true, safe_mode: true }
    }

    /// Classes and functions that the file names.
    #[must_use]
    pub fn custom_objects(mut self, objects: CustomObjects) -> LoadOptions {
        self.custom_objects = objects;
        self
    }

    /// Whether the model is compiled as it was when it was saved (the default).
    #[must_use]
    pub fn compile(mut self, compile: bool) -> LoadOptions {
        self.compile = compile;
        self
    }

    /// Keras's switch for code inside files. Code from a file is never run here, whatever it says; it is accepted so
    /// that programs read alike.
    #[must_use]
    pub fn safe_mode(mut self, safe_mode: bool) -> LoadOptions {
        self.safe_mode = safe_mode;
        self
    }
}

/// The options of `load_weights`.
///
/// # Example
/// ```
/// use kerox::saving::LoadWeightsOptions;
/// let options = LoadWeightsOptions::new().by_name(true).skip_mismatch(true);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default)]
pub struct LoadWeightsOptions {
    pub(super) by_name: bool,
    pub(super) skip_mismatch: bool,
}

impl LoadWeightsOptions {
    /// By topology, everything must fit.
    pub fn new() -> LoadWeightsOptions {
        LoadWeightsOptions::default()
    }

    /// Loads layers whose names are in the file and leaves others alone. HDF5 only.
    #[must_use]
    pub fn by_name(mut self, by_name: bool) -> LoadWeightsOptions {
        self.by_name = by_name;
        self
    }

    /// Leaves layers alone whose weights differ in number or shape.
    #[must_use]
    pub fn skip_mismatch(mut self, skip_mismatch: bool) -> LoadWeightsOptions {
        self.skip_mismatch = skip_mismatch;
        self
    }
}
