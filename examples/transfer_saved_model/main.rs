//! Transfer learning from a SavedModel whose classes nobody here knows: as a layer of a new model, frozen and then not.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use kerox::prelude::*;
use kerox::saved_model::TFSMLayer;

fn main() -> Result<(), Box<dyn Error>> {
    // Keras 2.15 saved a subclassed `Backbone` with a custom layer and batch normalization. Its functions are enough.
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/savedmodel/subclassed");

    // Two classes of points: inside and outside of a sphere.
    let mut random = 7u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let points: Vec<[f32; 4]> = (0..256).map(|_| [next(), next(), next(), next()]).collect();
    let inside = |p: &[f32; 4]| i64::from(p.iter().map(|v| v * v).sum::<f32>() < 1.3);
    let x = Tensor::from_vec(points.concat(), [256, 4])?;
    let y = Tensor::from_vec(points.iter().map(inside).collect::<Vec<i64>>(), [256])?;

    // `__call__` has one trace for training and one for inference; each step takes the right one.
    let backbone = TFSMLayer::new(&dir)?.call_endpoint("__call__")?.name("backbone").trainable(false);
    let mut model =
        Sequential::new().add(backbone).add(Dense::new(16).activation("relu")).add(Dense::new(2).name("classes"));
    model.compile(Adam::new(0.01), SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;

    // The head alone.
    let before = model.get_layer("backbone")?.get_weights();
    let head = model.fit(&x, &y, Fit::default().epochs(15).verbose(0).seed(1))?;
    let after = model.get_layer("backbone")?.get_weights();
    let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
    println!(
        "head alone: loss {:.3} to {:.3}; {moved} of the backbone's {} weights moved",
        head.get("loss")[0],
        head.get("loss")[14],
        before.len()
    );
    assert_eq!(moved, 0);

    // Everything, slowly: gradients go through the graph of the SavedModel.
    model.get_layer("backbone")?.set_trainable(true);
    model.compile(Adam::new(0.003), SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    let all = model.fit(&x, &y, Fit::default().epochs(15).verbose(0).seed(2))?;
    let tuned = model.get_layer("backbone")?.get_weights();
    let moved = after.iter().zip(&tuned).filter(|(a, b)| a != b).count();
    println!("everything: loss {:.3} to {:.3}; {moved} weights moved", all.get("loss")[0], all.get("loss")[14]);
    assert!(moved >= 8 && all.get("loss")[14] < head.get("loss")[14]);
    Ok(())
}
