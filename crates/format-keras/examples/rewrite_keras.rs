//! Reads a `.keras` file and writes it again: `rewrite_keras <from> <to>`.

use kerox_format_h5::keras::TreeToWrite;
use kerox_format_keras::{KerasFile, KerasToWrite};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else { return Err("usage: rewrite_keras <from> <to>".into()) };
    let old = KerasFile::open(from)?;
    let mut weights = TreeToWrite::new();
    for object in old.weights.objects() {
        weights.object(&object.path, object.name.as_deref(), &old.weights.read(&object.path)?)?;
    }
    let version = old.metadata.as_ref().and_then(|metadata| metadata.keras_version.clone()).unwrap_or_default();
    let mut new = KerasToWrite::new(version, old.config.clone(), weights);
    for name in &old.assets {
        new.assets.push((name.clone(), old.asset(name)?));
    }
    new.write_to(&mut std::fs::File::create(to)?)?;
    Ok(())
}
