//! What is written is read again, equal; the same tree gives the same bytes.

use kerox_format_h5::keras::{LayerToWrite, ModelFile, ModelToWrite, WholeModel};
use kerox_format_h5::write::{Charset, Compression, Group, WriteAttribute};
use kerox_format_h5::{Attribute, Error, H5File};
use kerox_tensor::trackable::TensorSource;
use kerox_tensor::{DType, Tensor};

fn tensor(dtype: DType, shape: &[usize]) -> Tensor {
    let bytes = shape.iter().product::<usize>() * dtype.size().unwrap();
    let modulus = if dtype == DType::Bool { 2 } else { 251 };
    let bytes: Vec<u8> = (0..bytes).map(|i| (i % modulus) as u8).collect();
    Tensor::from_bytes(dtype, shape, &bytes).unwrap()
}

#[test]
fn every_type_and_shape_with_and_without_compression() {
    let mut root = Group::new();
    let mut expected = Vec::new();
    for dtype in DType::STORABLE.into_iter().filter(|&dtype| dtype != DType::String) {
        for shape in [&[][..], &[0], &[1], &[7, 0, 3], &[2, 3, 4], &[300, 7]] {
            let value = tensor(dtype, shape);
            for compressed in [false, true] {
                let path = format!("{dtype}/{shape:?}/{compressed}");
                match compressed {
                    true => root.compressed(&path, value.clone(), Compression::default()).unwrap(),
                    false => root.dataset(&path, value.clone()).unwrap(),
                }
                expected.push((path, value.clone()));
            }
        }
    }
    let strings = Tensor::from_strings(["", "a", "héllo"], [3]).unwrap();
    root.dataset("string", strings.clone()).unwrap();
    expected.push(("string".into(), strings));
    // More than one chunk, and more chunks than a tree node holds.
    let large = tensor(DType::F32, &[70_000, 300]);
    root.compressed("large", large.clone(), Compression { level: 1, shuffle: true }).unwrap();
    expected.push(("large".into(), large.clone()));
    // One run that threads share out.
    root.dataset("large and plain", large.clone()).unwrap();
    expected.push(("large and plain".into(), large));
    let bytes = root.to_bytes().unwrap();
    assert_eq!(bytes, root.to_bytes().unwrap());
    let file = H5File::from_bytes("all.h5", bytes).unwrap();
    assert_eq!(file.entries().len(), expected.len());
    for (path, value) in expected {
        // Bits, since some of the floats are NaN.
        let found = file.tensor(&path).unwrap();
        assert_eq!((found.dtype(), found.shape()), (value.dtype(), value.shape()), "{path}");
        match value.as_bytes() {
            Some(bytes) => assert!(found.as_bytes().unwrap() == bytes, "{path}"),
            None => assert_eq!(found, value, "{path}"),
        }
    }
}

#[test]
fn groups_of_many_members() {
    for count in [0, 1, 8, 9, 256, 257, 9000] {
        let mut root = Group::new();
        root.group("g").unwrap();
        (0..count).for_each(|i| root.dataset(&format!("g/{i}"), Tensor::scalar(i)).unwrap());
        let file = H5File::from_bytes("many.h5", root.to_bytes().unwrap()).unwrap();
        assert_eq!(file.members("g").unwrap().len(), count as usize);
        for i in (0..count).step_by(97) {
            assert_eq!(file.tensor(&format!("g/{i}")).unwrap(), Tensor::scalar(i));
        }
    }
}

#[test]
fn attributes() {
    let mut root = Group::new();
    let long: String = "x".repeat(300_000);
    root.attribute("long", WriteAttribute::String(long.clone(), Charset::Utf8));
    root.attribute("fixed", WriteAttribute::FixedStrings(vec!["a".into(), "bcd".into()], 3));
    root.attribute("number", WriteAttribute::Numbers(Tensor::scalar(3i32)));
    root.attribute("number", WriteAttribute::Numbers(Tensor::scalar(4i32)));
    let many: Vec<String> = (0..4000).map(|i| format!("name {i}")).collect();
    root.attribute("many", WriteAttribute::Strings(many.clone(), Charset::Ascii));
    let file = H5File::from_bytes("a.h5", root.to_bytes().unwrap()).unwrap();
    let strings = |name: &str| -> Vec<String> {
        match file.attribute("/", name).unwrap().unwrap() {
            Attribute::Strings { values, .. } => values.into_iter().map(|v| String::from_utf8(v).unwrap()).collect(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(strings("long"), [long]);
    assert_eq!(strings("fixed"), ["a", "bcd"]);
    assert_eq!(strings("many"), many);
    assert_eq!(file.attribute("/", "number").unwrap(), Some(Attribute::Numbers(Tensor::scalar(4i32))));
    root.attribute("numbers", WriteAttribute::Numbers(Tensor::zeros(DType::F64, [9000]).unwrap()));
    let error = root.to_bytes().unwrap_err().to_string();
    assert!(error.contains("expected an attribute of at most 65528 bytes, found 72"), "{error}");
}

fn model(layers: usize, name: impl Fn(usize) -> String) -> ModelToWrite {
    let mut model = ModelToWrite::weights("2.15.0");
    for i in 0..layers {
        let weights = [(format!("{}/kernel:0", name(i)), Tensor::scalar(i as f32))];
        model.layers.push(LayerToWrite::new(name(i), weights));
    }
    model
}

#[test]
fn long_lists_of_names_are_split_as_keras_splits_them() {
    // 321 names of 236 bytes: 161 and 160.
    let model = model(321, |i| format!("{i:0>236}"));
    let file = H5File::from_bytes("w.h5", model.to_bytes().unwrap()).unwrap();
    let shape = |name: &str| match file.attribute("/", name).unwrap() {
        Some(Attribute::Strings { shape, .. }) => Some(shape.to_vec()),
        _ => None,
    };
    assert_eq!(shape("layer_names"), None);
    assert_eq!(shape("layer_names0"), Some(vec![161]));
    assert_eq!(shape("layer_names1"), Some(vec![160]));
    assert_eq!(shape("layer_names2"), None);
    let read = ModelFile::new(file).unwrap();
    assert_eq!(read.layers.len(), 321);
    assert!(read.layers.iter().zip(&model.layers).all(|(a, b)| a.name == b.name));
    assert_eq!(read.read(&read.layers[320].weights[0]).unwrap(), Tensor::scalar(320f32));
}

#[test]
fn lists_of_any_length_come_back() {
    for (count, width) in [(0, 1), (1, 1), (4032, 16), (4033, 16), (5000, 4), (20000, 5), (3, 64000)] {
        let model = model(count, |i| format!("{i:0>width$}"));
        let read = ModelFile::new(H5File::from_bytes("w.h5", model.to_bytes().unwrap()).unwrap()).unwrap();
        assert_eq!(read.layers.len(), count, "{count} {width}");
        assert!(read.layers.iter().zip(&model.layers).all(|(a, b)| a.name == b.name), "{count} {width}");
    }
    let error = model(1, |_| "x".repeat(64510)).to_bytes().unwrap_err().to_string();
    assert!(error.contains("names of at most 64512 bytes"), "{error}");
}

#[test]
fn two_weights_of_one_name_are_refused_before_anything_is_written() {
    let mut model = model(1, |_| "custom".into());
    model.layers[0].weights = vec![("w:0".into(), Tensor::scalar(0f32)), ("w:0".into(), Tensor::scalar(1f32))];
    let mut out = Vec::new();
    let error = model.write_to(&mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "write `/custom/w:0` to HDF5: expected a new name, found a second object of that name; give the weights \
         distinct names"
    );
    assert!(out.is_empty());
    model.layers = vec![LayerToWrite::new("a", [("w", Tensor::scalar(0f32))]); 2];
    assert!(matches!(model.to_bytes(), Err(Error::Duplicate { path }) if path == "/a"));
}

#[test]
fn keras_files_rewritten_have_the_same_content() {
    for name in ["k215_model.h5", "k215_legacy_adam_model.h5", "k315_model.h5", "k215_weights.h5"] {
        let path = format!("{}/../../golden/h5/{name}", env!("CARGO_MANIFEST_DIR"));
        let old = ModelFile::open(&path).unwrap();
        let read = |weights: &[kerox_format_h5::keras::Weight]| -> Vec<_> {
            weights.iter().map(|w| (w.name.clone(), old.read(w).unwrap())).collect()
        };
        let mut model = ModelToWrite::weights(old.keras_version.clone().unwrap());
        model.whole = old.model_config.clone().map(|model_config| WholeModel {
            model_config,
            training_config: old.training_config.clone(),
            optimizer: old.optimizer.as_deref().map(read),
        });
        model.layers = old.layers.iter().map(|l| LayerToWrite::new(&l.name, read(&l.weights))).collect();
        let new = H5File::from_bytes(name, model.to_bytes().unwrap()).unwrap();
        assert_same(old.file(), &new, "");
    }
}

/// Same members, attributes and tensors.
#[track_caller]
fn assert_same(old: &H5File, new: &H5File, path: &str) {
    let sorted = |file: &H5File| {
        let mut names = file.attribute_names(path).unwrap();
        names.sort();
        names
    };
    assert_eq!(sorted(old), sorted(new), "{path}");
    for name in sorted(old) {
        assert_eq!(old.attribute(path, &name).unwrap(), new.attribute(path, &name).unwrap(), "{path}@{name}");
    }
    let Ok(members) = old.members(path) else {
        return assert_eq!(old.tensor(path).unwrap(), new.tensor(path).unwrap(), "{path}");
    };
    assert_eq!(members, new.members(path).unwrap(), "{path}");
    members.iter().for_each(|name| assert_same(old, new, &format!("{path}/{name}")));
}
