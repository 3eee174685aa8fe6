//! A layer and a model of one's own.

use kerox::graph::{Value, ValueInfo};
use kerox::layers::{Args, Base, Build, Call, Forward, Layer, LayerRef, Result, WeightSpec};
use kerox::prelude::*;

/// `x + scale * relu(inner(x))` with a trained number `scale`.
#[derive(Layer)]
#[layer(new = Residual::new)]
pub struct Residual {
    #[base]
    base: Base,
    #[config]
    units: usize,
    inner: LayerRef,
}

impl Residual {
    /// For inputs of that many units.
    pub fn new(units: usize) -> Residual {
        let inner = Dense::new(units).activation("relu").into();
        Residual { base: Base::new("Residual"), units, inner }
    }
}

impl Forward for Residual {
    fn build(&self, cx: &mut Build, _inputs: &[ValueInfo]) -> Result<()> {
        cx.add_weight(&self.base, WeightSpec::new("scale", [1], &"ones".into()))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = *args.first()[0];
        let y = cx.apply_one(&self.inner, x)?;
        let scale = cx.weight(&self.base, "scale")?;
        let y = cx.g.multiply(y, scale)?;
        Ok(vec![cx.g.add(x, y)?])
    }
}

/// A dense layer, two residual ones, and a dense one for the classes.
#[derive(Layer)]
#[layer(new = Classifier::new)]
pub struct Classifier {
    #[base]
    base: Base,
    #[config]
    units: usize,
    #[config]
    classes: usize,
    stem: LayerRef,
    blocks: Vec<LayerRef>,
    head: LayerRef,
}

impl Classifier {
    /// With that many units inside.
    pub fn new(units: usize, classes: usize) -> Classifier {
        Classifier {
            base: Base::new("Classifier"),
            units,
            classes,
            stem: Dense::new(units).activation("relu").name("stem").into(),
            blocks: vec![Residual::new(units).into(), Residual::new(units).into()],
            head: Dense::new(classes).name("head").into(),
        }
    }
}

impl Forward for Classifier {
    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut x = cx.apply_one(&self.stem, *args.first()[0])?;
        for block in &self.blocks {
            x = cx.apply_one(block, x)?;
        }
        Ok(vec![cx.apply_one(&self.head, x)?])
    }
}
