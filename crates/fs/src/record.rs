//! The commit record: what an interrupted save still has to do.
//!
//! Text, one statement a line, names as bytes with `%XX` for `%` and everything outside printable ASCII:
//!
//! | line | meaning |
//! |---|---|
//! | `kerox-commit 1` | first line |
//! | `into NAME` | the directory the content goes to, beside the staging directory; `into` alone: the one that holds it |
//! | `put NAME` | `new/NAME` replaces `NAME` |
//! | `remove NAME` | `NAME` is deleted |
//! | `end XXXXXXXX` | last line: crc32c of everything before it |
//!
//! A record without its last line, or with another checksum, is no record: it never came to a commit.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::{Result, target};

/// The record's name in the staging directory.
pub(crate) const FILE: &str = "COMMIT";

/// What an interrupted save still has to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// The directory the content goes to; `None` for the one that holds the staging directory.
    pub(crate) into: Option<OsString>,
    /// Entries of `new/` to put in place, in this order.
    pub(crate) put: Vec<OsString>,
    /// Entries to delete afterwards.
    pub(crate) remove: Vec<OsString>,
}

impl Record {
    /// The file's content.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::from("kerox-commit 1\n");
        match &self.into {
            Some(name) => text += &format!("into {}\n", escape(name)),
            None => text += "into\n",
        }
        for (word, names) in [("put", &self.put), ("remove", &self.remove)] {
            for name in names {
                text += &format!("{word} {}\n", escape(name));
            }
        }
        text += &format!("end {:08x}\n", crc32c::crc32c(text.as_bytes()));
        text.into_bytes()
    }

    /// Reads a file's content; `None` where it is no whole record or names anything but plain names.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Record> {
        let text = std::str::from_utf8(bytes).ok()?;
        let end = text.rfind("end ")?;
        let (body, last) = (text.get(..end)?, text.get(end..)?);
        if last != format!("end {:08x}\n", crc32c::crc32c(body.as_bytes())) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != "kerox-commit 1" {
            return None;
        }
        let mut record = Record::default();
        for line in lines {
            let (word, name) = line.split_once(' ').unwrap_or((line, ""));
            if word == "into" && name.is_empty() {
                continue;
            }
            let name = unescape(name)?;
            check(&name).ok()?;
            match word {
                "into" => record.into = Some(name),
                "put" => record.put.push(name),
                "remove" => record.remove.push(name),
                _ => return None,
            }
        }
        Some(record)
    }
}

fn check(name: &OsStr) -> Result<()> {
    target::check_name(Path::new("."), name)
}

fn escape(name: &OsStr) -> String {
    let mut text = String::new();
    for &byte in name.as_encoded_bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => text.push(byte as char),
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

fn unescape(text: &str) -> Option<OsString> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    os_string(bytes)
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        Record {
            into: Some("my model".into()),
            put: vec!["cp.data-00000-of-00001".into(), "a%b\nc".into(), "ä".into()],
            remove: vec!["old".into()],
        }
    }

    #[test]
    fn records_read_back() {
        assert_eq!(Record::from_bytes(&sample().to_bytes()), Some(sample()));
        assert_eq!(Record::from_bytes(&Record::default().to_bytes()), Some(Record::default()));
    }

    #[test]
    fn half_records_are_none() {
        let bytes = sample().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(Record::from_bytes(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn names_cannot_leave_the_directory() {
        for name in ["..", ".", "/etc/passwd", "a/b", ""] {
            let record = Record { put: vec![name.into()], ..Record::default() };
            assert_eq!(Record::from_bytes(&record.to_bytes()), None, "{name}");
        }
    }
}
