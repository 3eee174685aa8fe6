//! Images of a folder as batches for training.

use std::path::{Path, PathBuf};

use image::DynamicImage;
use kerox_layers::DataFormat;
use kerox_layers::preprocessing::ResizeMethod;
use kerox_tensor::Tensor;
use kerox_tensor::kernels::resize::{Interpolation, ResizeKernel, ResizePlan, Scaling};
use kerox_train::data::{Batch, DataSource};

use super::error::argument;
use super::{ColorMode, Error, LoadImg, Result, img_to_array, load_img};
use crate::datasets::RandomState;

const OPERATION: &str = "image_dataset_from_directory";
/// Suffixes of the files that count as images.
const FORMATS: [&str; 5] = ["bmp", "gif", "jpeg", "jpg", "png"];

/// Where labels come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// From the names of the folders inside the folder.
    #[default]
    Inferred,
    /// There are none; all images below the folder belong to the set.
    None,
    /// One for each image below the folder, in the order of their paths.
    Given(Vec<i64>),
}

/// The form of the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelMode {
    /// i32 `[batch]`, for `sparse_categorical_crossentropy`.
    #[default]
    Int,
    /// f32 `[batch, classes]`, for `categorical_crossentropy`.
    Categorical,
    /// f32 `[batch, 1]` of 0 or 1, for `binary_crossentropy`.
    Binary,
    /// None.
    None,
}

/// Which part of the images is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// All but those for validation.
    Training,
    /// The last ones.
    Validation,
}

/// The arguments of [`image_dataset_from_directory`].
#[derive(Clone, Debug)]
pub struct ImageOptions {
    labels: Labels,
    label_mode: LabelMode,
    class_names: Option<Vec<String>>,
    color_mode: ColorMode,
    batch_size: usize,
    image_size: [usize; 2],
    shuffle: bool,
    seed: Option<u32>,
    validation_split: f64,
    subset: Option<Subset>,
    interpolation: String,
    follow_links: bool,
    crop_to_aspect_ratio: bool,
}

impl ImageOptions {
    /// Keras's defaults.
    pub fn new() -> ImageOptions {
        ImageOptions {
            labels: Labels::Inferred,
            label_mode: LabelMode::Int,
            class_names: None,
            color_mode: ColorMode::Rgb,
            batch_size: 32,
            image_size: [256, 256],
            shuffle: true,
            seed: None,
            validation_split: 0.0,
            subset: None,
            interpolation: "bilinear".into(),
            follow_links: false,
            crop_to_aspect_ratio: false,
        }
    }

    /// Where labels come from; the names of the folders by default.
    #[must_use]
    pub fn labels(mut self, labels: Labels) -> ImageOptions {
        self.labels = labels;
        self
    }

    /// The form of the labels; integers by default.
    #[must_use]
    pub fn label_mode(mut self, label_mode: LabelMode) -> ImageOptions {
        self.label_mode = label_mode;
        self
    }

    /// The names of the folders in the order of their labels; sorted by default.
    #[must_use]
    pub fn class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> ImageOptions {
        self.class_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The colours; red, green and blue by default.
    #[must_use]
    pub fn color_mode(mut self, color_mode: ColorMode) -> ImageOptions {
        self.color_mode = color_mode;
        self
    }

    /// Images of a batch; 32 by default.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> ImageOptions {
        self.batch_size = batch_size;
        self
    }

    /// Height and width; 256 by 256 by default.
    #[must_use]
    pub fn image_size(mut self, image_size: [usize; 2]) -> ImageOptions {
        self.image_size = image_size;
        self
    }

    /// Whether the images come in random order, another in every epoch; true by default.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> ImageOptions {
        self.shuffle = shuffle;
        self
    }

    /// Decides the order, and which images are for validation.
    #[must_use]
    pub fn seed(mut self, seed: u32) -> ImageOptions {
        self.seed = Some(seed);
        self
    }

    /// The fraction, in [0, 1), of the images that are for validation.
    #[must_use]
    pub fn validation_split(mut self, validation_split: f64) -> ImageOptions {
        self.validation_split = validation_split;
        self
    }

    /// Which part is taken; to be given together with `validation_split`.
    #[must_use]
    pub fn subset(mut self, subset: Subset) -> ImageOptions {
        self.subset = Some(subset);
        self
    }

    /// `nearest`, `bilinear` (the default), `bicubic`, `area`, `lanczos3`, `lanczos5`, `gaussian` or `mitchellcubic`.
    #[must_use]
    pub fn interpolation(mut self, interpolation: &str) -> ImageOptions {
        self.interpolation = interpolation.into();
        self
    }

    /// Whether links to folders are followed; false by default.
    #[must_use]
    pub fn follow_links(mut self, follow_links: bool) -> ImageOptions {
        self.follow_links = follow_links;
        self
    }

    /// Whether the middle of each image is cut out in the wanted proportions first; false by default.
    #[must_use]
    pub fn crop_to_aspect_ratio(mut self, crop_to_aspect_ratio: bool) -> ImageOptions {
        self.crop_to_aspect_ratio = crop_to_aspect_ratio;
        self
    }
}

impl Default for ImageOptions {
    fn default() -> ImageOptions {
        ImageOptions::new()
    }
}

/// Images of a folder in batches, read when they are wanted.
#[derive(Debug)]
pub struct ImageDataset {
    /// The names of the classes in the order of their labels.
    pub class_names: Vec<String>,
    /// The files in the order in which they were first given.
    pub file_paths: Vec<PathBuf>,
    /// The label of each file; empty where there are none.
    pub labels: Vec<i64>,
    options: ImageOptions,
    interpolation: ResizeMethod,
    random: Option<RandomState>,
    order: Vec<usize>,
    next: usize,
}

/// Lists the images of a folder, whose subfolders are classes, as batches for [`kerox_train::Model::fit_source`].
///
/// # Shapes
/// images f32 `[batch, height, width, channels]` from 0 to 255; labels as [`LabelMode`] says.
///
/// # Errors
/// [`Error::Argument`] for arguments that do not go together or a folder without images, [`Error::Io`] where it cannot
/// be read.
///
/// # Example
/// ```
/// use kerox::layers::DataFormat;
/// use kerox::prelude::*;
/// use kerox::utils::image::{ImageOptions, image_dataset_from_directory, save_img};
///
/// let folder = tempfile::tempdir()?;
/// for (class, value) in [("dark", 20.0f32), ("light", 230.0)] {
///     std::fs::create_dir(folder.path().join(class))?;
///     for i in 0..8 {
///         let image = Tensor::full(value + i as f32, [4, 4, 3])?;
///         let path = folder.path().join(class).join(format!("{i}.png"));
///         save_img(path, &image, DataFormat::ChannelsLast, None, false)?;
///     }
/// }
/// let options = ImageOptions::new().image_size([4, 4]).batch_size(4).seed(1);
/// let mut images = image_dataset_from_directory(folder.path(), &options)?;
/// assert_eq!(images.class_names, ["dark", "light"]);
///
/// let mut model = Sequential::new().add(Flatten::new().input_shape([4, 4, 3])).add(Dense::new(2));
/// model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
/// model.fit_source(&mut images, Fit::default().epochs(2).verbose(0))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.utils.image_dataset_from_directory`. The order of the files with a seed is Keras's; that of later epochs,
/// which tf.data mixes in a buffer, is not.
pub fn image_dataset_from_directory(directory: impl AsRef<Path>, options: &ImageOptions) -> Result<ImageDataset> {
    let directory = directory.as_ref();
    check(options)?;
    let Some(&(_, interpolation)) = ResizeMethod::ALL.iter().find(|(name, _)| *name == options.interpolation) else {
        let found = format!("`{}`", options.interpolation);
        let names = ResizeMethod::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
        return argument(OPERATION, "interpolation", format!("one of {names}"), found);
    };
    let (mut file_paths, mut labels, class_names) = index(directory, options)?;
    if options.label_mode == LabelMode::Binary && class_names.len() != 2 {
        let found = format!("{} classes", class_names.len());
        return argument(OPERATION, "label_mode", "2 classes with `binary`", found);
    }
    let seed = options.seed.unwrap_or_else(|| kerox_layers::random::next_seed() as u32);
    if options.shuffle {
        RandomState::new(seed).shuffle(&mut file_paths);
        RandomState::new(seed).shuffle(&mut labels);
    }
    if let Some(subset) = options.subset {
        let validation = (options.validation_split * file_paths.len() as f64) as usize;
        let at = file_paths.len() - validation;
        match subset {
            Subset::Training => {
                file_paths.truncate(at);
                labels.truncate(at);
            }
            Subset::Validation => {
                file_paths.drain(..at);
                labels.drain(..at.min(labels.len()));
            }
        }
    }
    if file_paths.is_empty() {
        let expected = format!("a folder with images ({})", FORMATS.join(", "));
        return argument(OPERATION, "directory", expected, format!("none in `{}`", directory.display()));
    }
    let order = (0..file_paths.len()).collect();
    let random = options.shuffle.then(|| RandomState::new(seed));
    Ok(ImageDataset {
        class_names,
        file_paths,
        labels,
        options: options.clone(),
        interpolation,
        random,
        order,
        next: 0,
    })
}

fn check(options: &ImageOptions) -> Result<()> {
    if options.batch_size == 0 {
        return argument(OPERATION, "batch_size", "at least 1", "0");
    }
    if options.image_size.contains(&0) {
        let found = format!("{:?}", options.image_size);
        return argument(OPERATION, "image_size", "a height and width of at least 1", found);
    }
    if !(0.0..1.0).contains(&options.validation_split) {
        return argument(OPERATION, "validation_split", "a fraction in [0, 1)", options.validation_split.to_string());
    }
    if (options.validation_split > 0.0) != options.subset.is_some() {
        return argument(OPERATION, "subset", "`validation_split` and `subset` together", "one of them");
    }
    if options.subset.is_some() && options.shuffle && options.seed.is_none() {
        let expected = "a seed, or no shuffling, so that the two parts have no image in common";
        return argument(OPERATION, "seed", expected, "none");
    }
    if options.class_names.is_some() && options.labels != Labels::Inferred {
        return argument(OPERATION, "class_names", "none, as labels are not inferred", "some");
    }
    Ok(())
}

type Index = (Vec<PathBuf>, Vec<i64>, Vec<String>);

/// Files, labels and names of the classes.
fn index(directory: &Path, options: &ImageOptions) -> Result<Index> {
    let mut file_paths = Vec::new();
    if options.labels != Labels::Inferred {
        walk(directory, options.follow_links, &mut file_paths)?;
        let Labels::Given(labels) = &options.labels else { return Ok((file_paths, Vec::new(), Vec::new())) };
        if labels.len() != file_paths.len() {
            let expected = format!("one for each of {} images", file_paths.len());
            return argument(OPERATION, "labels", expected, labels.len().to_string());
        }
        let mut classes = labels.clone();
        classes.sort_unstable();
        classes.dedup();
        let is_class = |label: &i64| usize::try_from(*label).is_ok_and(|label| label < classes.len());
        if options.label_mode == LabelMode::Categorical && !labels.iter().all(is_class) {
            let expected = format!("numbers from 0 to {} with `categorical`", classes.len().saturating_sub(1));
            return argument(OPERATION, "labels", expected, format!("{classes:?}"));
        }
        let names = classes.iter().map(i64::to_string).collect();
        let labels = if options.label_mode == LabelMode::None { Vec::new() } else { labels.clone() };
        return Ok((file_paths, labels, names));
    }
    let (folders, _) = entries(directory, true)?;
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let found: Vec<String> = folders.iter().map(name).filter(|name| !name.starts_with('.')).collect();
    let class_names = match &options.class_names {
        None => found.clone(),
        Some(given) => {
            let sorted = |names: &[String]| {
                let mut names = names.to_vec();
                names.sort();
                names
            };
            if sorted(given) != sorted(&found) {
                return argument(OPERATION, "class_names", format!("the folders {found:?}"), format!("{given:?}"));
            }
            given.clone()
        }
    };
    let mut labels = Vec::new();
    // Files are in the order of the folders, whatever that of the labels.
    for folder in &found {
        let label = class_names.iter().position(|name| name == folder).unwrap_or(0) as i64;
        walk(&directory.join(folder), options.follow_links, &mut file_paths)?;
        labels.resize(file_paths.len(), label);
    }
    if options.label_mode == LabelMode::None {
        labels.clear();
    }
    Ok((file_paths, labels, class_names))
}

/// Adds the images of a folder, then those of the folders in it, each in the order of names.
fn walk(folder: &Path, follow_links: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut open = vec![(folder.to_path_buf(), 0)];
    let mut folders = Vec::new();
    while let Some((folder, depth)) = open.pop() {
        // Links may lead in circles.
        if depth < 64 {
            let (inner, _) = entries(&folder, follow_links)?;
            open.extend(inner.into_iter().map(|folder| (folder, depth + 1)));
        }
        folders.push(folder);
    }
    // As texts: `b-c` comes before `b/c`.
    folders.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    for folder in folders {
        let (_, files) = entries(&folder, true)?;
        let suffix = |path: &PathBuf| path.extension().map(|suffix| suffix.to_string_lossy().to_lowercase());
        found.extend(files.into_iter().filter(|path| suffix(path).is_some_and(|s| FORMATS.contains(&s.as_str()))));
    }
    Ok(())
}

/// Folders and files of a folder, sorted.
fn entries(folder: &Path, follow_links: bool) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let failed = |source| Error::Io { file: folder.display().to_string(), source };
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let is_link = entry.file_type().map_err(failed)?.is_symlink();
        match (path.is_dir(), is_link && !follow_links) {
            (true, false) => folders.push(path),
            (true, true) => {}
            (false, _) => files.push(path),
        }
    }
    folders.sort();
    files.sort();
    Ok((folders, files))
}

/// How images of one size become images of another, without a filter against aliases.
fn plan(method: ResizeMethod, input: [usize; 4], size: [usize; 2]) -> Result<ResizePlan> {
    let scale = |axis: usize| Scaling { scale: size[axis] as f32 / input[axis + 1] as f32, translation: 0.0 };
    let by = |kernel| ResizePlan::scaled(kernel, false, [scale(0), scale(1)], &input, size);
    Ok(match method {
        ResizeMethod::Nearest => ResizePlan::new(Interpolation::Nearest, &input, size)?,
        ResizeMethod::Bilinear => ResizePlan::new(Interpolation::Bilinear, &input, size)?,
        ResizeMethod::Bicubic => ResizePlan::new(Interpolation::Bicubic, &input, size)?,
        ResizeMethod::Area => ResizePlan::new(Interpolation::Area, &input, size)?,
        ResizeMethod::Lanczos3 => by(ResizeKernel::Lanczos3)?,
        ResizeMethod::Lanczos5 => by(ResizeKernel::Lanczos5)?,
        ResizeMethod::Gaussian => by(ResizeKernel::Gaussian)?,
        ResizeMethod::MitchellCubic => by(ResizeKernel::MitchellCubic)?,
    })
}

impl ImageDataset {
    /// Number of images.
    pub fn samples(&self) -> usize {
        self.file_paths.len()
    }

    /// An image of the set as it goes into batches.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn image(&self, path: &Path) -> Result<Tensor> {
        let mut image = load_img(path, &LoadImg::new().color_mode(self.options.color_mode))?;
        // TensorFlow decodes to 8 bits, Pillow keeps 16.
        if let DynamicImage::ImageLuma16(wide) = &image {
            image = DynamicImage::ImageLuma8(image::GrayImage::from_fn(wide.width(), wide.height(), |x, y| {
                image::Luma([(wide.get_pixel(x, y).0[0] >> 8) as u8])
            }));
        }
        let mut x = img_to_array(&image, DataFormat::ChannelsLast)?;
        let [height, width] = self.options.image_size;
        if self.options.crop_to_aspect_ratio {
            x = cropped(&x, [height, width])?;
        }
        let [rows, columns, channels] = x.shape()[..] else {
            return argument(OPERATION, "image", "3 axes", format!("{:?}", &x.shape()[..]));
        };
        if rows == 0 || columns == 0 {
            return argument(OPERATION, "image", "pixels", format!("`{}`, which has none", path.display()));
        }
        let plan = plan(self.interpolation, [1, rows, columns, channels], [height, width])?;
        let mut resized = vec![0.0; height * width * channels];
        plan.forward(x.as_slice::<f32>()?, &mut resized);
        Ok(Tensor::from_vec(resized, [height, width, channels])?)
    }

    /// The next batch; `None` at the end of an epoch, after which the first comes again.
    ///
    /// # Errors
    /// Where an image cannot be read.
    pub fn batch(&mut self) -> Result<Option<Batch>> {
        let picked = self.order[self.next..].iter().take(self.options.batch_size).copied().collect::<Vec<usize>>();
        if picked.is_empty() {
            self.start_again();
            return Ok(None);
        }
        self.next += picked.len();
        let mut numbers = Vec::new();
        for &i in &picked {
            numbers.extend_from_slice(self.image(&self.file_paths[i])?.as_slice::<f32>()?);
        }
        let [height, width] = self.options.image_size;
        let x = Tensor::from_vec(numbers, [picked.len(), height, width, self.options.color_mode.channels()])?;
        let y = match self.labels.is_empty() {
            true => Vec::new(),
            false => vec![self.labels_of(&picked)?],
        };
        Ok(Some(Batch { x: vec![x], y, ..Batch::default() }))
    }

    fn labels_of(&self, picked: &[usize]) -> Result<Tensor> {
        let labels = picked.iter().map(|&i| self.labels[i]);
        let count = picked.len();
        Ok(match self.options.label_mode {
            LabelMode::Binary => Tensor::from_vec(labels.map(|label| label as f32).collect(), [count, 1])?,
            LabelMode::Categorical => {
                let classes = self.class_names.len();
                let mut rows = vec![0f32; count * classes];
                for (row, label) in labels.enumerate() {
                    rows[row * classes + label as usize] = 1.0;
                }
                Tensor::from_vec(rows, [count, classes])?
            }
            _ => Tensor::from_vec(labels.map(|label| label as i32).collect(), [count])?,
        })
    }

    fn start_again(&mut self) {
        self.next = 0;
        if let Some(random) = &mut self.random {
            random.shuffle(&mut self.order);
        }
    }
}

/// The middle of an image in the proportions of a size, in single precision as Keras computes it.
fn cropped(x: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
    let [rows, columns, channels] = x.shape()[..] else { return Ok(x.clone()) };
    let crop_height = rows.min((columns as f32 * height as f32 / width as f32) as usize).max(1);
    let crop_width = columns.min((rows as f32 * width as f32 / height as f32) as usize).max(1);
    let (top, left) = ((rows - crop_height) / 2, (columns - crop_width) / 2);
    let numbers = x.as_slice::<f32>()?;
    let line = |row: usize| &numbers[(row * columns + left) * channels..][..crop_width * channels];
    let cut: Vec<f32> = (top..top + crop_height).flat_map(|row| line(row).iter().copied()).collect();
    Ok(Tensor::from_vec(cut, [crop_height, crop_width, channels])?)
}

impl DataSource for ImageDataset {
    fn next_batch(&mut self) -> std::result::Result<Option<Batch>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.batch()?)
    }

    fn steps(&self) -> Option<usize> {
        Some(self.samples().div_ceil(self.options.batch_size))
    }
}
