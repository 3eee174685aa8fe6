//! Files of data sets from where Keras fetches them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kerox_fs::SaveOptions;
use sha2::Digest;

use super::{Error, Result, homes};

/// Files larger than this are none of these data sets.
const MAX_BYTES: u64 = 256 << 20;

/// A file that can be fetched.
pub(super) struct Remote<'a> {
    /// Its name where it is kept.
    pub name: &'a str,
    pub address: &'a str,
    pub checksum: Checksum<'a>,
}

/// What the bytes of a file give, in hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) enum Checksum<'a> {
    Md5(&'a str),
    Sha256(&'a str),
}

pub(super) const MNIST: Remote<'static> = Remote {
    name: "mnist.npz",
    address: "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    checksum: Checksum::Sha256("731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
};

pub(super) const IMDB: Remote<'static> = Remote {
    name: "imdb.npz",
    address: "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
    checksum: Checksum::Sha256("69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
};

pub(super) const IMDB_WORD_INDEX: Remote<'static> = Remote {
    name: "imdb_word_index.json",
    address: "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb_word_index.json",
    checksum: Checksum::Md5("bfafd718b763782e994055a2d397834f"),
};

/// Fetches a file into the folder `datasets` of the first home and gives its path.
pub(super) fn fetch(remote: &Remote<'_>) -> Result<PathBuf> {
    let home = homes().into_iter().next().unwrap_or_else(|| ".".into());
    fetch_into(&home.join("datasets"), remote)
}

/// Fetches a file; what does not give its checksum is not kept.
fn fetch_into(folder: &Path, remote: &Remote<'_>) -> Result<PathBuf> {
    let place = folder.join(remote.name);
    let failed = |expected: &str, found: String| Error::Download {
        address: remote.address.into(),
        expected: expected.into(),
        found,
        place: folder.display().to_string(),
    };
    let agent = ureq::Agent::config_builder().timeout_connect(Some(Duration::from_secs(30))).build().new_agent();
    let response = agent.get(remote.address).call().map_err(|error| failed("the file", error.to_string()))?;
    let mut bytes = Vec::new();
    let mut body = response.into_body().into_reader().take(MAX_BYTES + 1);
    body.read_to_end(&mut bytes).map_err(|error| failed("the whole file", error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed("at most 256 MiB", "more".into()));
    }
    let (kind, expected, found) = match remote.checksum {
        Checksum::Md5(expected) => ("MD5", expected, hexadecimal(&md5::Md5::digest(&bytes))),
        Checksum::Sha256(expected) => ("SHA-256", expected, hexadecimal(&sha2::Sha256::digest(&bytes))),
    };
    if found != expected {
        return Err(failed(&format!("{kind} {expected}"), found));
    }
    kerox_fs::write_file(&place, &bytes, &SaveOptions::new())?;
    Ok(place)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// Answers one request with that body; gives the address.
    fn serve(body: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/abc.bin", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
            stream.write_all(body).unwrap();
        });
        address
    }

    #[test]
    fn what_arrives_is_verified_before_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("datasets");
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let fetch = |address: &str, checksum| fetch_into(&folder, &Remote { name: "abc.bin", address, checksum });
        let error = fetch(&serve(b"abd"), Checksum::Sha256(sha)).unwrap_err().to_string();
        assert!(error.contains(&format!("expected SHA-256 {sha}, found ")), "{error}");
        assert!(!folder.join("abc.bin").exists());
        let place = fetch(&serve(b"abc"), Checksum::Sha256(sha)).unwrap();
        assert_eq!(std::fs::read(place).unwrap(), b"abc");
        fetch(&serve(b"abc"), Checksum::Md5("900150983cd24fb0d6963f7d28e17f72")).unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = fetch(&format!("http://{closed}/"), Checksum::Md5("")).unwrap_err().to_string();
        assert!(error.contains("expected the file, found"), "{error}");
    }
}
