//! The progress bar against Keras's bytes.

mod common;

use common::{cases, text};
use kerox_config_json::Value;
use kerox_train::console::{ConsoleStyle, Progbar};

fn float(value: &Value) -> f64 {
    common::numbers(value)[0]
}

#[test]
fn every_byte_is_that_of_keras() {
    for case in cases("console/progress.json") {
        let name = text(&case, "name");
        let options = case.get("options").unwrap();
        let target = case.get("target").unwrap().as_i64().map(|t| t as usize);
        let verbose = options.get("verbose").and_then(Value::as_i64).unwrap_or(1) as u8;
        let mut bar = Progbar::new(target, verbose, ConsoleStyle::Keras215, 1000.0);
        bar.redraw = case.get("dynamic").unwrap().as_bool().unwrap();
        if let Some(width) = options.get("width") {
            bar.width = width.as_i64().unwrap() as usize;
        }
        if let Some(interval) = options.get("interval") {
            bar.interval = float(interval);
        }
        let stateful = options.get("stateful_metrics").and_then(Value::as_list).unwrap_or(&[]);
        bar.stateful = Some(stateful.iter().map(|n| n.as_str().unwrap().to_string()).collect());
        let mut known = target;
        for call in case.get("calls").unwrap().as_list().unwrap() {
            let current = call.get("current").unwrap().as_i64().unwrap() as usize;
            let values: Vec<(String, f64)> = call
                .get("values")
                .unwrap()
                .as_list()
                .unwrap()
                .iter()
                .map(|pair| {
                    let pair = pair.as_list().unwrap();
                    (pair[0].as_str().unwrap().to_string(), float(&pair[1]))
                })
                .collect();
            let finalize = call.get("finalize").unwrap().as_bool();
            if finalize == Some(true) && known.is_none() {
                known = Some(current);
                bar.set_target(current);
            }
            let finalize = finalize.unwrap_or(known.is_some_and(|t| current >= t));
            let now = 1000.0 + float(call.get("at").unwrap());
            let printed = bar.update(current, values.iter().map(|(n, v)| (n.as_str(), *v)), finalize, now);
            assert_eq!(printed, text(call, "printed"), "{name} at {current}");
        }
    }
}
