//! Every class that Keras 2.15 and Keras 3 export and write into files is known here, or named with its reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use kerox_config_json::{Limits, Value as Json};
use kerox_optim::Form;

/// Classes that are not known, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("constraints/Constraint", "the base class"),
    ("initializers/Initializer", "the base class"),
    ("layers/AbstractRNNCell", "the base class"),
    ("layers/Lambda", "holds the bytecode of a function, which is never run"),
    ("layers/Layer", "the base class"),
    ("layers/Wrapper", "the base class"),
    ("losses/Loss", "the base class"),
    ("metrics/Metric", "the base class"),
    ("optimizers/Optimizer", "the base class"),
    ("optimizers.legacy/Optimizer", "the base class"),
    ("optimizers.schedules/LearningRateSchedule", "the base class"),
    ("regularizers/Regularizer", "the base class"),
];

/// Callbacks that do not exist here, with the reason.
const NO_CALLBACKS: &[(&str, &str)] = &[
    ("BaseLogger", "what it does every run does by itself"),
    ("Callback", "the trait"),
    ("CallbackList", "a run holds its callbacks itself"),
    ("OrbaxCheckpoint", "writes files of another project"),
    ("SidecarEvaluatorModelExport", "evaluates in another process that TensorFlow starts"),
    ("RemoteMonitor", "nothing here speaks to a network; a LambdaCallback can send the logs anywhere"),
];

fn is_known(family: &str, class: &str, is_keras3: bool) -> bool {
    match family {
        "layers" | "layers.experimental" => kerox_layers::registry::registry().builtin(class).is_some(),
        "losses" => kerox_train::losses::registry().builtin(class).is_some(),
        "metrics" => kerox_train::metrics::registry().builtin(class).is_some(),
        "initializers" => kerox_layers::initializers::registry().builtin(class).is_some(),
        "regularizers" => kerox_layers::regularizers::registry().builtin(class).is_some(),
        "constraints" => kerox_layers::constraints::registry().builtin(class).is_some(),
        "optimizers.schedules" => kerox_optim::schedules::class_names().contains(&class),
        "optimizers" => {
            let form = if is_keras3 { Form::Keras3 } else { Form::Keras2 };
            let class = if class == "LossScaleOptimizer" && !is_keras3 { "LossScaleOptimizerV3" } else { class };
            kerox_optim::class_names(form).contains(&class)
        }
        "optimizers.legacy" => kerox_optim::class_names(Form::Legacy).contains(&class),
        other => panic!("no registry for `{other}`"),
    }
}

#[test]
fn every_class_of_keras_is_known_or_refused() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/config"));
    let mut refused: BTreeMap<&str, bool> = REFUSED.iter().map(|(id, _)| (*id, false)).collect();
    let (mut missing, mut count) = (Vec::new(), 0);
    for (file, is_keras3) in [("keras215_default_configs.json", false), ("keras3_default_configs.json", true)] {
        let list = Json::parse_bytes(&fs::read(folder.join(file)).unwrap(), &Limits::default()).unwrap();
        for (family, classes) in list.as_map().unwrap().iter() {
            for (class, _) in classes.as_map().unwrap().iter() {
                count += 1;
                let id = format!("{family}/{class}");
                match (is_known(family, class, is_keras3), refused.get_mut(id.as_str())) {
                    (true, None) => {}
                    (false, Some(met)) => *met = true,
                    (true, Some(_)) => missing.push(format!("{file}: {id} is known; take it off the list")),
                    (false, None) => missing.push(format!("{file}: {id} is unknown")),
                }
            }
        }
    }
    println!("{count} classes, {} refused", refused.values().filter(|met| **met).count());
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_callback_of_keras_is_there_or_refused() {
    use kerox_train::callbacks::{
        BackupAndRestore, CSVLogger, EarlyStopping, History, LambdaCallback, LearningRateScheduler, ModelCheckpoint,
        ReduceLROnPlateau, SwapEMAWeights, TensorBoard, TerminateOnNaN,
    };
    use kerox_train::console::ProgbarLogger;
    // A generic callback is named with any function.
    type Schedule = LearningRateScheduler<fn(usize, f64) -> f64>;
    let names = [
        std::any::type_name::<BackupAndRestore>(),
        std::any::type_name::<CSVLogger>(),
        std::any::type_name::<EarlyStopping>(),
        std::any::type_name::<History>(),
        std::any::type_name::<LambdaCallback>(),
        std::any::type_name::<Schedule>(),
        std::any::type_name::<ModelCheckpoint>(),
        std::any::type_name::<ProgbarLogger>(),
        std::any::type_name::<ReduceLROnPlateau>(),
        std::any::type_name::<SwapEMAWeights>(),
        std::any::type_name::<TensorBoard>(),
        std::any::type_name::<TerminateOnNaN>(),
    ];
    let known: Vec<&str> =
        names.iter().filter_map(|name| name.split('<').next().and_then(|name| name.rsplit("::").next())).collect();
    // The callbacks of Keras 2.15 and 3.15.
    let keras = [
        "BackupAndRestore",
        "BaseLogger",
        "CSVLogger",
        "Callback",
        "CallbackList",
        "EarlyStopping",
        "History",
        "LambdaCallback",
        "LearningRateScheduler",
        "ModelCheckpoint",
        "OrbaxCheckpoint",
        "ProgbarLogger",
        "ReduceLROnPlateau",
        "RemoteMonitor",
        "SidecarEvaluatorModelExport",
        "SwapEMAWeights",
        "TensorBoard",
        "TerminateOnNaN",
    ];
    for name in keras {
        let is_refused = NO_CALLBACKS.iter().any(|(refused, _)| *refused == name);
        assert!(known.contains(&name) != is_refused, "{name}");
    }
}
