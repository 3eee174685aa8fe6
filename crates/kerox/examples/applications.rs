//! Builds an architecture, prints its JSON and runs it with weights from a file, for checks against Keras.
//!
//! ```text
//! applications names
//! applications json NAME [ARGUMENT=VALUE...]
//! applications run NAME WEIGHTS.h5 X.npy Y.npy order|by_name [ARGUMENT=VALUE...]
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;

use kerox::applications::{self, Application};
use kerox::layers::Activation;
use kerox::prelude::*;
use kerox::saving::LoadWeightsOptions;
use kerox::tensor::npy;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["names"] => applications::all().iter().for_each(|a| println!("{}", a.name())),
        ["json", name, ref options @ ..] => println!("{}", application(name, options)?.build()?.to_json()?),
        ["run", name, weights, x, y, how, ref options @ ..] => {
            let mut model = application(name, options)?.build()?;
            model.load_weights_with(weights, &LoadWeightsOptions::new().by_name(how == "by_name"))?;
            let x = npy::read(&mut File::open(x)?, x)?;
            let found = model.predict(&x, Predict::default().verbose(0))?.swap_remove(0);
            npy::write(&found, &mut File::create(y)?, y)?;
        }
        _ => return Err("expected `names`, `json NAME ...` or `run NAME WEIGHTS X Y order|by_name ...`".into()),
    }
    Ok(())
}

fn application(name: &str, options: &[&str]) -> Result<Application> {
    let mut application = applications::by_name(name).ok_or_else(|| format!("no architecture `{name}`"))?;
    for option in options {
        let (key, value) =
            option.split_once('=').ok_or_else(|| format!("expected ARGUMENT=VALUE, found `{option}`"))?;
        application = match key {
            "include_top" => application.include_top(value == "True"),
            "pooling" => application.pooling(value),
            "classes" => application.classes(value.parse()?),
            "classifier_activation" if value == "None" => application.classifier_activation(Activation::Linear),
            "classifier_activation" => application.classifier_activation(value),
            "alpha" => application.alpha(value.parse()?),
            "depth_multiplier" => application.depth_multiplier(value.parse()?),
            "dropout" => application.dropout(value.parse()?),
            "input_shape" => application.input_shape(value.split(',').map(|n| n.parse::<usize>().ok())),
            _ => return Err(format!("no argument `{key}`").into()),
        };
    }
    Ok(application)
}
