//! Loads SavedModels that are graphs alone, sees what they can do, and runs their signatures.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use kerox::prelude::*;
use kerox::saved_model;
use kerox::saving::{LoadOptions, load_model};

fn main() -> Result<(), Box<dyn Error>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/savedmodel");

    // A SavedModel of TensorFlow 1: y = 0.5 x + 2. The tags choose one of its graphs.
    let half_plus_two = saved_model::load(models.join("tf1"), &["serve"])?;
    for signature in half_plus_two.signatures() {
        let ends = |list: &[saved_model::SignatureTensor]| {
            let one = |t: &saved_model::SignatureTensor| format!("{} {:?} {:?}", t.name, t.dtype, t.shape);
            list.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        println!("{}: {} -> {}", signature.name, ends(&signature.inputs), ends(&signature.outputs));
    }
    let x = Tensor::from_vec(vec![1f32, 2.0], [2, 1])?;
    let outputs = half_plus_two.call("serving_default", &[("x", x)])?;
    println!("half of 1 and 2, plus 2: {:?}", outputs[0].1.as_slice::<f32>()?);
    assert_eq!(outputs[0].1.as_slice::<f32>()?, [2.5, 3.0]);

    // A `tf.Module` with a vocabulary file among its assets: strings in, numbers out.
    let module = saved_model::load(models.join("module"), &["serve"])?;
    let words = Tensor::from_strings(["two", "none", "zero"].map(str::as_bytes), [3])?;
    let ids = &module.call("look_up", &[("words", words)])?[0].1;
    println!("two, none, zero: {:?}", ids.as_slice::<i64>()?);
    assert_eq!(ids.as_slice::<i64>()?, [2, -1, 0]);

    // Functions that are no signatures have names, too; variables can be read and changed.
    for function in module.functions()?.iter().filter(|f| !f.path.starts_with('_')).take(4) {
        println!("function {}({})", function.path, function.arguments.join(", "));
    }
    for variable in module.variables()? {
        println!("variable {} {} {}", variable.name(), variable.dtype(), variable.shape());
    }

    // It is no model of Keras's, and loading it as one says what to do instead.
    let error = load_model(models.join("module"), LoadOptions::new()).err().ok_or("an error")?;
    println!("{error}");
    Ok(())
}
