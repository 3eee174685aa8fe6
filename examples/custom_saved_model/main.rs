//! A SavedModel with a layer of a class that only its author's Python knows: loaded without the class, and with it.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use kerox::graph::{Value, ValueInfo};
use kerox::layers::registry::LayerEntry;
use kerox::layers::{Args, Base, Build, Call, Forward, Initializer, Layer, Result as LayerResult, WeightSpec};
use kerox::prelude::*;
use kerox::saving::{CustomObjects, LoadOptions, RevivedLayer, load_model};

/// The class as this program knows it: tanh(x W + b) squared.
#[derive(Layer)]
#[layer(new = CustomLayer::new)]
struct CustomLayer {
    #[base]
    base: Base,
    #[config]
    units: usize,
}

impl CustomLayer {
    fn new(units: usize) -> CustomLayer {
        CustomLayer { base: Base::new("CustomLayer"), units }
    }
}

impl Forward for CustomLayer {
    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> LayerResult<()> {
        let width = inputs[0].dims.axes().and_then(|axes| *axes.last()?).unwrap_or(1);
        let (kernel, bias) = (Initializer::from("glorot_uniform"), Initializer::from("zeros"));
        cx.add_weight(&self.base, WeightSpec::new("kernel", [width, self.units], &kernel))?;
        cx.add_weight(&self.base, WeightSpec::new("bias", [self.units], &bias))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> LayerResult<Vec<Value>> {
        let (kernel, bias) = (cx.weight(&self.base, "kernel")?, cx.weight(&self.base, "bias")?);
        let y = cx.g.matmul(*args.first()[0], kernel, false, false)?;
        let y = cx.g.add(y, bias)?;
        let y = cx.g.tanh(y)?;
        Ok(vec![cx.g.multiply(y, y)?])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Keras 2.15 saved it: Input, Dense, CustomLayer, Dense.
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/savedmodel/custom");
    let x = Tensor::from_vec((0..32).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>(), [8, 4])?;
    let y = Tensor::full(0.5f32, [8, 3])?;

    // Without the class: the layer runs by the functions that were traced when it was saved.
    let mut revived = load_model(&dir, LoadOptions::new())?;
    println!("{}", revived.summary()?);
    let layer = revived.get_layer("custom_layer")?;
    assert!(layer.downcast::<RevivedLayer>().is_some());
    println!("`{}` has the weights {:?}", layer.name(), layer.weights().iter().map(|w| &w.attr).collect::<Vec<_>>());
    let without = revived.predict(&x, Predict::default().verbose(0))?.remove(0);

    // With the class: passed for this call; `register_keras_serializable` makes it known to the whole program.
    let mine = CustomObjects::new().with("CustomLayer", LayerEntry::of::<CustomLayer>());
    let mut known = load_model(&dir, LoadOptions::new().custom_objects(mine))?;
    assert_eq!(known.get_layer("custom_layer")?.downcast::<CustomLayer>().map(|layer| layer.units), Some(6));
    let with = known.predict(&x, Predict::default().verbose(0))?.remove(0);
    let far = with.as_slice::<f32>()?.iter().zip(without.as_slice::<f32>()?).map(|(a, b)| (a - b).abs());
    let far = far.fold(0f32, f32::max);
    println!("largest difference between the two: {far:e}");
    assert!(far < 1e-5);

    // Either trains on, with the optimizer's state from the file.
    assert_eq!(revived.optimizer()?.iterations().value().to_scalar::<i64>()?, 4);
    let losses = |model: &mut Model| -> Result<Vec<f64>, Box<dyn Error>> {
        let history = model.fit(&x, &y, Fit::default().epochs(20).shuffle(false).verbose(0))?;
        Ok(history.get("loss").to_vec())
    };
    let (a, b) = (losses(&mut revived)?, losses(&mut known)?);
    println!("loss without the class: {:.4} to {:.4}; with it: {:.4} to {:.4}", a[0], a[19], b[0], b[19]);
    assert!(a[19] < a[0] && (a[19] - b[19]).abs() < 1e-4);
    Ok(())
}
