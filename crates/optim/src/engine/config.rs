//! An optimizer's config in each form.

use serde_json::Value;

use super::{Engine, scalar};
use crate::algorithm::Field;
use crate::config::{self, Config};
use crate::{Form, LearningRate};

impl Engine {
    pub(super) fn write_config(&self) -> Config {
        let options = &self.options;
        let state = self.state();
        let mut rule = state.rule.clone_box();
        let legacy = options.form == Form::Legacy;
        let mut config = Config::new();
        let mut put = |key: &str, value: Value| {
            config.insert(key.to_string(), value);
        };
        let rate = match (&options.learning_rate, &self.rate) {
            (LearningRate::Schedule(schedule), _) => {
                config::object("keras.optimizers.schedules", schedule.class_name(), schedule.config(options.form))
            }
            // A legacy optimizer shows what it was given until its variables exist.
            (LearningRate::Constant(rate), Some(variable)) => {
                let now = scalar(variable).unwrap_or(*rate);
                config::float(if legacy && !state.built && now == *rate as f32 as f64 { *rate } else { now })
            }
            (LearningRate::Constant(rate), None) => config::float(*rate),
        };
        let whole = |value: Option<i64>| value.map_or(Value::Null, Value::from);

        put("name", self.name.as_str().into());
        if options.form == Form::Keras3 {
            put("learning_rate", rate.clone());
        }
        if legacy {
            for (key, value) in [
                ("clipnorm", options.clipnorm),
                ("clipvalue", options.clipvalue),
                ("global_clipnorm", options.global_clipnorm),
            ] {
                if let Some(value) = value {
                    put(key, config::float(value));
                }
            }
            put("learning_rate", rate);
            if !state.rule.own_decay(Form::Legacy) {
                put("decay", config::float(options.decay));
            }
        } else {
            put("weight_decay", config::optional(options.weight_decay));
            put("clipnorm", config::optional(options.clipnorm));
            put("global_clipnorm", config::optional(options.global_clipnorm));
            put("clipvalue", config::optional(options.clipvalue));
            put("use_ema", options.use_ema.into());
            put("ema_momentum", config::float(options.ema_momentum));
            put("ema_overwrite_frequency", whole(options.ema_overwrite_frequency));
            if options.form == Form::Keras2 {
                put("jit_compile", options.jit_compile.into());
                put("is_legacy_optimizer", false.into());
                put("learning_rate", rate);
            } else {
                put("loss_scale_factor", config::optional(options.loss_scale_factor));
                put("gradient_accumulation_steps", whole(options.gradient_accumulation_steps));
            }
        }
        rule.fields(options.form, &mut |key, field| {
            let value = match &field {
                Field::Hyper(value) if legacy && state.built => {
                    let variable = state.hyper.iter().find(|(name, _)| *name == key).map(|(_, variable)| variable);
                    config::float(variable.and_then(scalar).unwrap_or(**value))
                }
                _ => config::write_field(&field),
            };
            put(key, value);
        });
        config
    }
}
