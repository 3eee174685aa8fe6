//! Damaged files: an error, never a panic.

mod common;

use kerox_format_savedmodel::messages::{SavedMetadata, SavedModelProto};
use kerox_format_savedmodel::wire::Message;
use proptest::prelude::*;

#[test]
fn cut_off_at_each_length() {
    let bytes = std::fs::read(common::golden("tf1/saved_model.pb")).unwrap();
    // Only the outer message's boundary gives a message: all is in one meta graph, after the schema version.
    for length in (0..40).chain((40..bytes.len()).step_by(5)) {
        match SavedModelProto::decode(&bytes[..length]) {
            Ok(_) => assert!([0, 2].contains(&length), "{length}"),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains(" at byte ") && error.contains("expected"), "{error}");
            }
        }
    }
}

#[test]
fn each_byte_changed() {
    let bytes = std::fs::read(common::golden("tf1/saved_model.pb")).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        for flip in [0x80, 0x07] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if let Ok(read) = SavedModelProto::decode(&damaged) {
                let again = SavedModelProto::decode(&read.encode()).unwrap();
                assert!(again.encode() == read.encode(), "byte {at}");
            }
        }
    }
}

#[test]
fn an_error_says_where() {
    let mut bytes = std::fs::read(common::golden("tf1/saved_model.pb")).unwrap();
    let at = bytes.windows(6).position(|w| w == b"Assign").unwrap();
    bytes[at] = 0xff;
    let error = SavedModelProto::decode(&bytes).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "read protobuf message at meta_graphs[0].meta_info_def.stripped_op_list.op[1].name at byte {at}: \
             expected UTF-8, found bytes that are none"
        )
    );
}

#[test]
fn messages_within_messages_without_end() {
    // StructuredValue.list_value.values, nested.
    let mut bytes = vec![];
    for _ in 0..200 {
        let inner = bytes;
        bytes = vec![];
        for tag in [[0x0a].as_slice(), &[0x9a, 0x03]] {
            let inner = if bytes.is_empty() { inner.clone() } else { bytes };
            bytes = tag.to_vec();
            let mut length = inner.len();
            while length >= 128 {
                bytes.push(length as u8 | 0x80);
                length >>= 7;
            }
            bytes.push(length as u8);
            bytes.extend(inner);
        }
    }
    let error = kerox_format_savedmodel::messages::StructuredValue::decode(&bytes).unwrap_err().to_string();
    assert!(error.ends_with("expected at most 100 nested messages, found one more"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(read) = SavedModelProto::decode(&bytes) {
            prop_assert_eq!(SavedModelProto::decode(&read.encode()).unwrap().encode(), read.encode());
        }
        let _ = SavedMetadata::decode(&bytes);
        let _ = SavedModelProto::from_text(&String::from_utf8_lossy(&bytes));
    }
}
