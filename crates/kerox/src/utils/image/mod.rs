//! Images from files to tensors and back, over the crate `image` (feature `image`).
//!
//! ```
//! use kerox::layers::DataFormat;
//! use kerox::tensor::Tensor;
//! use kerox::utils::image::{LoadImg, img_to_array, load_img, save_img};
//!
//! let path = std::env::temp_dir().join("kerox-image-example.png");
//! let red = Tensor::from_vec([255f32, 0.0, 0.0].repeat(12), [3, 4, 3])?;
//! save_img(&path, &red, DataFormat::ChannelsLast, None, false)?;
//! let image = load_img(&path, &LoadImg::new().target_size([6, 8]).interpolation("bilinear"))?;
//! let x = img_to_array(&image, DataFormat::ChannelsLast)?;
//! assert_eq!(x.shape()[..], [6, 8, 3]);
//! assert_eq!(x.as_slice::<f32>()?[..3], [255.0, 0.0, 0.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrays;
mod dataset;
mod error;
mod load_img;
mod resample;

pub use arrays::{array_to_img, img_to_array, save_img};
pub use dataset::{ImageDataset, ImageOptions, LabelMode, Labels, Subset, image_dataset_from_directory};
pub use error::{Error, Result};
pub use image::{DynamicImage, ImageFormat};
pub use load_img::{ColorMode, LoadImg, load_img, load_img_from_bytes};
