//! Files of many versions of Keras, bit for bit against h5py's reading. Skipped, with a line, where the files are not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kerox_format_h5::H5File;
use kerox_format_h5::keras::{Layout, ModelFile, detect};
use kerox_tensor::trackable::TensorSource;
use sha2::{Digest, Sha256};

fn zoo() -> Option<PathBuf> {
    let shared =
        std::env::var("KEROX_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let zoo = Path::new(&shared).join("zoo");
    if !zoo.is_dir() {
        println!("skipped: no zoo of model files (set KEROX_SHARED)");
        return None;
    }
    Some(zoo)
}

fn is_hdf5(path: &Path) -> bool {
    let mut head = [0; 8];
    std::fs::File::open(path).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut head)).is_ok()
        && head == *b"\x89HDF\r\n\x1a\n"
}

#[test]
fn every_tensor_of_every_file() {
    let Some(zoo) = zoo() else { return };
    let (mut files, mut tensors, mut models) = (0, 0, 0);
    let start = Instant::now();
    for entry in std::fs::read_dir(zoo.join("files")).unwrap() {
        let directory = entry.unwrap();
        let oracle = zoo.join("oracle").join(directory.file_name()).join("weights.json");
        let Ok(oracle) = std::fs::read_to_string(oracle) else { continue };
        for path in std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().path()).filter(|p| is_hdf5(p)) {
            let file = H5File::open(&path).unwrap();
            let oracle: BTreeMap<String, serde_json::Value> = serde_json::from_str(&oracle).unwrap();
            let found: Vec<String> = file.entries().into_iter().map(|info| info.name).collect();
            assert_eq!(found, oracle.keys().cloned().collect::<Vec<_>>(), "{}", path.display());
            for (name, expected) in oracle {
                let tensor = file.tensor(&name).unwrap();
                assert_eq!(serde_json::to_value(tensor.shape().to_vec()).unwrap(), expected["shape"], "{name}");
                assert_eq!(tensor.dtype().name(), expected["dtype"], "{name}");
                let digest: String =
                    Sha256::digest(tensor.as_bytes().unwrap()).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(digest, expected["sha256"], "{name} of {}", path.display());
                tensors += 1;
            }
            if matches!(detect(&file), Layout::WholeModel | Layout::Weights) {
                let model = ModelFile::new(file).unwrap();
                for layer in &model.layers {
                    assert!(layer.weights.iter().all(|weight| model.read(weight).is_ok()));
                }
                models += 1;
            }
            files += 1;
        }
    }
    println!("{files} HDF5 files, {models} with Keras's layout, {tensors} tensors equal, {:?}", start.elapsed());
    assert!(files >= 24 && models == files && tensors >= 1115, "{files} {models} {tensors}");
}
