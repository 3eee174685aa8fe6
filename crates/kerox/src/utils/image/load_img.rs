//! Images from files, in the colours and the size that are wanted.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageReader, RgbImage, RgbaImage};

use super::error::argument;
use super::resample::{FILTERS, Filter, Part, Pixels};
use super::{Error, Result};

/// Which colours an image has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMode {
    /// One channel; images of 16 bits stay so.
    Grayscale,
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl ColorMode {
    /// The mode of that name: `grayscale`, `rgb`, `rgba`.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other.
    pub fn from_name(name: &str) -> Result<ColorMode> {
        match name {
            "grayscale" => Ok(ColorMode::Grayscale),
            "rgb" => Ok(ColorMode::Rgb),
            "rgba" => Ok(ColorMode::Rgba),
            other => argument("load_img", "color_mode", "`grayscale`, `rgb` or `rgba`", format!("`{other}`")),
        }
    }

    /// Number of channels.
    pub fn channels(self) -> usize {
        match self {
            ColorMode::Grayscale => 1,
            ColorMode::Rgb => 3,
            ColorMode::Rgba => 4,
        }
    }
}

/// The arguments of [`load_img`].
#[derive(Clone, Debug)]
pub struct LoadImg {
    color_mode: ColorMode,
    target_size: Option<[usize; 2]>,
    interpolation: String,
    keep_aspect_ratio: bool,
}

impl LoadImg {
    /// Red, green and blue, in the size of the file.
    pub fn new() -> LoadImg {
        LoadImg {
            color_mode: ColorMode::Rgb,
            target_size: None,
            interpolation: "nearest".into(),
            keep_aspect_ratio: false,
        }
    }

    /// The colours of the result.
    #[must_use]
    pub fn color_mode(mut self, color_mode: ColorMode) -> LoadImg {
        self.color_mode = color_mode;
        self
    }

    /// Height and width of the result.
    #[must_use]
    pub fn target_size(mut self, target_size: [usize; 2]) -> LoadImg {
        self.target_size = Some(target_size);
        self
    }

    /// `nearest` (the default), `bilinear`, `bicubic`, `hamming`, `box` or `lanczos`.
    #[must_use]
    pub fn interpolation(mut self, interpolation: &str) -> LoadImg {
        self.interpolation = interpolation.into();
        self
    }

    /// Whether the middle of the image is cut out in the wanted proportions first; false by default.
    #[must_use]
    pub fn keep_aspect_ratio(mut self, keep_aspect_ratio: bool) -> LoadImg {
        self.keep_aspect_ratio = keep_aspect_ratio;
        self
    }
}

impl Default for LoadImg {
    fn default() -> LoadImg {
        LoadImg::new()
    }
}

/// Loads an image (BMP, GIF, JPEG, PNG; of several the first).
///
/// # Errors
/// [`Error::Io`] and [`Error::Image`] where it cannot be read, [`Error::Argument`] for an unknown interpolation or a
/// size of 0.
///
/// # Source
/// `keras.utils.load_img`, whose results are those of Pillow.
pub fn load_img(path: impl AsRef<Path>, options: &LoadImg) -> Result<DynamicImage> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| Error::Io { file: path.display().to_string(), source })?;
    load_img_from_bytes(&bytes, &path.display().to_string(), options)
}

/// As [`load_img`], from the bytes of a file; `name` is for errors.
///
/// # Errors
/// As [`load_img`].
pub fn load_img_from_bytes(bytes: &[u8], name: &str, options: &LoadImg) -> Result<DynamicImage> {
    let found = options.interpolation.as_str();
    let Some(&(_, filter)) = FILTERS.iter().find(|(name, _)| *name == found) else {
        let names: Vec<String> = FILTERS.iter().map(|(name, _)| format!("`{name}`")).collect();
        return argument("load_img", "interpolation", names.join(", "), format!("`{found}`"));
    };
    let failed = |source: image::ImageError| Error::Image { operation: "read", file: name.into(), source };
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|source| Error::Io { file: name.into(), source })?;
    let image = in_colours(reader.decode().map_err(failed)?, options.color_mode);
    let Some([height, width]) = options.target_size else { return Ok(image) };
    if height == 0 || width == 0 {
        return argument("load_img", "target_size", "a height and width of at least 1", format!("[{height}, {width}]"));
    }
    if (image.height() as usize, image.width() as usize) == (height, width) {
        return Ok(image);
    }
    resized(image, [height, width], filter, options.keep_aspect_ratio)
}

/// The image with as many channels as wanted.
fn in_colours(image: DynamicImage, mode: ColorMode) -> DynamicImage {
    // Of colours of 16 bits the higher 8 count.
    let image = match image {
        DynamicImage::ImageLuma16(gray) if mode == ColorMode::Grayscale => return DynamicImage::ImageLuma16(gray),
        DynamicImage::ImageLuma16(gray) => DynamicImage::ImageLuma8(halved(gray)),
        DynamicImage::ImageLumaA16(gray) => DynamicImage::ImageLumaA8(halved(gray)),
        DynamicImage::ImageRgb16(colours) => DynamicImage::ImageRgb8(halved(colours)),
        DynamicImage::ImageRgba16(colours) => DynamicImage::ImageRgba8(halved(colours)),
        image => image,
    };
    match (mode, image) {
        (ColorMode::Grayscale, DynamicImage::ImageLuma8(gray)) => DynamicImage::ImageLuma8(gray),
        (ColorMode::Grayscale, DynamicImage::ImageLumaA8(gray)) => {
            let bytes = gray.pixels().map(|pixel| pixel.0[0]).collect();
            DynamicImage::ImageLuma8(GrayImage::from_raw(gray.width(), gray.height(), bytes).unwrap_or_default())
        }
        (ColorMode::Grayscale, image) => {
            let image = image.to_rgb8();
            // Brightness by ITU-R 601-2, in 16 binary places.
            let luma = |[red, green, blue]: [u8; 3]| {
                (u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000) >> 16
            };
            let bytes = image.pixels().map(|pixel| luma(pixel.0) as u8).collect();
            DynamicImage::ImageLuma8(GrayImage::from_raw(image.width(), image.height(), bytes).unwrap_or_default())
        }
        (ColorMode::Rgb, image) => DynamicImage::ImageRgb8(image.to_rgb8()),
        (ColorMode::Rgba, image) => DynamicImage::ImageRgba8(image.to_rgba8()),
    }
}

/// The higher bytes of numbers of 16 bits.
fn halved<P, Q>(image: image::ImageBuffer<P, Vec<u16>>) -> image::ImageBuffer<Q, Vec<u8>>
where
    P: image::Pixel<Subpixel = u16>,
    Q: image::Pixel<Subpixel = u8>,
    image::ImageBuffer<Q, Vec<u8>>: Default,
{
    let (width, height) = image.dimensions();
    let bytes = image.into_raw().into_iter().map(|number| (number >> 8) as u8).collect();
    image::ImageBuffer::from_raw(width, height, bytes).unwrap_or_default()
}

fn resized(image: DynamicImage, size: [usize; 2], filter: Filter, keep_aspect_ratio: bool) -> Result<DynamicImage> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    if width == 0 || height == 0 {
        return argument("load_img", "path", "an image with pixels", format!("one of {height} by {width}"));
    }
    let mut part = Part { left: 0, top: 0, right: width, bottom: height };
    if keep_aspect_ratio {
        let crop_height = (width * size[0] / size[1]).clamp(1, height);
        let crop_width = (height * size[1] / size[0]).clamp(1, width);
        part.top = (height - crop_height) / 2;
        part.left = (width - crop_width) / 2;
        part.bottom = part.top + crop_height;
        part.right = part.left + crop_width;
    }
    let (to_width, to_height) = (size[1] as u32, size[0] as u32);
    let resize = |bytes: Vec<u8>, channels| Pixels { bytes, height, width, channels }.resized(part, size, filter).bytes;
    Ok(match image {
        DynamicImage::ImageLuma8(gray) => {
            let bytes = resize(gray.into_raw(), 1);
            DynamicImage::ImageLuma8(GrayImage::from_raw(to_width, to_height, bytes).unwrap_or_default())
        }
        DynamicImage::ImageRgb8(colours) => {
            let bytes = resize(colours.into_raw(), 3);
            DynamicImage::ImageRgb8(RgbImage::from_raw(to_width, to_height, bytes).unwrap_or_default())
        }
        DynamicImage::ImageRgba8(colours) => {
            let bytes = resize(colours.into_raw(), 4);
            DynamicImage::ImageRgba8(RgbaImage::from_raw(to_width, to_height, bytes).unwrap_or_default())
        }
        _ if filter != Filter::Nearest => {
            return argument("load_img", "interpolation", "`nearest` for gray images of 16 bits", "another");
        }
        image => {
            // Two bytes a pixel, moved together.
            let gray = image.into_luma16();
            let bytes = gray.into_raw().into_iter().flat_map(u16::to_ne_bytes).collect();
            let moved = resize(bytes, 2);
            let numbers = moved.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect();
            let gray = image::ImageBuffer::from_raw(to_width, to_height, numbers).unwrap_or_default();
            DynamicImage::ImageLuma16(gray)
        }
    })
}
