//! Files written by TensorFlow and Keras, read and written again: the same bytes.

mod common;

use std::path::Path;

use kerox_format_savedmodel::messages::{FingerprintDef, SavedMetadata, SavedModelProto};
use kerox_format_savedmodel::wire::Message;

/// Reads and writes a file; `None` for files of other formats.
fn rewrite(path: &Path, bytes: &[u8]) -> Option<Vec<u8>> {
    Some(match path.file_name()?.to_str()? {
        "saved_model.pb" => SavedModelProto::decode(bytes).unwrap().encode(),
        "keras_metadata.pb" => SavedMetadata::decode(bytes).unwrap().encode(),
        "fingerprint.pb" => FingerprintDef::decode(bytes).unwrap().encode(),
        _ => return None,
    })
}

fn same(dir: &Path, exceptions: &[&str]) -> usize {
    let mut seen = 0;
    for path in common::files(dir) {
        let bytes = std::fs::read(&path).unwrap();
        let Some(written) = rewrite(&path, &bytes) else { continue };
        seen += 1;
        if exceptions.iter().any(|name| path.to_string_lossy().contains(name)) {
            // Written by a serializer that does not sort fields: as long, and read again the same.
            assert_eq!(written.len(), bytes.len(), "{}", path.display());
            let read = |bytes| SavedModelProto::decode(bytes).unwrap();
            assert_eq!(read(&written[..]), read(&bytes[..]), "{}", path.display());
        } else {
            assert!(written == bytes, "{} changed", path.display());
        }
    }
    seen
}

#[test]
fn golden_files_keep_their_bytes() {
    assert!(same(&common::golden(""), &[]) >= 15);
}

#[test]
fn collected_files_keep_their_bytes() {
    let Some(shared) = common::shared() else { return };
    assert!(same(&shared.join("zoo/files"), &["sm-tf2-tfx-tft"]) >= 17);
    assert!(same(&shared.join("formats/samples"), &[]) >= 20);
}

#[test]
fn text_and_binary_say_the_same() {
    let binary = std::fs::read(common::golden("tf1/saved_model.pb")).unwrap();
    let text = std::fs::read_to_string(common::golden("tf1_text/saved_model.pbtxt")).unwrap();
    assert_eq!(SavedModelProto::from_text(&text).unwrap(), SavedModelProto::decode(&binary).unwrap());
}
