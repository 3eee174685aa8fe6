//! Layers that prepare data.

mod adapt_data;
mod category_encoding;
mod center_crop;
mod discretization;
mod hashed_crossing;
mod hashing;
mod image_size;
mod lookup;
mod mel_spectrogram;
mod normalization;
mod output_mode;
mod pipeline;
mod quantiles;
mod rescaling;
mod resizing;
mod stft_spectrogram;
mod text_vectorization;
mod token_counts;
mod vocabulary_text;

pub use adapt_data::AdaptData;
pub use category_encoding::CategoryEncoding;
pub use center_crop::CenterCrop;
pub use discretization::Discretization;
pub use hashed_crossing::HashedCrossing;
pub use hashing::Hashing;
pub use image_size::{ResizeMethod, resize_images};
pub use lookup::{IntegerLookup, Lookup, StringLookup};
pub use mel_spectrogram::MelSpectrogram;
pub use normalization::Normalization;
pub use output_mode::OutputMode;
pub use pipeline::Pipeline;
pub use rescaling::Rescaling;
pub use resizing::Resizing;
pub use stft_spectrogram::STFTSpectrogram;
pub use text_vectorization::TextVectorization;
