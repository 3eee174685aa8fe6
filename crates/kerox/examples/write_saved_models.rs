//! Writes SavedModels for a check against TensorFlow: `write_saved_models FROM TO`.
//!
//! Every `.h5` and `.keras` file of `FROM` becomes the SavedModel of that name in `TO`. Models of classes that no other program
//! knows are made here; beside each are an input and the output for it as `.npy`, and the output after two more steps
//! of training.

use std::error::Error;
use std::path::{Path, PathBuf};

use kerox::layers::rnn::{Cell, CellMemory, RNN, SequenceOptions};
use kerox::layers::{Args, Base, Call, Forward, Input, Layer, LayerExt, LayerRef};
use kerox::prelude::{Dense, Dropout, Fit, Model, ModelSaving};
use kerox::saving::{SaveOptions, ServingSignature, load_model};
use kerox_config_json::Config;
use kerox_graph::{Generator, Value, ValueInfo};
use kerox_layers::{Build, Initializer, WeightSpec};
use kerox_tensor::{DType, Tensor, npy};

type Failure = Box<dyn Error>;

/// `tanh(x W + b)`, doubled while training.
#[derive(Layer)]
struct TanhLayer {
    #[base]
    base: Base,
    #[config]
    units: usize,
}

impl TanhLayer {
    fn new(units: usize) -> TanhLayer {
        TanhLayer { base: Base::new("TanhLayer"), units }
    }
}

impl Forward for TanhLayer {
    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> kerox_layers::Result<()> {
        let features = inputs.first().and_then(|info| *info.dims.axes()?.last()?).unwrap_or(1);
        let uniform = Initializer::from("glorot_uniform");
        cx.add_weight(&self.base, WeightSpec::new("w", [features, self.units], &uniform))?;
        cx.add_weight(&self.base, WeightSpec::new("b", [self.units], &Initializer::from("zeros")))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox_layers::Result<Vec<Value>> {
        let (w, b) = (cx.weight(&self.base, "w")?, cx.weight(&self.base, "b")?);
        let product = cx.g.matmul(*args.first()[0], w, false, false)?;
        let sum = cx.g.add(product, b)?;
        let mut y = cx.g.tanh(sum)?;
        if cx.training {
            let two = cx.g.number(2.0, cx.g.dtype(y))?;
            y = cx.g.multiply(y, two)?;
        }
        Ok(vec![y])
    }
}

/// A model of the user's: two layers in a list, one of them of a class of the user's, and a dropout.
#[derive(Layer)]
struct CustomModel {
    #[base]
    base: Base,
    #[config]
    units: usize,
    hidden: Vec<LayerRef>,
    dropout: LayerRef,
    last: LayerRef,
}

impl CustomModel {
    fn new(units: usize) -> CustomModel {
        CustomModel {
            base: Base::new("CustomModel"),
            units,
            hidden: vec![Dense::new(units).activation("relu").into(), TanhLayer::new(units).into()],
            dropout: Dropout::new(0.25).into(),
            last: Dense::new(3).into(),
        }
    }
}

impl Forward for CustomModel {
    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox_layers::Result<Vec<Value>> {
        let mut x = *args.first()[0];
        for layer in &self.hidden {
            x = cx.apply_one(layer, x)?;
        }
        x = cx.apply_one(&self.dropout, x)?;
        Ok(vec![cx.apply_one(&self.last, x)?])
    }
}

/// `h(t) = tanh(x(t) W + drop(h(t - 1)) U)`.
#[derive(Debug)]
struct TanhCell {
    base: Base,
    units: usize,
    generator: Generator,
}

impl TanhCell {
    fn new(units: usize) -> TanhCell {
        TanhCell { base: Base::new("TanhCell"), units, generator: Generator::new(3) }
    }
}

impl Layer for TanhCell {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> kerox_layers::Result<()> {
        let features = inputs.first().and_then(|info| *info.dims.axes()?.last()?).unwrap_or(1);
        let uniform = Initializer::from("glorot_uniform");
        cx.add_weight(&self.base, WeightSpec::new("w", [features, self.units], &uniform))?;
        cx.add_weight(&self.base, WeightSpec::new("u", [self.units, self.units], &uniform))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox_layers::Result<Vec<Value>> {
        let inputs: Vec<Value> = args.tensors().into_iter().copied().collect();
        let (y, states) = self.step(cx, inputs[0], &inputs[1..], &mut CellMemory::default())?;
        Ok(std::iter::once(y).chain(states).collect())
    }

    fn config(&self) -> kerox_layers::Result<Config> {
        Ok(self.base.config().with("units", self.units as i64))
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for TanhCell {
    fn state_shapes(&self, _: &ValueInfo) -> Vec<Vec<usize>> {
        vec![vec![self.units]]
    }

    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> kerox_layers::Result<(Value, Vec<Value>)> {
        let (w, u) = (cx.weight(&self.base, "w")?, cx.weight(&self.base, "u")?);
        let mut state = states[0];
        if cx.training {
            let masks = memory.dropout_masks(cx, (self, "state"), (state, 0.2, 1), &self.generator)?;
            state = cx.g.multiply(state, masks[0])?;
        }
        let (new, old) = (cx.g.matmul(x, w, false, false)?, cx.g.matmul(state, u, false, false)?);
        let sum = cx.g.add(new, old)?;
        let y = cx.g.tanh(sum)?;
        Ok((y, vec![y]))
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("expected two directories".into());
    };
    std::fs::create_dir_all(&to)?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&from)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "h5" || extension == "keras"));
    files.sort();
    let mut failed = 0;
    for file in &files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let start = std::time::Instant::now();
        let saved = load_model(file, Default::default()).and_then(|model| {
            let loaded = start.elapsed();
            model.save(to.join(&stem))?;
            Ok((loaded, start.elapsed() - loaded))
        });
        match saved {
            Ok((loaded, saved)) => println!("{stem}: loaded in {loaded:?}, saved in {saved:?}"),
            Err(error) => {
                failed += 1;
                println!("{stem}: {error}");
            }
        }
    }
    custom_layer(&to)?;
    subclassed(&to)?;
    custom_cell(&to)?;
    if failed > 0 {
        return Err(format!("{failed} models could not be written").into());
    }
    Ok(())
}

/// Numbers that look random.
fn numbers(shape: &[usize]) -> Result<Tensor, Failure> {
    let count: usize = shape.iter().product();
    Ok(Tensor::from_vec((0..count).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect(), shape)?)
}

/// Trains a little, saves, and writes inputs with their outputs beside the directory. The first input is trained on.
fn write(mut model: Model, path: &Path, options: &SaveOptions, inputs: &[(&str, Tensor)]) -> Result<(), Failure> {
    let x = &inputs[0].1;
    let y = Tensor::from_vec(vec![0i32, 1, 2, 0, 1, 2], [6])?;
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(x, &y, Fit::default().epochs(2).verbose(0))?;
    model.save_with(path, options)?;
    for (suffix, x) in inputs {
        let y = model.predict_on_batch(vec![x.clone()])?.remove(0);
        for (name, tensor) in [("x", x), ("y", &y)] {
            let mut file = std::fs::File::create(path.with_extension(format!("{name}{suffix}.npy")))?;
            npy::write(tensor, &mut file, name)?;
        }
    }
    Ok(())
}

fn custom_layer(to: &Path) -> Result<(), Failure> {
    kerox::layers::clear_session();
    let x = Input([8]);
    let hidden = Dense::new(6).activation("relu").on(&x)?;
    let hidden = TanhLayer::new(5).on(&hidden)?;
    let y = Dense::new(3).activation("softmax").on(&hidden)?;
    let model = Model::functional([x], [y])?;
    let network = model.network().clone();
    let classify = ServingSignature::new(move |cx, inputs| {
        let scores = cx.apply_one(&network, inputs[0])?;
        let class = cx.g.argmax(scores, -1)?;
        Ok(vec![("scores".into(), scores), ("class".into(), class)])
    })
    .input("features", DType::F32, [None, Some(8)]);
    let options = SaveOptions::new().signature("classify", classify);
    write(model, &to.join("kerox_custom_layer"), &options, &[("", numbers(&[6, 8])?)])
}

fn subclassed(to: &Path) -> Result<(), Failure> {
    kerox::layers::clear_session();
    let network = LayerRef::from(CustomModel::new(5));
    write(Model::new(network), &to.join("kerox_subclassed"), &SaveOptions::new(), &[("", numbers(&[6, 8])?)])
}

fn custom_cell(to: &Path) -> Result<(), Failure> {
    kerox::layers::clear_session();
    let x = Input([None, Some(5)]);
    let hidden = RNN::new(TanhCell::new(4)).return_sequences(true).on(&x)?;
    let hidden = RNN::new(TanhCell::new(3)).on(&hidden)?;
    let y = Dense::new(3).activation("softmax").on(&hidden)?;
    let inputs = [("", numbers(&[6, 4, 5])?), ("_longer", numbers(&[6, 9, 5])?)];
    write(Model::functional([x], [y])?, &to.join("kerox_custom_cell"), &SaveOptions::new(), &inputs)
}
