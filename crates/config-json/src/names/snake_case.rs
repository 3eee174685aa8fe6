//! Class names as Keras turns them into object names.

/// The name that Keras derives from a class: `Conv2D` gives `conv2d`, `ReLU` gives `re_lu`.
///
/// An underscore goes before an upper-case letter followed by lower-case ones (not at the start), and between a
/// lower-case letter and an upper-case letter; a leading underscore gets `private` in front.
///
/// # Example
/// ```
/// use kerox_config_json::names::snake_case;
/// assert_eq!(snake_case("MultiHeadAttention"), "multi_head_attention");
/// assert_eq!(snake_case("_Private"), "private__private");
/// ```
/// # Source
/// keras/utils/generic_utils.py `to_snake_case` (2.15).
pub fn snake_case(class_name: &str) -> String {
    let chars: Vec<char> = class_name.chars().collect();
    // First pass: (.)([A-Z][a-z]+) -> \1_\2, left to right without overlap.
    let mut first = Vec::with_capacity(chars.len() + 8);
    let mut i = 0;
    while i < chars.len() {
        first.push(chars[i]);
        let starts_word = |at: usize| {
            chars.get(at).is_some_and(char::is_ascii_uppercase)
                && chars.get(at + 1).is_some_and(char::is_ascii_lowercase)
        };
        if chars[i] != '\n' && starts_word(i + 1) {
            first.push('_');
            i += 1;
            first.push(chars[i]);
            while chars.get(i + 1).is_some_and(char::is_ascii_lowercase) {
                i += 1;
                first.push(chars[i]);
            }
        }
        i += 1;
    }
    // Second pass: ([a-z])([A-Z]) -> \1_\2.
    let mut name = String::with_capacity(first.len() + 8);
    for (i, c) in first.iter().enumerate() {
        if i > 0 && c.is_ascii_uppercase() && first[i - 1].is_ascii_lowercase() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    if name.starts_with('_') { format!("private{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_keras() {
        for (class_name, name) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("BatchNormalization", "batch_normalization"),
            ("MaxPooling2D", "max_pooling2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("LSTM", "lstm"),
            ("GRU", "gru"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ThresholdedReLU", "thresholded_re_lu"),
            ("ELU", "elu"),
            ("SimpleRNN", "simple_rnn"),
            ("RNN", "rnn"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("CuDNNLSTM", "cu_dnnlstm"),
            ("UpSampling2D", "up_sampling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("TFOpLambda", "tf_op_lambda"),
            ("HTTPLayer", "http_layer"),
            ("MyLayerV2", "my_layer_v2"),
            ("_Private", "private__private"),
            ("RMSprop", "rm_sprop"),
            ("AUC", "auc"),
            ("MeanIoU", "mean_io_u"),
            ("", ""),
            ("a", "a"),
        ] {
            assert_eq!(snake_case(class_name), name, "{class_name}");
        }
    }
}
