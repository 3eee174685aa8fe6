//! Training with images whose size is another one in every step.

use kerox_config_json::Config;
use kerox_graph::{Value, ValueInfo};
use kerox_layers::augmentation::{RandomHeight, RandomWidth};
use kerox_layers::conv::Conv2D;
use kerox_layers::core::Dense;
use kerox_layers::models::Sequential;
use kerox_layers::pooling::GlobalAveragePooling2D;
use kerox_layers::{ActivationOptions, Args, Base, Build, Call, Layer};
use kerox_tensor::{DType, Tensor};
use kerox_train::{Evaluate, Fit, Model};

/// The height and width of the images, as one sample of two features.
#[derive(Debug)]
struct Size(Base);

impl Layer for Size {
    fn base(&self) -> &Base {
        &self.0
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.0
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> kerox_layers::Result<()> {
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox_layers::Result<Vec<Value>> {
        let shape = cx.g.shape_of(*args.tensors()[0])?;
        let size = cx.g.slice(shape, &[1], &[2])?;
        let size = cx.g.cast(size, DType::F32)?;
        Ok(vec![cx.g.reshape(size, &[1, 2])?])
    }

    fn config(&self) -> kerox_layers::Result<Config> {
        Ok(self.0.config())
    }
}

fn resized() -> Sequential {
    kerox_layers::random::set_random_seed(5);
    Sequential::new().with(RandomHeight::new(0.4)).with(RandomWidth::new((-0.5, 0.0)))
}

#[test]
fn every_step_draws_a_size() {
    let mut model = Model::new(resized().with(Size(Base::new("Size"))));
    model.build(&[&[None, Some(10), Some(20), Some(1)]]).unwrap();
    model.compile("sgd", "mean_absolute_error", ()).unwrap();
    let x = Tensor::zeros(DType::F32, [1, 10, 20, 1]).unwrap();
    // The loss is the mean of height and width.
    let y = Tensor::zeros(DType::F32, [1, 2]).unwrap();
    let mut losses: Vec<f64> =
        (0..20).map(|_| model.fit(&x, &y, Fit::default().verbose(0)).unwrap().get("loss")[0]).collect();
    assert!(losses.iter().all(|loss| (8.0..=17.0).contains(loss)), "{losses:?}");
    losses.sort_by(f64::total_cmp);
    losses.dedup();
    assert!(losses.len() > 5, "{losses:?}");
    let logs = model.evaluate(&x, &y, Evaluate::default().verbose(0)).unwrap();
    assert_eq!(logs.0[0].1, 15.0);
}

#[test]
fn layers_before_and_after_learn() {
    // A convolution before the random sizes has its gradient through them.
    let model = Sequential::new().with(Conv2D::new(4, 3).activation("relu"));
    let model = model.with(RandomHeight::new(0.3)).with(RandomWidth::new(0.3).interpolation("nearest"));
    let model =
        model.with(Conv2D::new(4, 3).activation("relu")).with(GlobalAveragePooling2D::new()).with(Dense::new(1));
    kerox_layers::random::set_random_seed(5);
    let mut model = Model::new(model);
    model.build(&[&[None, Some(12), Some(12), Some(1)]]).unwrap();
    model.compile(kerox_optim::Adam::new(0.01), "mse", ()).unwrap();
    let before = model.get_weights();
    // Bright images and dark ones.
    let pixels = |i: usize| (i / 144 % 2) as f32;
    let x = Tensor::from_vec((0..8 * 144).map(pixels).collect(), [8, 12, 12, 1]).unwrap();
    let y = Tensor::from_vec((0..8).map(|i| (i % 2) as f32).collect(), [8, 1]).unwrap();
    let history = model.fit(&x, &y, Fit::default().epochs(40).batch_size(4).verbose(0)).unwrap();
    let losses = history.get("loss");
    assert!(losses[39] < losses[0] / 4.0, "{losses:?}");
    for (before, after) in before.iter().zip(model.get_weights()) {
        assert_ne!(*before, after);
    }
}
