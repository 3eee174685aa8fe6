//! Files written by Keras and h5py: `golden/h5`, beside the script that wrote them.

use kerox_format_h5::keras::{Layout, ModelFile, WeightsTree, detect};
use kerox_format_h5::{Attribute, Error, H5File, Kind};
use kerox_tensor::trackable::TensorSource;
use kerox_tensor::{DType, Tensor};

fn open(name: &str) -> Result<H5File, Error> {
    H5File::open(format!("{}/../../golden/h5/{name}", env!("CARGO_MANIFEST_DIR")))
}

fn strings(values: &[&str], shape: &[usize]) -> Attribute {
    Attribute::Strings { shape: shape.into(), values: values.iter().map(|s| s.as_bytes().to_vec()).collect() }
}

/// 0, 1, ... as f64, whatever the stored type.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    macro_rules! try_types {
        ($($type:ty),*) => {$(
            if let Ok(values) = tensor.as_slice::<$type>() {
                return values.iter().map(|&v| v as f64).collect();
            }
        )*};
    }
    try_types!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);
    match tensor.dtype() {
        DType::F16 => tensor.as_slice::<kerox_tensor::f16>().unwrap().iter().map(|v| v.to_f64()).collect(),
        DType::Complex64 => tensor.as_slice::<[f32; 2]>().unwrap().iter().map(|v| f64::from(v[0])).collect(),
        DType::Complex128 => tensor.as_slice::<[f64; 2]>().unwrap().iter().map(|v| v[0]).collect(),
        other => panic!("{other}"),
    }
}

fn check_odd(name: &str) {
    let file = open(name).unwrap();
    let attribute = |path: &str, name: &str| file.attribute(path, name).unwrap().unwrap();
    assert_eq!(attribute("/", "none"), Attribute::Numbers(Tensor::zeros(DType::F64, [0]).unwrap()));
    assert_eq!(attribute("/", "fixed"), strings(&["ab", "cdef"], &[2]));
    assert_eq!(attribute("/", "text"), strings(&["héllo"], &[]));
    assert_eq!(attribute("/", "empty"), strings(&[""], &[]));
    assert_eq!(attribute("/", "number"), Attribute::Numbers(Tensor::scalar(-7i64)));
    assert_eq!(attribute("/", "floats"), Attribute::Numbers(Tensor::from_vec(vec![0f64, 1., 2.], [3]).unwrap()));
    assert_eq!(attribute("/", "null"), Attribute::Empty);
    assert_eq!(file.attribute("/", "other").unwrap(), None);
    let mut types = 0;
    for name in file.members("types").unwrap() {
        let tensor = file.tensor(&format!("types/{name}")).unwrap();
        match name {
            "bool" => assert_eq!(tensor.as_slice::<bool>().unwrap(), [true, false, true]),
            "scalar" => assert_eq!(tensor, Tensor::scalar(42i64)),
            "empty" => assert_eq!(tensor, Tensor::zeros(DType::F32, [0, 3]).unwrap()),
            _ => {
                assert_eq!(tensor.shape()[..], [2, 3], "{name}");
                assert_eq!(numbers(&tensor), [0., 1., 2., 3., 4., 5.], "{name}");
            }
        }
        types += 1;
    }
    assert_eq!(types, 24);
    let string = |path: &str| file.tensor(path).unwrap().as_slice::<Vec<u8>>().unwrap().to_vec();
    assert_eq!(string("strings/variable"), [b"a".to_vec(), b"".to_vec(), "hé".into()]);
    assert_eq!(string("strings/fixed"), [b"a".to_vec(), b"bcd".to_vec()]);
    let rows: Vec<f64> = (0..60).map(f64::from).collect();
    for name in ["gzip", "shuffled", "checked", "plain", "one"] {
        let tensor = file.tensor(&format!("chunks/{name}")).unwrap();
        assert_eq!((tensor.shape().to_vec(), numbers(&tensor)), (vec![10, 6], rows.clone()), "{name}");
    }
    assert_eq!(file.tensor("chunks/lzf").unwrap(), Tensor::zeros(DType::F32, [50, 20]).unwrap());
    let mut filled = vec![2.5f32; 16];
    filled[0] = 1.0;
    assert_eq!(file.tensor("chunks/filled").unwrap(), Tensor::from_vec(filled, [4, 4]).unwrap());
    assert_eq!(file.tensor("chunks/never").unwrap().as_slice::<i32>().unwrap(), [9, 9, 9]);
    assert_eq!(file.members("many").unwrap().len(), 300);
    for i in 0..300 {
        assert_eq!(file.tensor(&format!("many/w{i:03}")).unwrap(), Tensor::scalar(i as f32));
    }
    for i in 0..40i64 {
        assert_eq!(attribute("many", &format!("a{i:02}")), Attribute::Numbers(Tensor::scalar(i)));
    }
    assert_eq!(numbers(&file.tensor("link/hard").unwrap()), [0., 1., 2., 3., 4., 5.]);
    assert_eq!(numbers(&file.tensor("/link/soft").unwrap()), [0., 1., 2., 3., 4., 5.]);
    assert_eq!(file.kind("link/group"), Some(Kind::Group));
    assert_eq!(file.kind("link/dangling"), None);
    assert!(file.tensor("link/dangling").is_err());
}

#[test]
fn everything_h5py_writes_by_default() {
    check_odd("odd.h5");
}

#[test]
fn everything_h5py_writes_in_its_latest_form() {
    check_odd("odd_latest.h5");
}

#[test]
fn a_user_block_is_stepped_over() {
    let file = open("odd_user_block.h5").unwrap();
    assert_eq!(file.tensor("x").unwrap().as_slice::<f32>().unwrap(), [0., 1., 2.]);
}

#[track_caller]
fn refused(name: &str, expected: &str) {
    let error = open(name).and_then(|file| file.tensor("x").map(|_| ())).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(error.contains(name), "{error}");
}

#[test]
fn what_reaches_outside_or_in_circles_is_refused() {
    refused(
        "bad_external_link.h5",
        "found the external link `x` to another file; copy what it points to into the file",
    );
    refused("bad_external_storage.h5", "`x`");
    refused("bad_external_storage.h5", "found external storage, data in another file");
    refused("bad_virtual.h5", "found a virtual dataset");
    refused("bad_soft_loop.h5", "that leads in a circle");
    refused("bad_hard_loop.h5", "object `a/b/up`");
    refused("bad_hard_loop.h5", "found a hard link to a group around it");
}

#[test]
fn claims_beyond_the_file_are_refused_before_memory_is_taken() {
    let bomb = open("bad_shape_bomb.h5").unwrap();
    for name in ["x", "y"] {
        let error = bomb.tensor(name).unwrap_err();
        assert!(matches!(error, Error::Limit { expected: 16777216, found: 4398046511104, .. }), "{error}");
    }
    // 64 MiB of zeros out of 66 KB is what deflate does at best: read, not refused.
    assert_eq!(open("bad_deflate_bomb.h5").unwrap().tensor("x").unwrap().len(), 1 << 24);
}

#[test]
fn a_whole_model_of_keras_2_15() {
    let file = open("k215_model.h5").unwrap();
    assert_eq!(detect(&file), Layout::WholeModel);
    let model = ModelFile::new(file).unwrap();
    assert_eq!(model.keras_version.as_deref(), Some("2.15.0"));
    assert_eq!(model.backend.as_deref(), Some("tensorflow"));
    assert!(model.model_config.as_deref().unwrap().starts_with(r#"{"class_name": "Sequential""#));
    assert!(model.training_config.as_deref().unwrap().contains("Custom>Adam"));
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["dense", "dropout", "dense_1"]);
    let dense = &model.layer("dense").unwrap().weights;
    assert_eq!(dense[0].name, "dense/kernel:0");
    assert_eq!(dense[0].path, "model_weights/dense/dense/kernel:0");
    assert_eq!(dense[0].shape[..], [8, 6]);
    assert!(model.layer("dropout").unwrap().weights.is_empty() && model.top_level.is_empty());
    let optimizer = model.optimizer.as_ref().unwrap();
    assert_eq!(optimizer.len(), 9);
    assert_eq!(optimizer[1].name, "Adam/m/dense/kernel:0");
    assert_eq!(model.read(&optimizer[0]).unwrap().dtype(), DType::I64);
}

#[test]
fn a_whole_model_of_keras_3() {
    let model = ModelFile::new(open("k315_model.h5").unwrap()).unwrap();
    assert_eq!(model.keras_version.as_deref(), Some("3.15.1"));
    assert_eq!(model.layer("dense_1").unwrap().weights[1].path, "model_weights/dense_1/sequential/dense_1/bias");
    assert_eq!(model.optimizer.unwrap()[1].name, "adam/learning_rate");
}

#[test]
fn weights_of_keras_2_15() {
    let file = open("k215_weights.h5").unwrap();
    assert_eq!(detect(&file), Layout::Weights);
    let model = ModelFile::new(file).unwrap();
    assert_eq!((model.model_config, model.optimizer), (None, None));
    assert_eq!(model.layers[2].weights[0].path, "dense_1/dense_1/kernel:0");
}

#[test]
fn weights_trees_of_both() {
    for (name, variables, noted) in [("k215_w.weights.h5", 9, None), ("k315_w.weights.h5", 10, Some("dense"))] {
        let file = open(name).unwrap();
        assert_eq!(detect(&file), Layout::WeightsTree);
        assert!(ModelFile::new(file.clone()).unwrap_err().to_string().contains("`/@layer_names`"));
        let tree = WeightsTree::new(file).unwrap();
        assert_eq!(tree.object("optimizer").unwrap().variables.len(), variables);
        assert_eq!(tree.object("layers/dense").unwrap().name.as_deref(), noted);
        assert!(tree.object("layers/dropout").unwrap().variables.is_empty());
        assert_eq!(tree.read("/layers/dense_1").unwrap()[0].shape()[..], [6, 4]);
        assert_eq!(tree.tensor("layers/dense/vars/1").unwrap().shape()[..], [6]);
    }
}

#[test]
fn what_is_missing_is_named_with_what_is_there() {
    let file = open("k215_weights.h5").unwrap();
    let error = file.tensor("dense/dense/kernel").unwrap_err().to_string();
    assert!(error.ends_with("expected a dataset, found only `bias:0`, `kernel:0` in `/dense/dense`"), "{error}");
    let error = H5File::from_bytes("m.h5", *b"PK\x03\x04....").unwrap_err().to_string();
    assert!(error.contains("found `PK\\x03\\x04....`"), "{error}");
}
