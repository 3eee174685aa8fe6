//! What this build is made of, and what the machine offers.

use kerox_config_json::{Config, Value as Json};

use crate::saving::formats;

/// What `kerox doctor` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemInfo {
    /// The version of this crate.
    pub version: &'static str,
    /// Who multiplies matrices.
    pub blas: &'static str,
    /// Threads that kernels may use.
    pub threads: usize,
    /// The processor's family and the operating system.
    pub platform: String,
    /// Instruction sets of the processor that kernels can gain from.
    pub instruction_sets: Vec<&'static str>,
    /// The names of the formats that are read and written.
    pub formats: Vec<&'static str>,
    /// Classes of layers that configurations may name.
    pub layers: usize,
}

impl SystemInfo {
    /// Looks at this process and its machine.
    ///
    /// # Example
    /// ```
    /// let info = kerox::system::SystemInfo::new();
    /// assert!(info.threads > 0 && info.formats.contains(&"keras-v3"));
    /// ```
    #[allow(clippy::new_without_default, reason = "it looks around; it is no empty value")]
    pub fn new() -> SystemInfo {
        let blas = match cfg!(feature = "openblas") {
            true => "OpenBLAS (the system's library)",
            false => "gemm (pure Rust)",
        };
        SystemInfo {
            version: env!("CARGO_PKG_VERSION"),
            blas,
            threads: kerox_tensor::kernels::threads(),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            instruction_sets: instruction_sets(),
            formats: formats::ALL.iter().map(|format| format.name).collect(),
            layers: kerox_layers::registry::ALL.len(),
        }
    }

    /// The same as one JSON object.
    pub fn to_json(&self) -> Json {
        let texts = |texts: &[&'static str]| Json::List(texts.iter().map(|&text| Json::from(text)).collect());
        Config::new()
            .with("version", self.version)
            .with("blas", self.blas)
            .with("threads", self.threads)
            .with("platform", self.platform.as_str())
            .with("instruction_sets", texts(&self.instruction_sets))
            .with("formats", texts(&self.formats))
            .with("layers", self.layers)
            .into()
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> Vec<&'static str> {
    let all = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn instruction_sets() -> Vec<&'static str> {
    let all = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
        ("crc", std::arch::is_aarch64_feature_detected!("crc")),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instruction_sets() -> Vec<&'static str> {
    Vec::new()
}
