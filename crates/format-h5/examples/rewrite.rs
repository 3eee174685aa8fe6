//! Reads a Keras HDF5 file of any layout and writes it again: `rewrite <from> <to> [compress]`.

use kerox_format_h5::keras::{
    LayerToWrite, Layout, ModelFile, ModelToWrite, TreeToWrite, Weight, WeightsTree, WholeModel, detect,
};
use kerox_format_h5::write::{Compression, Group};
use kerox_format_h5::{H5File, Kind};
use kerox_tensor::trackable::TensorSource;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, rest @ ..] = arguments.as_slice() else {
        return Err("usage: rewrite <from> <to> [compress]".into());
    };
    let compression = (!rest.is_empty()).then(Compression::default);
    let file = H5File::open(from)?;
    let mut out = std::fs::File::create(to)?;
    match detect(&file) {
        Layout::WholeModel | Layout::Weights => {
            let old = ModelFile::new(file)?;
            let read = |weights: &[Weight]| -> Result<Vec<_>, kerox_format_h5::Error> {
                weights.iter().map(|weight| Ok((weight.name.clone(), old.read(weight)?))).collect()
            };
            let mut model = ModelToWrite::weights(old.keras_version.clone().unwrap_or_default());
            model.compression = compression;
            if let Some(model_config) = old.model_config.clone() {
                let optimizer = old.optimizer.as_deref().map(read).transpose()?;
                let training_config = old.training_config.clone();
                model.whole = Some(WholeModel { model_config, training_config, optimizer });
            }
            for layer in &old.layers {
                model.layers.push(LayerToWrite::new(&layer.name, read(&layer.weights)?));
            }
            model.top_level = read(&old.top_level)?;
            model.write_to(&mut out)?;
        }
        Layout::WeightsTree => {
            let old = WeightsTree::new(file)?;
            let mut tree = TreeToWrite::new().compression(compression);
            for object in old.objects() {
                tree.object(&object.path, object.name.as_deref(), &old.read(&object.path)?)?;
            }
            tree.write_to(&mut out)?;
        }
        _ => {
            let mut root = Group::new();
            copy(&file, "", &mut root, compression)?;
            root.write_to(&mut out)?;
        }
    }
    Ok(())
}

/// Copies groups and tensors of a file without Keras's layout.
fn copy(
    file: &H5File,
    path: &str,
    root: &mut Group,
    compression: Option<Compression>,
) -> Result<(), Box<dyn std::error::Error>> {
    for name in file.members(path)? {
        let member = format!("{path}/{name}");
        match (file.kind(&member), compression) {
            (Some(Kind::Group), _) => {
                root.group(&member)?;
                copy(file, &member, root, compression)?;
            }
            (Some(Kind::Dataset), Some(compression)) => root.compressed(&member, file.tensor(&member)?, compression)?,
            (Some(Kind::Dataset), None) => root.dataset(&member, file.tensor(&member)?)?,
            _ => {}
        }
    }
    Ok(())
}
