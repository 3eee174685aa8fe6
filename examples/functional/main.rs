//! A functional model with two inputs, two outputs and a part that both inputs share: do two images show the same digit,
//! and how much is their sum?

#![forbid(unsafe_code)]

use std::error::Error;

use kerox::datasets::digits;
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;
use kerox::saving::{LoadOptions, load_model};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    set_random_seed(3);
    // One stack of layers sees both images: its weights are shared.
    let image = Input([64]);
    let features = Dense::new(96).activation("relu").name("features_1").on(&image)?;
    let features = Dense::new(32).activation("relu").name("features_2").on(&features)?;
    let encoder = Model::functional([image], [features])?;
    let encoder = encoder.network();

    let first = InputLayer::new([64]).name("first").tensor();
    let second = InputLayer::new([64]).name("second").tensor();
    let (a, b) = (encoder.on(&first)?, encoder.on(&second)?);
    let joined = Concatenate::new().name("joined").on([&a, &b])?;
    let difference = Subtract::new().name("difference").on([&a, &b])?;
    // Operators on symbolic tensors are layers too.
    let square = &difference * &difference;
    let same = Dense::new(1).activation("sigmoid").name("same").on(&square)?;
    let hidden = Dense::new(32).activation("relu").name("hidden").on(&joined)?;
    let sum = Dense::new(1).name("sum").on(&hidden)?;
    let mut model = Model::functional([first, second], [same, sum])?;
    println!("{}", model.summary()?);

    // A loss and a metric for each output, by name.
    let losses = [("same", "binary_crossentropy"), ("sum", "mean_squared_error")];
    model.compile("adam", losses, vec![("same", ["accuracy"]), ("sum", ["mae"])])?;

    let ((images, labels), (test_images, test_labels)) = digits::load_data()?;
    let train = pairs(&images, &labels, 6000)?;
    let test = pairs(&test_images, &test_labels, 600)?;
    let fit = Fit::default().epochs(12).batch_size(64).verbose(2).seed(5);
    let history = model.fit(
        [("first", &train.first), ("second", &train.second)],
        [("same", &train.same), ("sum", &train.sum)],
        fit,
    )?;
    println!("{:?}", history.history.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    assert!(!history.get("same_accuracy").is_empty() && !history.get("sum_mae").is_empty());

    // Arrays by position do as well.
    let logs = model.evaluate([&test.first, &test.second], [&test.same, &test.sum], Evaluate::default().verbose(0))?;
    let (accuracy, mae) = (logs.get("same_accuracy").ok_or("no accuracy")?, logs.get("sum_mae").ok_or("no mae")?);
    println!("same digit or not: {:.1} % right; sums are off by {mae:.2}", 100.0 * accuracy);
    assert!(accuracy >= 0.7 && mae <= 2.5);

    // A part of the model is a model of its own, with the same weights.
    let inner = model.get_layer(encoder.name())?;
    let mut features = Model::new(inner);
    let found = features.predict(&test.first, Predict::default().verbose(0))?;
    assert_eq!(found[0].shape()[..], [600, 32]);

    // The whole in a file, shared part included.
    let folder = std::env::temp_dir().join(format!("kerox-functional-{}", std::process::id()));
    let path = folder.join("pairs.keras");
    model.save(&path)?;
    let mut again = load_model(&path, LoadOptions::new())?;
    let inputs = || [&test.first, &test.second];
    let expected = model.predict(inputs(), Predict::default().verbose(0))?;
    assert!(again.predict(inputs(), Predict::default().verbose(0))? == expected);
    assert_eq!(again.network().count_params()?, model.network().count_params()?);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Two images, whether they show the same digit, and the sum of the digits.
struct Pairs {
    first: Tensor,
    second: Tensor,
    same: Tensor,
    sum: Tensor,
}

/// Pairs of images; every other pair shows the same digit twice.
fn pairs(images: &Tensor, labels: &Tensor, count: usize) -> Result<Pairs> {
    let (images, labels) = (images.as_slice::<u8>()?, labels.as_slice::<u8>()?);
    let of_digit: Vec<Vec<usize>> =
        (0..10).map(|digit| (0..labels.len()).filter(|&i| labels[i] == digit).collect()).collect();
    let (mut first, mut second, mut same, mut sum) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for i in 0..count {
        let a = i * 7 % labels.len();
        let b = match i % 2 {
            0 => {
                let others = &of_digit[usize::from(labels[a])];
                others[i * 11 % others.len()]
            }
            _ => i * 13 % labels.len(),
        };
        first.extend(images[a * 64..][..64].iter().map(|&pixel| f32::from(pixel) / 16.0));
        second.extend(images[b * 64..][..64].iter().map(|&pixel| f32::from(pixel) / 16.0));
        same.push(f32::from(u8::from(labels[a] == labels[b])));
        sum.push(f32::from(labels[a] + labels[b]));
    }
    Ok(Pairs {
        first: Tensor::from_vec(first, [count, 64])?,
        second: Tensor::from_vec(second, [count, 64])?,
        same: Tensor::from_vec(same, [count, 1])?,
        sum: Tensor::from_vec(sum, [count, 1])?,
    })
}
