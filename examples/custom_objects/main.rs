//! Saves a model with a layer and a function of one's own, and loads it in the three ways there are to name them.

#![forbid(unsafe_code)]

use kerox::graph::{Value, ValueInfo};
use kerox::layers::{Args, Base, Build, Call, Forward, Layer, WeightSpec, activations};
use kerox::models::{clone_model, load_model, model_from_config};
use kerox::prelude::*;
use kerox::saving::{CustomObjects, LoadOptions, custom_object_scope};
use kerox_examples::{Result, folder};

/// `x · w + b`, as in the guide to custom layers.
#[derive(Layer)]
struct CustomLayer {
    #[base]
    base: Base,
    /// An argument: part of the configuration.
    #[config]
    units: usize,
}

impl CustomLayer {
    fn new(units: usize) -> CustomLayer {
        CustomLayer { base: Base::new("CustomLayer"), units }
    }
}

impl Forward for CustomLayer {
    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> kerox::layers::Result<()> {
        let width = inputs[0].dims.axes().and_then(|axes| *axes.last()?).unwrap_or(1);
        cx.add_weight(&self.base, WeightSpec::new("w", [width, self.units], &"random_normal".into()))?;
        cx.add_weight(&self.base, WeightSpec::new("b", [self.units], &"zeros".into()))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox::layers::Result<Vec<Value>> {
        let (w, b) = (cx.weight(&self.base, "w")?, cx.weight(&self.base, "b")?);
        let product = cx.g.matmul(*args.first()[0], w, false, false)?;
        Ok(vec![cx.g.add(product, b)?])
    }
}

/// `tanh(x)²`.
fn custom_activation(cx: &mut Call<'_>, x: Value) -> kerox::layers::Result<Value> {
    let y = cx.g.tanh(x)?;
    Ok(cx.g.square(y)?)
}

fn main() -> Result<()> {
    let folder = folder("custom-objects")?;
    let path = folder.join("model.h5");
    let x = Input([32]);
    let y = CustomLayer::new(32).on(&x)?;
    let y = ActivationLayer::new(activations::from_fn("custom_activation", custom_activation)).on(&y)?;
    let mut model = Model::functional([x], [Dense::new(1).on(&y)?])?;
    model.compile("adam", "mse", ())?;
    let data = Tensor::full(0.5f32, [8, 32])?;
    let expected = model.predict(&data, Predict::default().verbose(0))?;
    model.save(&path)?;

    // Without help the class, its place in the file and what to do are said.
    let error = load_model(&path, LoadOptions::new()).err().ok_or("loaded what it cannot know")?;
    println!("{error}\n");
    assert!(error.to_string().starts_with("Unknown layer: 'CustomLayer'"));

    // 1. Given to the call.
    let mine = CustomObjects::new().with_layer::<CustomLayer>().with_activation("custom_activation", custom_activation);
    let mut again = load_model(&path, LoadOptions::new().custom_objects(mine.clone()))?;
    assert_eq!(again.predict(&data, Predict::default().verbose(0))?, expected);

    // 2. By a scope: everything inside it knows the names, on this thread. Architectures and clones too.
    let config = model.get_config()?;
    assert!(model_from_config(&config).is_err());
    let (fresh, copy) =
        custom_object_scope(mine.clone(), || -> Result<_> { Ok((model_from_config(&config)?, clone_model(&model)?)) })?;
    assert_eq!(fresh.get_weights().len(), model.get_weights().len());
    assert_ne!(copy.get_weights()[0], model.get_weights()[0]);

    // 3. For the whole process, under the name of a package that goes into the files.
    let names = mine.register("my_package");
    println!("registered: {names:?}");
    let path = folder.join("registered.keras");
    model.save(&path)?;
    assert!(model.to_json()?.contains("my_package>CustomLayer"));
    let mut again = load_model(&path, LoadOptions::new())?;
    assert_eq!(again.predict(&data, Predict::default().verbose(0))?, expected);
    println!("{}", again.summary()?);

    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
