//! Saves a model below an address in every format, loads it again and compares.
//!
//! `remote_models s3://bucket/folder`

use kerox::prelude::*;
use kerox::saving::{LoadOptions, SaveOptions, detect, load_model};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::args().nth(1).ok_or("give the address of a folder")?;
    let single = base.starts_with("http");
    let mut model = Sequential::new().add(Dense::new(3).activation("relu").input_shape([4])).add(Dense::new(2));
    model.compile("adam", "mse", ())?;
    let (x, y) = (Tensor::full(0.5f32, [8, 4])?, Tensor::full(1f32, [8, 2])?);
    model.fit(&x, &y, Fit::default().verbose(0))?;
    let expected = model.predict_on_batch(&x)?;

    let mut whole = vec![("m.keras", "keras-v3"), ("m.h5", "keras-h5"), ("m.safetensors", "safetensors")];
    whole.extend((!single).then_some(("model/1", "saved-model")));
    for (name, format) in whole {
        let address = format!("{base}/{name}");
        model.save(&address)?;
        let mut again = load_model(&address, LoadOptions::new())?;
        assert_eq!(again.predict_on_batch(&x)?, expected, "{address}");
        assert_eq!(detect(&address)?.name, format, "{address}");
        let refused = model.save_with(&address, &SaveOptions::new().overwrite(false)).unwrap_err();
        println!("{address}: {}; again: {refused}", detect(&address)?.title);
    }

    let mut weights = vec![("w.weights.h5", "keras-weights-h5"), ("w.h5", "keras-h5")];
    weights.extend((!single).then_some(("run/cp-0001.ckpt", "tf-checkpoint")));
    for (name, format) in weights {
        let address = format!("{base}/{name}");
        model.save_weights(&address)?;
        let mut other = Sequential::new().add(Dense::new(3).activation("relu").input_shape([4])).add(Dense::new(2));
        other.load_weights(&address)?;
        assert_eq!(other.predict_on_batch(&x)?, expected, "{address}");
        assert_eq!(detect(&address)?.name, format, "{address}");
        println!("{address}: weights");
    }
    let missing =
        load_model(format!("{base}/none.keras"), LoadOptions::new()).err().ok_or("loaded what is not there")?;
    println!("{missing}");

    // A callback that keeps the last two of its files.
    if !single {
        let template = format!("{base}/epochs/cp-{{epoch}}.weights.h5");
        let checkpoint = ModelCheckpoint::new(&template).save_weights_only(true).max_to_keep(2);
        model.fit(&x, &y, Fit::default().epochs(3).verbose(0).callback(checkpoint))?;
        assert!(detect(format!("{base}/epochs/cp-1.weights.h5")).is_err());
        detect(format!("{base}/epochs/cp-3.weights.h5"))?;
        println!("{template}: two kept");
    }
    Ok(())
}
