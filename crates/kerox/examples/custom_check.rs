//! The Rust side of `interop/custom/check.py`: a model whose layer, activation, regularizer and loss are not Keras's.
//!
//! `custom_check write DIRECTORY` writes it in every format; `custom_check read FILE X LOSSES` prints its predictions for
//! the array in the file `X`, then trains it for so many epochs and prints the losses.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use kerox::graph::{Graph, Value, ValueInfo};
use kerox::json::Config;
use kerox::layers::regularizers::Regularize;
use kerox::layers::{Args, Base, Build, Call, Configured, Forward, Layer, WeightSpec};
use kerox::models::load_model;
use kerox::prelude::*;
use kerox::saving::{CustomObjects, Dialect, LoadOptions, SaveOptions};
use kerox::tensor::npy;
use kerox::train;

/// `x * factor`.
#[derive(Layer)]
struct Scale {
    #[base]
    base: Base,
    #[config]
    start: f64,
}

impl Forward for Scale {
    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> kerox::layers::Result<()> {
        let start = kerox::layers::initializers::Constant::new(self.start);
        cx.add_weight(&self.base, WeightSpec::new("factor", [1usize], &start.into()))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox::layers::Result<Vec<Value>> {
        let factor = cx.weight(&self.base, "factor")?;
        Ok(vec![cx.g.multiply(*args.first()[0], factor)?])
    }
}

/// `strength * max |x|`.
#[derive(Debug, Configured)]
struct Peak {
    strength: f64,
}

impl Regularize for Peak {
    fn class_name(&self) -> &str {
        Peak::CLASS_NAME
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> kerox::layers::Result<Value> {
        let size = g.abs(x)?;
        let axes = g.all_axes(size)?;
        let peak = g.reduce_max(size, &axes, false)?;
        let strength = g.number(self.strength, g.dtype(peak))?;
        Ok(g.multiply(peak, strength)?)
    }
}

/// `x / (1 + |x|)`.
fn squash(cx: &mut Call<'_>, x: Value) -> kerox::layers::Result<Value> {
    let size = cx.g.abs(x)?;
    let one = cx.g.number(1.0, cx.g.dtype(x))?;
    let below = cx.g.add(one, size)?;
    Ok(cx.g.divide(x, below)?)
}

fn absolute(cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> train::Result<Value> {
    let difference = cx.g.subtract(y_true, y_pred)?;
    let size = cx.g.abs(difference)?;
    Ok(cx.g.reduce_mean(size, &[-1], false)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    CustomObjects::new()
        .with_layer::<Scale>()
        .with_activation("squash", squash)
        .with_regularizer::<Peak>()
        .with_loss_function("absolute", absolute)
        .register("my_package");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", directory] => write(Path::new(directory)),
        ["read", file, x, epochs] => read(file.into(), x, epochs.parse()?),
        _ => Err("expected `write DIRECTORY` or `read FILE X EPOCHS`".into()),
    }
}

fn write(directory: &Path) -> Result<(), Box<dyn Error>> {
    let x = npy::read(&mut File::open(directory.join("x.npy"))?, "x")?;
    let y = npy::read(&mut File::open(directory.join("y.npy"))?, "y")?;
    let mut model = Sequential::named("custom")
        .add(InputLayer::new([3usize]))
        .add(Dense::new(4).activation("squash").kernel_regularizer(Peak { strength: 0.05 }))
        .add(Scale { base: Base::new("Scale"), start: 1.5 })
        .add(Dense::new(2));
    model.compile("adam", "absolute", ["absolute"])?;
    model.fit(&x, &y, Fit::default().epochs(2).batch_size(8).shuffle(false).verbose(0))?;
    for (dialect, name) in [(Dialect::Keras2, "k.h5"), (Dialect::Keras2, "k.keras"), (Dialect::Keras3, "k3.keras")] {
        model.save_with(directory.join(name), &SaveOptions::new().dialect(dialect))?;
    }
    let prediction = model.predict(&x, Predict::default().verbose(0))?.swap_remove(0);
    npy::write(&prediction, &mut File::create(directory.join("prediction.npy"))?, "prediction")?;
    Ok(())
}

fn read(file: PathBuf, x: &str, epochs: usize) -> Result<(), Box<dyn Error>> {
    let y = npy::read(&mut File::open(Path::new(x).with_file_name("y.npy"))?, "y")?;
    let x = npy::read(&mut File::open(x)?, "x")?;
    let mut model = load_model(file, LoadOptions::new())?;
    let prediction = model.predict(&x, Predict::default().verbose(0))?.swap_remove(0);
    println!("{:?}", prediction.as_slice::<f32>()?);
    let fit = Fit::default().epochs(epochs).batch_size(8).shuffle(false).verbose(0);
    println!("{:?}", model.fit(&x, &y, fit)?.get("loss"));
    Ok(())
}
