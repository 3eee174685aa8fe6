//! One of many changes, chosen when it runs.

use std::sync::Arc;

use kerox_graph::ops::{Body, Branch};
use kerox_graph::{Generator, Graph, Value};

use super::augment::{Factor, Transform};
use super::auto_contrast::Stretching;
use super::equalization::Equalize;
use super::random_brightness::Brightness;
use super::random_color_degeneration::ColorDegeneration;
use super::random_contrast::Contrast;
use super::random_posterization::Posterization;
use super::random_rotation::Rotation;
use super::random_sharpness::Sharpness;
use super::random_shear::Shear;
use super::random_translation::Translation;
use super::solarization::Solarize;
use crate::{Call, Result};

/// Changes under the names Keras gives them.
pub(super) type Policy = Vec<(&'static str, Box<dyn Transform>)>;

/// The changes that AugMix and RandAugment choose from, all as strong as the factor says. Without `all` those that
/// change colours are left out.
pub(super) fn policy(factor: &Factor, value_range: &Factor, interpolation: &str, all: bool) -> Policy {
    let (low, high) = factor.range(0.0);
    let range = || Factor::from((low, high));
    let values = || value_range.clone();
    let bits = Factor::from((8.0 * high).trunc().max(1.0));
    let mut list: Policy = vec![
        ("random_shear", Box::new(Shear::new(range(), interpolation))),
        ("random_translation", Box::new(Translation::new(range(), interpolation))),
        ("random_rotation", Box::new(Rotation::new(range(), interpolation))),
        ("random_posterization", Box::new(Posterization::new(bits, values()))),
        ("solarization", Box::new(Solarize::new(range(), values()))),
        ("auto_contrast", Box::new(Stretching::new(values()))),
        ("equalization", Box::new(Equalize::new(values()))),
    ];
    if all {
        list.push(("random_brightness", Box::new(Brightness::new(range(), values()))));
        list.push(("random_color_degeneration", Box::new(ColorDegeneration::new(range(), values()))));
        list.push(("random_contrast", Box::new(Contrast::new(range(), values()))));
        list.push(("random_sharpness", Box::new(Sharpness::new(range(), values()))));
    }
    list
}

/// Makes the change with that number (an int32 scalar) of the list; a number after the last leaves the images as they
/// are. Only what is chosen is computed.
pub(super) fn choose(
    cx: &mut Call<'_>,
    x: Value,
    number: Value,
    list: &Policy,
    generator: &Generator,
) -> Result<Value> {
    let info = cx.g.info(x).clone();
    let mut branches = Vec::with_capacity(list.len() + 1);
    for (name, change) in list.iter().map(|(name, change)| (*name, Some(change))).chain([("identity", None)]) {
        let mut body = Graph::new();
        let input = body.placeholder("images", info.dtype, info.dims.clone())?;
        body.inputs = vec![input];
        let output = match change {
            Some(change) => change.apply(&mut Call::new(&mut body, true), input, generator)?,
            None => body.identity(input)?,
        };
        body.outputs = vec![output];
        branches.push(Body { name: name.into(), body: Arc::new(body) });
    }
    Ok(cx.g.add_single(Branch { stateful: true, by_number: true, branches }, &[number, x])?)
}
