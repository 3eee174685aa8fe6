//! The hashes of `fingerprint.pb`, held against those of TensorFlow.

mod common;

use kerox_format_savedmodel::fingerprint;
use kerox_format_savedmodel::messages::{FingerprintDef, SavedModelProto};
use kerox_format_savedmodel::wire::Message;

#[test]
fn fingerprints_are_tensorflows() {
    let mut seen = 0;
    for path in common::files(&common::golden("")).into_iter().filter(|path| path.ends_with("fingerprint.pb")) {
        let dir = path.parent().unwrap();
        let expected = FingerprintDef::decode(&std::fs::read(&path).unwrap()).unwrap();
        let model = SavedModelProto::decode(&std::fs::read(dir.join("saved_model.pb")).unwrap()).unwrap();
        let index = std::fs::read(dir.join("variables/variables.index")).unwrap();
        let found = fingerprint(&model, &index);
        // TensorFlow gives each model a random identifier as well.
        let uuid = expected.uuid.clone();
        assert_eq!(FingerprintDef { uuid, ..found }, expected, "{}", dir.display());
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
