//! Images to tensors and back.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, RgbImage, RgbaImage};
use kerox_fs::SaveOptions;
use kerox_layers::DataFormat;
use kerox_tensor::{DType, Tensor};

use super::error::argument;
use super::{Error, Result};

/// The pixels of an image as f32 from 0 to 255 (to 65,535 for 16 bits, as they are for images of floats).
///
/// # Shapes
/// `[height, width, channels]`, or `[channels, height, width]`.
///
/// # Errors
/// None at present.
///
/// # Example
/// ```
/// use kerox::layers::DataFormat;
/// use kerox::utils::image::{DynamicImage, img_to_array};
/// let x = img_to_array(&DynamicImage::new_rgb8(5, 4), DataFormat::ChannelsFirst)?;
/// assert_eq!(x.shape()[..], [3, 4, 5]);
/// # Ok::<(), kerox::utils::image::Error>(())
/// ```
///
/// # Source
/// `keras.utils.img_to_array`.
pub fn img_to_array(image: &DynamicImage, data_format: DataFormat) -> Result<Tensor> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|&n| f32::from(n)).collect::<Vec<f32>>();
    let words = |words: &[u16]| words.iter().map(|&n| f32::from(n)).collect::<Vec<f32>>();
    let numbers = match image {
        DynamicImage::ImageLuma8(image) => bytes(image),
        DynamicImage::ImageLumaA8(image) => bytes(image),
        DynamicImage::ImageRgb8(image) => bytes(image),
        DynamicImage::ImageRgba8(image) => bytes(image),
        DynamicImage::ImageLuma16(image) => words(image),
        DynamicImage::ImageLumaA16(image) => words(image),
        DynamicImage::ImageRgb16(image) => words(image),
        DynamicImage::ImageRgba16(image) => words(image),
        image if image.color().has_alpha() => image.to_rgba32f().into_raw(),
        image => image.to_rgb32f().into_raw(),
    };
    let (height, width) = (image.height() as usize, image.width() as usize);
    let channels = match height * width {
        0 => usize::from(image.color().channel_count()),
        pixels => numbers.len() / pixels,
    };
    match data_format {
        DataFormat::ChannelsLast => Ok(Tensor::from_vec(numbers, [height, width, channels])?),
        DataFormat::ChannelsFirst => {
            let planes = (0..channels).flat_map(|c| numbers.iter().skip(c).step_by(channels).copied());
            Ok(Tensor::from_vec(planes.collect(), [channels, height, width])?)
        }
    }
}

/// An image of the numbers of a tensor.
///
/// # Arguments
/// `scale`: whether the numbers are stretched so that the least is 0 and the greatest 255; otherwise they have to be
/// from 0 to 255, or to 65,535 where there is one channel. Fractions are cut off.
///
/// # Shapes
/// `[height, width, channels]`, or `[channels, height, width]`, of 1, 3 or 4 channels.
///
/// # Errors
/// [`Error::Argument`] for other shapes, strings, and numbers out of range.
///
/// # Source
/// `keras.utils.array_to_img`; differs: numbers out of range are an error.
pub fn array_to_img(x: &Tensor, data_format: DataFormat, scale: bool) -> Result<DynamicImage> {
    let found = || format!("{} of shape {:?}", x.dtype().name(), &x.shape()[..]);
    let &[a, b, c] = &x.shape()[..] else {
        return argument("array_to_img", "x", "3 axes", found());
    };
    if x.dtype() == DType::String {
        return argument("array_to_img", "x", "numbers", found());
    }
    let (height, width, channels) = match data_format {
        DataFormat::ChannelsLast => (a, b, c),
        DataFormat::ChannelsFirst => (b, c, a),
    };
    if ![1, 3, 4].contains(&channels) {
        return argument("array_to_img", "x", "1, 3 or 4 channels", found());
    }
    let (Ok(columns), Ok(lines)) = (u32::try_from(width), u32::try_from(height)) else {
        return argument("array_to_img", "x", "at most 4,294,967,295 rows and columns", found());
    };
    let numbers = x.cast(DType::F32)?;
    let numbers = numbers.as_slice::<f32>()?;
    let mut pixels: Vec<f32> = match data_format {
        DataFormat::ChannelsLast => numbers.to_vec(),
        DataFormat::ChannelsFirst => {
            let plane = height * width;
            (0..plane).flat_map(|i| (0..channels).map(move |c| numbers[c * plane + i])).collect()
        }
    };
    if let Some(number) = pixels.iter().find(|number| !number.is_finite()) {
        return argument("array_to_img", "x", "finite numbers", number.to_string());
    }
    if scale {
        let least = pixels.iter().copied().fold(f32::INFINITY, f32::min);
        pixels.iter_mut().for_each(|number| *number -= least);
        let greatest = pixels.iter().copied().fold(0.0, f32::max);
        if greatest != 0.0 {
            pixels.iter_mut().for_each(|number| *number = *number / greatest * 255.0);
        }
    }
    let limit = if channels == 1 { 65_536.0 } else { 256.0 };
    if let Some(number) = pixels.iter().find(|&&number| !(0.0..limit).contains(&number)) {
        let expected = format!("numbers from 0 to {}, as `scale` is false", limit - 1.0);
        return argument("array_to_img", "x", expected, number.to_string());
    }
    if channels == 1 && pixels.iter().any(|&number| number >= 256.0) {
        let words = pixels.iter().map(|&number| number as u16).collect();
        let image = ImageBuffer::from_raw(columns, lines, words).unwrap_or_default();
        return Ok(DynamicImage::ImageLuma16(image));
    }
    let bytes = pixels.iter().map(|&number| number as u8).collect();
    Ok(match channels {
        1 => DynamicImage::ImageLuma8(GrayImage::from_raw(columns, lines, bytes).unwrap_or_default()),
        3 => DynamicImage::ImageRgb8(RgbImage::from_raw(columns, lines, bytes).unwrap_or_default()),
        _ => DynamicImage::ImageRgba8(RgbaImage::from_raw(columns, lines, bytes).unwrap_or_default()),
    })
}

/// Writes the numbers of a tensor as an image: [`array_to_img`], then a file of the format that is given or that the
/// path's suffix stands for. JPEG has no alpha: it is left out.
///
/// # Errors
/// As [`array_to_img`]; [`Error::Image`] for an unknown suffix; [`Error::Fs`] where the file cannot be written. What was
/// there before is then still there.
///
/// # Source
/// `keras.utils.save_img`.
pub fn save_img(
    path: impl AsRef<Path>,
    x: &Tensor,
    data_format: DataFormat,
    file_format: Option<ImageFormat>,
    scale: bool,
) -> Result<()> {
    let path = path.as_ref();
    let failed = |source| Error::Image { operation: "write", file: path.display().to_string(), source };
    let format = match file_format {
        Some(format) => format,
        None => ImageFormat::from_path(path).map_err(failed)?,
    };
    let mut image = array_to_img(x, data_format, scale)?;
    if format == ImageFormat::Jpeg && image.color().has_alpha() {
        image = DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).map_err(failed)?;
    kerox_fs::write_file(path, bytes.get_ref(), &SaveOptions::new())?;
    Ok(())
}
