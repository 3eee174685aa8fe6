//! Every default config of Keras 2.15, its legacy module and Keras 3 is read and written back, key for key in order.

mod common;

use common::golden;
use kerox_config_json::Value as Json;
use kerox_optim::{Config, Error, Form, class_names, deserialize, from_config, get, schedules};

/// Written again as it was read, but for whole numbers that Keras 3 writes as such.
#[test]
fn default_configs_come_back() {
    let golden = golden("default_configs.json");
    let mut count = 0;
    for (dialect, section, form) in [
        ("keras215", "optimizers", Form::Keras2),
        ("keras215", "optimizers.legacy", Form::Legacy),
        ("keras3", "optimizers", Form::Keras3),
    ] {
        for (class, object) in golden[dialect][section].as_object().unwrap() {
            let saved: Json = object.to_string().parse().unwrap();
            let optimizer = deserialize(&saved, None).unwrap_or_else(|e| panic!("{dialect} {section} {class}: {e}"));
            assert_eq!(optimizer.form(), form, "{dialect} {section} {class}");
            assert_eq!(optimizer.serialize().to_string(), saved.to_string(), "{dialect} {section} {class}");
            assert!(class_names(form).contains(&class.as_str()), "{class} is listed");
            count += 1;
        }
    }
    assert_eq!(count, 11 + 8 + 15);
}

/// `get(name)` makes what Keras makes of no arguments.
#[test]
fn defaults_are_keras_defaults() {
    let golden = golden("default_configs.json");
    for (dialect, section, form) in [
        ("keras215", "optimizers", Form::Keras2),
        ("keras215", "optimizers.legacy", Form::Legacy),
        ("keras3", "optimizers", Form::Keras3),
    ] {
        for (class, object) in golden[dialect][section].as_object().unwrap() {
            if class == "LossScaleOptimizer" {
                continue;
            }
            let saved: Json = object.to_string().parse().unwrap();
            let optimizer = get(&class.to_lowercase(), form).unwrap();
            assert_eq!(optimizer.serialize().to_string(), saved.to_string(), "{dialect} {section} {class}");
        }
    }
}

#[test]
fn default_schedules_come_back() {
    let golden = golden("default_configs.json");
    for (dialect, form) in [("keras215", Form::Keras2), ("keras3", Form::Keras3)] {
        for (class, object) in golden[dialect]["optimizers.schedules"].as_object().unwrap() {
            let given = common::config(&object["config"]);
            let schedule = schedules::from_config(class, &given).unwrap();
            assert_eq!(schedule.config(form).to_string(), given.to_string(), "{dialect} {class}");
        }
    }
}

#[test]
fn a_schedule_in_a_config_is_read_in_both_dialects() {
    for text in [
        r#"{"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay", "config":
            {"initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.25}, "registered_name": null}"#,
        r#"{"class_name": "ExponentialDecay", "config":
            {"initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.25}}"#,
    ] {
        let config = Config::new().with("learning_rate", text.parse::<Json>().unwrap());
        let optimizer = from_config("Custom>Adam", &config, Form::Keras2).unwrap();
        assert_eq!(optimizer.learning_rate(), 0.5);
        let written = optimizer.config();
        assert_eq!(written.get("learning_rate").unwrap().get("class_name").unwrap().as_str(), Some("ExponentialDecay"));
        assert!(matches!(optimizer.set_learning_rate(0.1), Err(Error::Scheduled { .. })));
    }
}

#[test]
fn the_form_follows_from_what_is_there() {
    let form = |text: &str| deserialize(&text.parse().unwrap(), None).unwrap().form();
    assert_eq!(form(r#"{"class_name": "Adam", "config": {"lr": 0.1, "decay": 0.0}}"#), Form::Legacy);
    assert_eq!(form(r#"{"class_name": "Adam", "config": {"is_legacy_optimizer": false}}"#), Form::Keras2);
    assert_eq!(form(r#"{"class_name": "Custom>Adam", "config": {}}"#), Form::Keras2);
    assert_eq!(form(r#"{"class_name": "Adam", "config": {"use_ema": false}}"#), Form::Keras3);
    let legacy = deserialize(&r#"{"class_name": "SGD", "config": {"lr": 0.25}}"#.parse().unwrap(), None).unwrap();
    assert_eq!(legacy.learning_rate(), 0.25);
}

#[test]
fn bad_configs_are_refused_by_name() {
    let error = |class: &str, text: &str, form| {
        let config: Json = text.parse().unwrap();
        from_config(class, config.as_map().unwrap(), form).err().unwrap().to_string()
    };
    assert_eq!(
        error("Adam", r#"{"beta_1": "much"}"#, Form::Keras2),
        r#"make Adam argument `beta_1`: expected a number, found "much""#
    );
    assert!(error("Adam", r#"{"beta_3": 1.0}"#, Form::Keras2).contains("unknown key `beta_3`"));
    assert!(error("Adam", r#"{"decay": 0.1}"#, Form::Keras2).contains("unknown key `decay`"));
    assert!(error("Adam", r#"{"weight_decay": 0.1}"#, Form::Legacy).contains("unknown key `weight_decay`"));
    assert!(error("Adam", r#"{"clipnorm": 1.0, "clipvalue": 1.0}"#, Form::Keras3).contains("no other clipping"));
    assert!(error("Adam", r#"{"clipnorm": 1.0, "global_clipnorm": 1.0}"#, Form::Keras2).contains("also `global"));
    assert!(error("SGD", r#"{"momentum": 1.5}"#, Form::Keras2).contains("expected a number from 0 to 1, found 1.5"));
    assert!(error("Ftrl", r#"{"learning_rate_power": 0.5}"#, Form::Keras2).contains("`learning_rate_power`"));
    assert!(error("Adam", r#"{"learning_rate": [1]}"#, Form::Keras2).contains("a number or a schedule"));
    assert!(error("Lamb", "{}", Form::Legacy).contains("it exists in the Keras 3 form only"));
    assert!(error("Adum", "{}", Form::Keras2).contains("did you mean `Adam`?"));
    let nested = r#"{"inner_optimizer": {"class_name": "LossScaleOptimizer", "config": {}}}"#;
    assert!(error("LossScaleOptimizer", nested, Form::Keras3).contains("no wrapper"));
    let schedule = r#"{"learning_rate": {"class_name": "PiecewiseConstantDecay", "config":
        {"boundaries": [1, 2], "values": [1.0]}}}"#;
    assert!(error("SGD", schedule, Form::Keras2).contains("3 values, one more than boundaries"));
}
