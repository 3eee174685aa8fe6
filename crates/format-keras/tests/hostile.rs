//! Archives that are damaged or meant to do harm.

use std::io::Write;

use kerox_format_h5::keras::TreeToWrite;
use kerox_format_keras::{KerasFile, KerasToWrite};
use kerox_tensor::Tensor;

/// A member of a made-up archive.
#[derive(Clone)]
struct Made {
    name: &'static str,
    content: Vec<u8>,
    deflate: bool,
    /// Bytes claimed when unpacked; `None` for the truth.
    claim: Option<u32>,
    flags: u16,
}

fn made(name: &'static str, content: &[u8]) -> Made {
    Made { name, content: content.to_vec(), deflate: false, claim: None, flags: 0 }
}

/// Zips members without looking at what they are.
fn zip(members: &[Made]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let stored = match member.deflate {
            true => {
                let mut zip = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
                zip.write_all(&member.content).unwrap();
                zip.finish().unwrap()
            }
            false => member.content.clone(),
        };
        let mut common = vec![20, 0];
        common.extend(member.flags.to_le_bytes());
        common.extend([if member.deflate { 8 } else { 0 }, 0, 0, 0, 0, 0]);
        common.extend(crc32fast::hash(&member.content).to_le_bytes());
        common.extend((stored.len() as u32).to_le_bytes());
        common.extend(member.claim.unwrap_or(member.content.len() as u32).to_le_bytes());
        common.extend((member.name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let at = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(member.name.as_bytes());
        out.extend(stored);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let (start, len, count) = (out.len() as u32, directory.len() as u32, members.len() as u16);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn weights() -> Vec<u8> {
    let mut tree = TreeToWrite::new();
    tree.object("layers/dense", None, &[Tensor::from_vec(vec![1f32; 64], [8, 8]).unwrap()]).unwrap();
    tree.to_bytes().unwrap()
}

fn sound() -> Vec<Made> {
    vec![made("metadata.json", b"{}"), made("config.json", b"{}"), made("model.weights.h5", &weights())]
}

#[track_caller]
fn refused(members: &[Made], expected: &str) {
    let error = KerasFile::from_bytes("m.keras", zip(members)).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

fn with(member: Made) -> Vec<Made> {
    let mut members = sound();
    members.push(member);
    members
}

#[test]
fn deflated_reordered_and_additional_members_are_read() {
    let mut members = with(made("more.txt", b"x"));
    members.iter_mut().for_each(|member| member.deflate = true);
    members.reverse();
    let file = KerasFile::from_bytes("m.keras", zip(&members)).unwrap();
    assert_eq!(file.weights.read("layers/dense").unwrap()[0].len(), 64);
    let file = KerasFile::from_bytes("m.keras", zip(&sound()[1..])).unwrap();
    assert_eq!(file.metadata, None);
}

#[test]
fn members_that_are_missing_are_named() {
    refused(
        &sound()[..1],
        "read member `config.json` of `m.keras`: expected a Keras v3 file with it, found only `metadata.json`",
    );
    refused(&sound()[..2], "read member `model.weights.h5`");
    refused(&[], "an empty archive");
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["/etc/passwd", "../x", "assets/../../x", "assets\\..\\x", "C:\\x", "\\x", "assets/..", "a\0b"] {
        refused(&with(made(name, b"x")), "expected a relative name without `..`");
    }
}

#[test]
fn duplicates_bombs_and_encryption_are_refused() {
    refused(
        &with(made("config.json", b"{}")),
        "read member `config.json` of `m.keras`: expected one member of that name, found two",
    );
    let bomb = Made { deflate: true, claim: Some(4_000_000_000), ..made("assets/bomb", b"x") };
    refused(&with(bomb), "read member `assets/bomb` of `m.keras`: expected at most 1051876 unpacked bytes");
    refused(&with(Made { flags: 1, ..made("secret", b"x") }), "found encryption");
    // Deflated data that go on beyond the claim.
    let longer = Made { deflate: true, claim: Some(10), ..made("config.json", &[b' '; 1 << 20]) };
    refused(&[longer], "read member `config.json` of `m.keras`: expected 10 bytes, found more");
}

#[test]
fn wrong_bytes_are_found_by_the_checksum() {
    let mut bytes = zip(&sound());
    let at = bytes.windows(4).position(|w| w == [0, 0, 0x80, 0x3f]).unwrap();
    bytes[at] ^= 1;
    let error = KerasFile::from_bytes("m.keras", bytes).unwrap_err().to_string();
    assert!(error.starts_with("read member `model.weights.h5` of `m.keras`: expected CRC-32"), "{error}");
}

#[test]
fn members_that_overlap_are_refused() {
    let mut bytes = zip(&[made("a", b"x"), made("a", b"x")]);
    // The second entry of the directory points to the first member, under another name both times.
    let entry = bytes.len() - 22 - 47;
    let first = bytes[entry - 47 + 42..entry - 47 + 46].to_vec();
    bytes[entry + 42..entry + 46].copy_from_slice(&first);
    bytes[entry + 46] = b'b';
    let error = KerasFile::from_bytes("m.keras", bytes).unwrap_err().to_string();
    assert!(error.contains("a local header that agrees with the directory"), "{error}");
}

#[test]
fn an_archive_cut_short_or_flipped_is_an_error_or_right() {
    let mut tree = TreeToWrite::new();
    tree.object("layers/dense", None, &[Tensor::from_vec(vec![1f32; 64], [8, 8]).unwrap()]).unwrap();
    let bytes = KerasToWrite::new("3.15.1", "{}", tree).to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert!(KerasFile::from_bytes("m.keras", bytes[..len].to_vec()).is_err(), "{len}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(file) = KerasFile::from_bytes("m.keras", damaged)
            && let Ok(tensors) = file.weights.read("layers/dense")
        {
            assert_eq!(tensors[0].as_slice::<f32>().unwrap(), [1f32; 64], "{at}");
        }
    }
}

#[test]
fn zip64_is_read_and_written_names_are_checked() {
    let mut keras = KerasToWrite::new("3.15.1", "{}", TreeToWrite::new());
    keras.assets.push(("../x".into(), Vec::new()));
    let error = keras.to_bytes().unwrap_err().to_string();
    assert!(error.starts_with("write member `assets/../x`: expected distinct relative names"), "{error}");
    // More members than fit the short end record.
    keras.weights.object("", None, &[]).unwrap();
    keras.assets = (0..65_533).map(|i| (i.to_string(), Vec::new())).collect();
    let bytes = keras.to_bytes().unwrap();
    assert!(bytes.windows(4).any(|w| w == b"PK\x06\x06"));
    assert_eq!(KerasFile::from_bytes("m.keras", bytes).unwrap().assets.len(), 65_533);
}

#[test]
fn a_flipped_bit_in_large_weights_is_found() {
    let values = Tensor::from_vec((0..3_000_000).map(|i| i as f32).collect(), [3_000_000]).unwrap();
    let mut tree = TreeToWrite::new();
    tree.object("layers/dense", None, std::slice::from_ref(&values)).unwrap();
    let bytes = KerasToWrite::new("2.15.0", "{}", tree).to_bytes().unwrap();
    let file = KerasFile::from_bytes("large.keras", bytes.clone()).unwrap();
    assert_eq!(file.weights.read("layers/dense").unwrap()[0], values);
    for at in [1, 2, 3] {
        let mut bytes = bytes.clone();
        let at = bytes.len() / 4 * at;
        bytes[at] ^= 4;
        let error = KerasFile::from_bytes("large.keras", bytes).unwrap_err();
        assert!(error.to_string().contains("CRC-32"), "{error}");
    }
}
