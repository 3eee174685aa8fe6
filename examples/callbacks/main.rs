//! What callbacks do for a training run: stop it, slow it down, log it, keep the best of it, and carry it over a crash.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::process::Command;

use kerox::datasets::digits;
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const EPOCHS: usize = 6;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, folder, rest @ ..] = &arguments[..]
        && word == "train"
    {
        return train(Path::new(folder), rest.first().map(|epoch| epoch.parse()).transpose()?);
    }
    let folder = std::env::temp_dir().join(format!("kerox-callbacks-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    best_of_a_run(&folder)?;
    over_a_crash(&folder)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Many epochs, of which callbacks use as many as help.
fn best_of_a_run(folder: &Path) -> Result<()> {
    let ((x, y), (x_test, y_test)) = data()?;
    set_random_seed(1);
    let mut model = create_model()?;
    let early = EarlyStopping::new("val_loss").patience(4).restore_best_weights(true).verbose(1);
    let slower = ReduceLROnPlateau::new("val_loss").factor(0.5).patience(2).min_lr(1e-5).verbose(1);
    let log = CSVLogger::new(folder.join("log.csv"));
    let best = ModelCheckpoint::new(folder.join("best/{epoch:02d}-{val_loss:.3f}.weights.h5"))
        .monitor("val_loss")
        .save_best_only(true)
        .save_weights_only(true)
        .max_to_keep(2);
    let fit = Fit::default().epochs(60).batch_size(64).verbose(0).validation_data(&x_test, &y_test).seed(1);
    let fit = fit.callback(early).callback(slower).callback(log).callback(best);
    let history = model.fit(&x, &y, fit)?;

    let losses = history.get("val_loss");
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    println!("{} of 60 epochs were run; the lowest val_loss is {lowest:.3}", losses.len());

    // The log has a line for each epoch, below the names.
    let log = std::fs::read_to_string(folder.join("log.csv"))?;
    println!("{}", log.lines().take(3).collect::<Vec<_>>().join("\n"));
    assert_eq!(log.lines().count(), losses.len() + 1);
    let names = "epoch,loss,lr,sparse_categorical_accuracy,val_loss,val_sparse_categorical_accuracy";
    assert_eq!(log.lines().next(), Some(names));

    // The best two are kept, and the model has the weights of the best.
    let mut kept: Vec<String> = std::fs::read_dir(folder.join("best"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .filter(|name: &Result<String>| name.as_ref().map_or(true, |name| name.ends_with(".weights.h5")))
        .collect::<Result<_>>()?;
    kept.sort();
    println!("kept: {kept:?}");
    assert!(kept.len() <= 2);
    let last = kept.last().ok_or("nothing was kept")?;
    assert!(last.contains(&format!("{lowest:.3}")));
    let again = create_model()?;
    again.load_weights(folder.join("best").join(last))?;
    assert!(again.get_weights() == model.get_weights());
    let accuracy = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = accuracy.get("sparse_categorical_accuracy").ok_or("no accuracy")?;
    println!("accuracy of the best: {:.1} %", 100.0 * accuracy);
    assert!(accuracy >= 0.8);
    Ok(())
}

/// A process that dies in the midst of an epoch, and another that goes on: together they give what one gives that
/// was never interrupted.
fn over_a_crash(folder: &Path) -> Result<()> {
    let (whole, parts) = (folder.join("whole"), folder.join("parts"));
    train(&whole, None)?;
    let program = std::env::current_exe()?;
    let died = Command::new(&program).arg("train").arg(&parts).arg("3").status()?;
    assert_eq!(died.code(), Some(9));
    assert!(!parts.join("result.weights.h5").exists());
    let finished = Command::new(&program).arg("train").arg(&parts).output()?;
    let text = String::from_utf8_lossy(&finished.stdout);
    print!("{text}");
    assert!(finished.status.success() && text.contains("epochs run: [3, 4, 5]"));

    let (one, two) = (create_model()?, create_model()?);
    one.load_weights(whole.join("result.weights.h5"))?;
    two.load_weights(parts.join("result.weights.h5"))?;
    assert!(one.get_weights() == two.get_weights(), "the runs differ");
    println!("interrupted and uninterrupted runs end with the same weights, bit for bit");
    Ok(())
}

/// Trains with a backup after each epoch; dies in the midst of the given epoch, as if it was killed.
fn train(folder: &Path, dies_in: Option<usize>) -> Result<()> {
    let ((x, y), _) = data()?;
    set_random_seed(1);
    let mut model = create_model()?;
    let mut epoch = 0;
    let mut batches = 0;
    let killer = LambdaCallback::new().on_batch_begin(move |_, _| {
        batches += 1;
        if batches % 12 == 0 {
            epoch += 1;
        }
        if dies_in == Some(epoch) && batches % 12 == 5 {
            std::process::exit(9);
        }
        Ok(())
    });
    let fit = Fit::default().epochs(EPOCHS).batch_size(128).verbose(0).seed(7);
    let fit = fit.callback(BackupAndRestore::new(folder.join("backup"))).callback(killer);
    let history = model.fit(&x, &y, fit)?;
    println!("epochs run: {:?}", history.epoch);
    std::fs::create_dir_all(folder)?;
    model.save_weights(folder.join("result.weights.h5"))?;
    Ok(())
}

/// Two dense layers with dropout between them.
fn create_model() -> Result<Sequential> {
    let mut model = Sequential::named("digits")
        .add(Dense::new(64).activation("relu").input_shape([64]).name("hidden"))
        .add(Dropout::new(0.3).name("dropout"))
        .add(Dense::new(10).name("outputs"));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), [SparseCategoricalAccuracy])?;
    Ok(model)
}

/// The digits as rows of numbers from 0 to 1.
fn data() -> Result<((Tensor, Tensor), (Tensor, Tensor))> {
    let rows = |images: &Tensor| -> Result<Tensor> {
        let numbers = images.as_slice::<u8>()?.iter().map(|&pixel| f32::from(pixel) / 16.0).collect();
        Ok(Tensor::from_vec(numbers, [images.shape()[0], 64])?)
    };
    let ((x, y), (x_test, y_test)) = digits::load_data()?;
    Ok(((rows(&x)?, y), (rows(&x_test)?, y_test)))
}
