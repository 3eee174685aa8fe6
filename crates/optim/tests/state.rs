//! State: names in checkpoints, migration between forms, errors that leave everything as it was.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{golden, gradients, step, values, variables};
use kerox_optim::{
    Adam, Error, Form, GradientView, IntoOptimizer, Lion, Nadam, Optimizer, Rows, SGD, SavedState, Values,
};
use kerox_tensor::{Child, Tensor, Trackable, Variable};

/// Steps 0 to 3 of the golden gradients.
fn train(optimizer: &dyn Optimizer, variables: &[Variable], steps: std::ops::Range<usize>) {
    let golden = golden("keras215.json");
    steps.for_each(|at| step(optimizer, variables, &gradients(&golden["gradients"][at])));
}

fn fresh() -> Vec<Variable> {
    variables(&golden("keras215.json")["initial"])
}

fn saved(optimizer: &dyn Optimizer) -> Vec<Tensor> {
    optimizer.variables().iter().map(Variable::value).collect()
}

/// All keys of a checkpoint of the optimizer alone.
fn keys(optimizer: &Arc<dyn Optimizer>, paths: &[&str]) -> BTreeMap<String, Tensor> {
    fn walk(node: &dyn Trackable, path: &str, out: &mut BTreeMap<String, Tensor>) {
        for (name, child) in node.children() {
            let path = format!("{path}/{name}");
            match child {
                Child::Object(object) => walk(&*object, &path, out),
                Child::Variable(variable) => {
                    out.insert(format!("{path}/.ATTRIBUTES/VARIABLE_VALUE"), variable.value());
                }
            }
        }
    }
    let mut out = BTreeMap::new();
    let node = optimizer.clone().as_trackable();
    walk(&*node, "optimizer", &mut out);
    for slot in node.slots() {
        let at = optimizer.model_variables().iter().position(|v| *v == slot.original).unwrap();
        let key = format!("{}/.OPTIMIZER_SLOT/optimizer/{}/.ATTRIBUTES/VARIABLE_VALUE", paths[at], slot.slot_name);
        out.insert(key, slot.variable.value());
    }
    out
}

#[test]
fn training_goes_on_in_every_other_form() {
    let makers: [fn(Form) -> Arc<dyn Optimizer>; 2] = [
        |form| Adam::new(0.01).amsgrad(true).form(form).into_optimizer().unwrap(),
        |form| SGD::new(0.01).momentum(0.9).form(form).into_optimizer().unwrap(),
    ];
    for make in makers {
        for from in Form::ALL {
            let (first, weights) = (make(from), fresh());
            train(&*first, &weights, 0..2);
            for to in Form::ALL {
                for by_key in [false, true] {
                    let second = make(to);
                    let copies = fresh();
                    copies.iter().zip(&weights).for_each(|(copy, w)| copy.assign(w.value()).unwrap());
                    second.build(&copies).unwrap();
                    let state = if by_key {
                        let paths = ["model/kernel", "model/bias"];
                        SavedState::keys(keys(&first, &paths), "optimizer", paths)
                    } else {
                        SavedState::ordered(from, saved(&*first))
                    };
                    second.load_state(&state).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
                    let (twin, twins) = (make(from), fresh());
                    train(&*twin, &twins, 0..4);
                    train(&*second, &copies, 2..4);
                    for (copy, twin) in copies.iter().zip(&twins) {
                        let what = format!("{} {from} to {to}", second.class_name());
                        common::assert_near(&values(copy), &values(twin), 1e-6, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn nadams_product_is_computed_where_it_was_not_saved() {
    let (first, weights) = (Nadam::new(0.01).into_optimizer().unwrap(), fresh());
    train(&*first, &weights, 0..3);
    let second = Nadam::new(0.01).into_optimizer().unwrap();
    second.build(&weights).unwrap();
    let report = second.load_state(&SavedState::ordered(Form::Keras2, saved(&*first))).unwrap();
    assert_eq!(report.computed, ["Nadam/Variable"]);
    let product = |optimizer: &Arc<dyn Optimizer>| {
        let found = optimizer.clone().as_trackable().children().into_iter().find(|(name, _)| name == "_u_product");
        match found {
            Some((_, Child::Variable(variable))) => values(&variable)[0],
            _ => panic!("no _u_product"),
        }
    };
    common::assert_near(&[product(&second)], &[product(&first)], 1e-6, "product");
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let (optimizer, weights) = (Adam::new(0.01).into_optimizer().unwrap(), fresh());
    assert!(matches!(optimizer.load_state(&SavedState::ordered(Form::Keras2, vec![])), Err(Error::NotBuilt { .. })));
    train(&*optimizer, &weights, 0..2);
    let before = saved(&*optimizer);
    let mut short = before.clone();
    short.pop();
    let error = optimizer.load_state(&SavedState::ordered(Form::Keras2, short)).unwrap_err();
    assert!(error.to_string().contains("expected 5 tensors, found 4"), "{error}");
    let mut swapped = before.clone();
    swapped.swap(2, 3);
    swapped[0] = Tensor::scalar(99i64);
    let error = optimizer.load_state(&SavedState::ordered(Form::Keras2, swapped.clone())).unwrap_err();
    assert!(
        error.to_string().contains("position 2 of the Keras 2.15 form: expected shape [3, 2], found shape [2]"),
        "{error}"
    );
    assert!(matches!(optimizer.set_weights(&swapped), Err(Error::StateShape { .. })));
    let legacy = SavedState::ordered(Form::Legacy, before.iter().take(3).cloned().collect());
    assert!(matches!(optimizer.load_state(&legacy), Err(Error::StateCount { .. })));
    assert_eq!(saved(&*optimizer), before);
}

#[test]
fn bad_gradients_change_nothing() {
    let (optimizer, weights) = (Lion::default().into_optimizer().unwrap(), fresh());
    optimizer.build(&weights[..1]).unwrap();
    let before: Vec<Tensor> = weights.iter().map(Variable::value).collect();
    let (six, two) = ([1f32; 6], [1f32; 2]);
    let dense = |v: &'static [f32]| GradientView::from(v);
    let unknown = optimizer.apply_slices(&weights, &[GradientView::from(&six[..]), GradientView::from(&two[..])]);
    assert!(matches!(unknown, Err(Error::UnknownVariable { ref variable, known: 1, .. }) if variable == "bias"));
    assert!(matches!(optimizer.apply_slices(&weights[..1], &[dense(&[1.0])]), Err(Error::Gradient { .. })));
    assert!(matches!(optimizer.apply_slices(&weights[..1], &[]), Err(Error::GradientCount { .. })));
    assert!(matches!(optimizer.apply_slices(&weights[..1], &[GradientView::None]), Err(Error::NoGradients { .. })));
    for rows in [[0, 3], [-1, 0]] {
        let view = GradientView::Sparse { rows: Rows::I32(&rows), values: Values::F32(&six[..4]) };
        let error = optimizer.apply_slices(&weights[..1], &[view]).unwrap_err();
        assert!(error.to_string().contains("expected rows from 0 to 2"), "{error}");
    }
    assert_eq!(weights.iter().map(Variable::value).collect::<Vec<_>>(), before);
    assert_eq!(values(&optimizer.iterations()), [0.0]);
}

#[test]
fn checkpoint_children_are_tensorflows() {
    let names = |optimizer: &Arc<dyn Optimizer>| {
        let children = optimizer.clone().as_trackable().children();
        children.into_iter().map(|(name, _)| name).collect::<Vec<String>>().join(" ")
    };
    let (optimizer, weights) = (Adam::new(0.01).use_ema(true).into_optimizer().unwrap(), fresh());
    assert_eq!(names(&optimizer), "_variables _iterations _learning_rate");
    let created = Arc::new(AtomicUsize::new(0));
    let seen = created.clone();
    optimizer.on_create(Arc::new(move || {
        seen.fetch_add(1, Ordering::Relaxed);
        false
    }));
    train(&*optimizer, &weights, 0..2);
    assert_eq!(created.load(Ordering::Relaxed), 1);
    assert_eq!(
        names(&optimizer),
        "_variables _iterations _learning_rate _model_variables_moving_average _momentums _velocities"
    );
    let legacy = Adam::new(0.01).form(Form::Legacy).into_optimizer().unwrap();
    assert_eq!(names(&legacy), "");
    train(&*legacy, &fresh(), 0..1);
    assert_eq!(names(&legacy), "iter beta_1 beta_2 decay learning_rate");
    let slots: Vec<String> = legacy.slots().iter().map(|s| format!("{}/{}", s.original.name(), s.slot_name)).collect();
    assert_eq!(slots, ["kernel/m", "bias/m", "kernel/v", "bias/v"]);
}

#[test]
fn half_precision_variables_and_gradients_are_updated() {
    use kerox_tensor::{bf16, f16};
    let half = Variable::new("w", Tensor::from_vec(vec![f16::from_f32(1.0); 3], [3]).unwrap(), true);
    let brain = Variable::new("b", Tensor::from_vec(vec![bf16::from_f32(1.0); 2], [2]).unwrap(), true);
    let optimizer = SGD::new(0.5).momentum(0.5).into_optimizer().unwrap();
    let views =
        [GradientView::from(&[1f32, 0.0, -1.0][..]), GradientView::Dense(Values::BF16(&[bf16::ONE, bf16::ZERO]))];
    optimizer.apply_slices(&[half.clone(), brain.clone()], &views).unwrap();
    let found: Vec<f32> = half.value().as_slice::<f16>().unwrap().iter().map(|v| v.to_f32()).collect();
    assert_eq!(found, [0.5, 1.0, 1.5]);
    let found: Vec<f32> = brain.value().as_slice::<bf16>().unwrap().iter().map(|v| v.to_f32()).collect();
    assert_eq!(found, [0.5, 1.0]);
}

#[test]
fn empty_variables_are_no_trouble() {
    for name in ["adam", "adafactor", "sgd", "ftrl", "rmsprop"] {
        let empty = Variable::new("e", Tensor::from_vec(Vec::<f32>::new(), [0, 3]).unwrap(), true);
        let optimizer = name.into_optimizer().unwrap();
        optimizer.apply_slices(&[empty], &[GradientView::from(&[][..] as &[f32])]).unwrap();
    }
}
