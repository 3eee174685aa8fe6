//! An optimizer's config in each form.

use kerox_config_json::Value;

use super::{Engine, scalar};
use crate::algorithm::Field;
use crate::config;
use crate::{Config, Form, LearningRate};

impl Engine {
    pub(super) fn write_config(&self) -> Config {
        let options = &self.options;
        let state = self.state();
        let mut rule = state.rule.clone_box();
        let legacy = options.form == Form::Legacy;
        let mut config = Config::new();
        let mut put = |key: &str, value: Value| {
            config.insert(key, value);
        };
        let rate = match (&options.learning_rate, &self.rate) {
            (LearningRate::Schedule(schedule), _) => crate::schedules::serialize(schedule.as_ref(), options.form),
            // A legacy optimizer shows what it was given until its variables exist.
            (LearningRate::Constant(rate), Some(variable)) => {
                let now = scalar(variable).unwrap_or(*rate);
                (if legacy && !state.built && now == *rate as f32 as f64 { *rate } else { now }).into()
            }
            (LearningRate::Constant(rate), None) => (*rate).into(),
        };

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
                    put(key, value.into());
                }
            }
            put("learning_rate", rate);
            if !state.rule.own_decay(Form::Legacy) {
                put("decay", options.decay.into());
            }
        } else {
            put("weight_decay", options.weight_decay.into());
            put("clipnorm", options.clipnorm.into());
            put("global_clipnorm", options.global_clipnorm.into());
            put("clipvalue", options.clipvalue.into());
            put("use_ema", options.use_ema.into());
            put("ema_momentum", options.ema_momentum.into());
            put("ema_overwrite_frequency", options.ema_overwrite_frequency.into());
            if options.form == Form::Keras2 {
                put("jit_compile", options.jit_compile.into());
                put("is_legacy_optimizer", false.into());
                put("learning_rate", rate);
            } else {
                put("loss_scale_factor", options.loss_scale_factor.into());
                put("gradient_accumulation_steps", options.gradient_accumulation_steps.into());
            }
        }
        rule.fields(options.form, &mut |key, field| {
            let value = match &field {
                Field::Hyper(value) if legacy && state.built => {
                    let variable = state.hyper.iter().find(|(name, _)| *name == key).map(|(_, variable)| variable);
                    variable.and_then(scalar).unwrap_or(**value).into()
                }
                _ => config::write_field(&field),
            };
            put(key, value);
        });
        config
    }
}
