//! Images against Keras 2.15 with Pillow and TensorFlow.
#![cfg(feature = "image")]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use kerox::layers::DataFormat;
use kerox::tensor::npz::Npz;
use kerox::tensor::{DType, Tensor};
use kerox::utils::image::*;

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/images")).join(name)
}

fn arrays(name: &str) -> Npz<Cursor<Vec<u8>>> {
    Npz::open(Cursor::new(fs::read(golden(name)).unwrap()), name).unwrap()
}

#[test]
fn load_img_gives_the_pixels_of_keras() {
    let mut expected = arrays("load_img.npz");
    let mut problems = Vec::new();
    for key in expected.names() {
        let [file, mode, size, interpolation, keep] = key.split('|').collect::<Vec<_>>()[..] else { panic!("{key}") };
        let mut options = LoadImg::new()
            .color_mode(ColorMode::from_name(mode).unwrap())
            .interpolation(interpolation)
            .keep_aspect_ratio(keep == "1");
        if let Some((height, width)) = size.split_once('x') {
            options = options.target_size([height.parse().unwrap(), width.parse().unwrap()]);
        }
        let image = load_img(golden(&file.replace(':', "/")), &options).unwrap();
        let found = img_to_array(&image, DataFormat::ChannelsLast).unwrap();
        let wanted = expected.read(&key).unwrap().cast(DType::F32).unwrap();
        assert_eq!(found.shape(), wanted.shape(), "{key}");
        let pairs = found.as_slice::<f32>().unwrap().iter().zip(wanted.as_slice::<f32>().unwrap());
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if worst > 0.0 {
            problems.push(format!("{key}: {worst}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn folders_give_the_batches_of_keras() {
    let mut expected = arrays("batches.npz");
    let plain = || ImageOptions::new().shuffle(false).image_size([5, 7]).batch_size(4);
    let cases = [
        ("plain", plain(), 1e-3),
        // Brightness is made from colours in other ways by each library for PNG.
        ("gray", plain().color_mode(ColorMode::Grayscale).interpolation("nearest").label_mode(LabelMode::Binary), 1.0),
        (
            "cropped",
            plain().crop_to_aspect_ratio(true).label_mode(LabelMode::Categorical).interpolation("bicubic"),
            1e-3,
        ),
        ("area", plain().interpolation("area").class_names(["b", "a"]), 1e-3),
    ];
    for (name, options, tolerance) in cases {
        let mut images = image_dataset_from_directory(golden(""), &options).unwrap();
        for epoch in 0..2 {
            for i in 0..2 {
                let batch = images.batch().unwrap().unwrap();
                let x = expected.read(&format!("{name}_{i}_x")).unwrap().cast(DType::F32).unwrap();
                let y = expected.read(&format!("{name}_{i}_y")).unwrap();
                assert_eq!((batch.x[0].shape(), &batch.y[0]), (x.shape(), &y), "{name} {i}");
                let pairs = batch.x[0].as_slice::<f32>().unwrap().iter().zip(x.as_slice::<f32>().unwrap());
                let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst <= tolerance, "{name} {i} of epoch {epoch}: {worst}");
            }
            assert!(images.batch().unwrap().is_none(), "{name}");
        }
    }
}

#[test]
fn orders_and_splits_are_those_of_keras() {
    let orders = kerox_config_json::Value::parse(&fs::read_to_string(golden("order.json")).unwrap()).unwrap();
    let options = || ImageOptions::new().image_size([5, 7]);
    let split = |subset| options().seed(9).validation_split(0.3).subset(subset);
    for (name, options) in [
        ("plain", options().shuffle(false)),
        ("area", options().shuffle(false).class_names(["b", "a"])),
        ("shuffled", options().seed(5)),
        ("training", split(Subset::Training)),
        ("validation", split(Subset::Validation)),
    ] {
        let images = image_dataset_from_directory(golden(""), &options).unwrap();
        let found: Vec<&str> =
            images.file_paths.iter().map(|path| path.strip_prefix(golden("")).unwrap().to_str().unwrap()).collect();
        let wanted: Vec<&str> =
            orders.get(name).unwrap().as_list().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        assert_eq!(found, wanted, "{name}");
        for (path, &label) in images.file_paths.iter().zip(&images.labels) {
            let class = path.strip_prefix(golden("")).unwrap().iter().next().unwrap().to_str().unwrap();
            assert_eq!(images.class_names[label as usize], class, "{name}");
        }
    }
}

#[test]
fn images_are_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let x = Tensor::from_vec((0..2 * 3 * 4).map(|i| (i * 10) as f32).collect(), [2, 3, 4]).unwrap();
    let path = dir.path().join("x.png");
    save_img(&path, &x, DataFormat::ChannelsLast, None, false).unwrap();
    let read = load_img(&path, &LoadImg::new().color_mode(ColorMode::Rgba)).unwrap();
    assert_eq!(img_to_array(&read, DataFormat::ChannelsLast).unwrap(), x);
    let first = img_to_array(&read, DataFormat::ChannelsFirst).unwrap();
    assert_eq!(first.shape()[..], [4, 2, 3]);
    let again = array_to_img(&first, DataFormat::ChannelsFirst, false).unwrap();
    assert_eq!(img_to_array(&again, DataFormat::ChannelsLast).unwrap(), x);
    // JPEG has no alpha, and BMP is told by the format.
    save_img(dir.path().join("x.jpg"), &x, DataFormat::ChannelsLast, None, true).unwrap();
    save_img(dir.path().join("x.dat"), &x, DataFormat::ChannelsLast, Some(ImageFormat::Bmp), true).unwrap();
    for name in ["x.jpg", "x.dat"] {
        let image = load_img(dir.path().join(name), &LoadImg::new()).unwrap();
        assert_eq!((image.width(), image.height()), (3, 2), "{name}");
    }
    // Numbers are stretched, or kept.
    let numbers = Tensor::from_vec(vec![-1.0f32, 0.0, 1.0], [1, 3, 1]).unwrap();
    let image = array_to_img(&numbers, DataFormat::ChannelsLast, true).unwrap();
    assert_eq!(image.as_bytes(), [0, 127, 255]);
    let deep = Tensor::from_vec(vec![0u16, 300, 65_535], [1, 3, 1]).unwrap();
    let image = array_to_img(&deep, DataFormat::ChannelsLast, false).unwrap();
    assert_eq!(
        img_to_array(&image, DataFormat::ChannelsLast).unwrap().as_slice::<f32>().unwrap(),
        [0.0, 300.0, 65_535.0]
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let check = |error: Error, expected: &str| assert!(error.to_string().contains(expected), "{error}");
    fs::write(dir.path().join("x.png"), b"no image").unwrap();
    check(load_img(dir.path().join("x.png"), &LoadImg::new()).unwrap_err(), "read image");
    check(load_img(dir.path().join("y.png"), &LoadImg::new()).unwrap_err(), "y.png");
    let options = LoadImg::new().interpolation("cubic");
    check(load_img(golden("a/gray.png"), &options).unwrap_err(), "argument `interpolation`: expected `nearest`");
    let options = LoadImg::new().target_size([0, 3]);
    check(load_img(golden("a/gray.png"), &options).unwrap_err(), "found [0, 3]");
    let image = |shape: [usize; 3]| Tensor::full(300f32, shape).unwrap();
    check(array_to_img(&image([1, 1, 2]), DataFormat::ChannelsLast, true).unwrap_err(), "1, 3 or 4 channels");
    check(array_to_img(&image([1, 1, 3]), DataFormat::ChannelsLast, false).unwrap_err(), "numbers from 0 to 255");
    let open = |options: &ImageOptions| image_dataset_from_directory(golden(""), options).unwrap_err();
    let options = ImageOptions::new;
    check(image_dataset_from_directory(dir.path(), &options()).unwrap_err(), "a folder with images");
    check(open(&options().validation_split(0.5)), "`validation_split` and `subset` together");
    check(open(&options().validation_split(0.5).subset(Subset::Training)), "argument `seed`");
    check(open(&options().class_names(["a", "c"])), "expected the folders");
    check(open(&options().labels(Labels::Given(vec![1, 2]))), "one for each of 8 images");
    check(open(&options().interpolation("hermite")), "`area`");
    // Every cut and every flipped byte of a file: an error or another image, never a panic.
    let bytes = fs::read(golden("a/alpha.png")).unwrap();
    for end in 0..bytes.len() {
        let _ = load_img_from_bytes(&bytes[..end], "x", &LoadImg::new());
        let mut other = bytes.clone();
        other[end] ^= 0xff;
        let _ = load_img_from_bytes(&other, "x", &LoadImg::new());
    }
}
