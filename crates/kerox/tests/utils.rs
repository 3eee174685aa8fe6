//! Helpers for sequences, texts and labels against Keras: `golden/utils/utils.json`.

use kerox::tensor::{DType, Tensor};
use kerox::utils::{
    PadSequences, Tokenizer, WordSequence, normalize, pad_sequences, text_to_word_sequence, to_categorical,
};
use kerox_config_json::{Node, Value as Json};

fn golden(section: &str) -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/utils/utils.json");
    let file = Json::parse_document(&std::fs::read(path).unwrap(), &Default::default()).unwrap();
    file.get(section).cloned().unwrap_or_else(|| panic!("no section `{section}`"))
}

fn list(value: Option<&Json>) -> &[Json] {
    value.and_then(Json::as_list).expect("a list")
}

fn floats(value: Option<&Json>) -> Vec<f64> {
    list(value).iter().map(|v| Node::root(v).float().unwrap()).collect()
}

fn integers(value: Option<&Json>) -> Vec<i64> {
    list(value).iter().map(|v| Node::root(v).int().unwrap()).collect()
}

fn texts(value: Option<&Json>) -> Vec<String> {
    list(value).iter().map(|v| v.as_str().unwrap().to_string()).collect()
}

fn close(found: &Tensor, expected: &[f64], what: &str) {
    let found = found.cast(DType::F64).unwrap();
    let found = found.as_slice::<f64>().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{what}: expected {b}, found {a}");
    }
}

#[test]
fn sequences_are_padded_as_keras_does() {
    let section = golden("pad_sequences");
    let sequences: Vec<Vec<i64>> = list(section.get("sequences")).iter().map(|s| integers(Some(s))).collect();
    for case in list(section.get("cases")) {
        let arguments = case.get("arguments").unwrap();
        let mut options = PadSequences::default();
        if let Some(maxlen) = arguments.get("maxlen").and_then(Json::as_i64) {
            options = options.maxlen(maxlen as usize);
        }
        if let Some(side) = arguments.get("padding").and_then(Json::as_str) {
            options = options.padding(side);
        }
        if let Some(side) = arguments.get("truncating").and_then(Json::as_str) {
            options = options.truncating(side);
        }
        if let Some(value) = arguments.get("value") {
            options = options.value(Node::root(value).float().unwrap());
        }
        if let Some(dtype) = arguments.get("dtype").and_then(Json::as_str) {
            options = options.dtype(DType::from_name(dtype).unwrap());
        }
        let found = pad_sequences(&sequences, options).unwrap();
        let shape: Vec<i64> = found.shape().iter().map(|&d| d as i64).collect();
        assert_eq!(shape, integers(case.get("shape")), "{arguments}");
        assert_eq!(found.dtype().name(), case.get("dtype").and_then(Json::as_str).unwrap(), "{arguments}");
        close(&found, &floats(case.get("data")), &arguments.to_string());
    }
}

#[test]
fn tokenizers_are_keras_tokenizers() {
    let section = golden("tokenizer");
    let (train, tests) = (texts(section.get("texts")), texts(section.get("tests")));
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    for case in list(section.get("cases")) {
        let arguments = case.get("arguments").unwrap();
        let mut tokenizer = Tokenizer::new();
        for (key, value) in arguments.as_map().unwrap().iter() {
            let text = || value.as_str().unwrap();
            tokenizer = match key {
                "num_words" => tokenizer.num_words(value.as_i64().unwrap() as usize),
                "oov_token" => tokenizer.oov_token(text()),
                "lower" => tokenizer.lower(value.as_bool().unwrap()),
                "char_level" => tokenizer.char_level(value.as_bool().unwrap()),
                "filters" => tokenizer.filters(text()),
                "split" => tokenizer.split(text()),
                other => panic!("no argument `{other}`"),
            };
        }
        tokenizer.fit_on_texts(train.iter().map(String::as_str));
        let loaded = Tokenizer::from_json(case.get("json").and_then(Json::as_str).unwrap()).unwrap();
        for (tokenizer, how) in [(&tokenizer, "fitted"), (&loaded, "loaded")] {
            let what = format!("{arguments}, {how}");
            for (word, rank) in case.get("word_index").and_then(Json::as_map).unwrap().iter() {
                assert_eq!(tokenizer.word_index(word).map(|r| r as i64), rank.as_i64(), "{what} `{word}`");
            }
            for (word, docs) in case.get("word_docs").and_then(Json::as_map).unwrap().iter() {
                assert_eq!(Some(tokenizer.word_docs(word) as i64), docs.as_i64(), "{what} `{word}`");
            }
            for entry in list(case.get("word_counts")) {
                let (word, count) = (list(Some(entry))[0].as_str().unwrap(), list(Some(entry))[1].as_i64());
                assert_eq!(Some(tokenizer.word_count(word) as i64), count, "{what} `{word}`");
            }
            assert_eq!(Some(tokenizer.document_count() as i64), case.get("document_count").and_then(Json::as_i64));
            let sequences = tokenizer.texts_to_sequences(tests.iter().copied());
            for (found, expected) in sequences.iter().zip(list(case.get("sequences"))) {
                let found: Vec<i64> = found.iter().map(|&r| r as i64).collect();
                assert_eq!(found, integers(Some(expected)), "{what}");
            }
            assert_eq!(tokenizer.sequences_to_texts(&sequences), texts(case.get("texts")), "{what}");
            for (mode, rows) in case.get("matrices").and_then(Json::as_map).unwrap().iter() {
                let expected: Vec<f64> = list(Some(rows)).iter().flat_map(|row| floats(Some(row))).collect();
                close(&tokenizer.sequences_to_matrix(&sequences, mode).unwrap(), &expected, &format!("{what} {mode}"));
            }
            let (written, theirs) =
                (document(&tokenizer.to_json()), document(case.get("json").unwrap().as_str().unwrap()));
            assert_eq!(written, theirs, "{what}");
        }
    }
}

/// The document with the tables in it read too.
fn document(text: &str) -> Json {
    let mut document = Json::parse(text).unwrap();
    let config = document.as_map_mut().unwrap().get_mut("config").and_then(Json::as_map_mut).unwrap();
    for key in ["word_counts", "word_docs", "index_docs", "index_word", "word_index"] {
        let inner = Json::parse(config.get(key).and_then(Json::as_str).unwrap()).unwrap();
        config.insert(key, inner);
    }
    document
}

#[test]
fn a_damaged_tokenizer_is_refused() {
    for text in ["", "[]", "{}", r#"{"config": {"word_index": "["}}"#, r#"{"config": {"word_counts": "{\"a\": -1}"}}"#]
    {
        assert!(Tokenizer::from_json(text).is_err(), "{text}");
    }
    let far = r#"{"config": {"word_index": "{\"a\": 9000000000000000000}"}}"#;
    assert!(Tokenizer::from_json(far).unwrap().ranked_words().is_empty());
}

#[test]
fn words_are_keras_words() {
    let section = golden("text_to_word_sequence");
    let all = texts(section.get("texts"));
    for case in list(section.get("cases")) {
        let arguments = case.get("arguments").unwrap();
        let mut options = WordSequence::default();
        if let Some(lower) = arguments.get("lower").and_then(Json::as_bool) {
            options.lower = lower;
        }
        if let Some(filters) = arguments.get("filters").and_then(Json::as_str) {
            options.filters = filters.into();
        }
        if let Some(split) = arguments.get("split").and_then(Json::as_str) {
            options.split = split.into();
        }
        for (text, expected) in all.iter().zip(list(case.get("words"))) {
            assert_eq!(text_to_word_sequence(text, &options), texts(Some(expected)), "{arguments}");
        }
    }
}

#[test]
fn classes_become_rows() {
    for case in golden("to_categorical").as_list().unwrap() {
        let shape: Vec<usize> = integers(case.get("shape")).into_iter().map(|d| d as usize).collect();
        let y = Tensor::from_vec(integers(case.get("y")), shape).unwrap();
        let classes = case.get("num_classes").and_then(Json::as_i64).map(|n| n as usize);
        let found = to_categorical(&y, classes).unwrap();
        let shape: Vec<i64> = found.shape().iter().map(|&d| d as i64).collect();
        assert_eq!(shape, integers(case.get("result_shape")));
        close(&found, &floats(case.get("data")), "to_categorical");
    }
}

#[test]
fn vectors_are_brought_to_length_one() {
    let section = golden("normalize");
    let shape: Vec<usize> = integers(section.get("shape")).into_iter().map(|d| d as usize).collect();
    let x = Tensor::from_vec(floats(section.get("x")), shape).unwrap();
    for case in list(section.get("cases")) {
        let (axis, order) = (case.get("axis").and_then(Json::as_i64), case.get("order").and_then(Json::as_i64));
        let found = normalize(&x, axis.unwrap(), order.unwrap() as u32).unwrap();
        close(&found, &floats(case.get("data")), &format!("axis {axis:?} order {order:?}"));
    }
    assert!(normalize(&x, 3, 2).is_err() && normalize(&x, 0, 0).is_err());
}
