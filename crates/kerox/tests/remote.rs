//! Addresses: what detection and loading ask of a web server, and paths of `file:` addresses.
#![cfg(feature = "cloud")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use kerox::prelude::*;
use kerox::saving::{LoadOptions, SaveOptions, Target, check_target, detect, load_model};

type Requests = Arc<Mutex<Vec<(String, String, usize)>>>;

/// Serves files in memory with ranges, and notes method, path and number of bytes of each answer.
fn serve(files: HashMap<String, Vec<u8>>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let noted = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let Some((method, rest)) = lines.first().and_then(|line| line.split_once(' ')) else { continue };
            let path = rest.split(' ').next().unwrap().to_owned();
            let range = lines
                .iter()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
            let common = "Connection: close\r\nETag: \"1\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
            let (head, body) = match files.get(&path) {
                None => (format!("HTTP/1.1 404 Not Found\r\n{common}Content-Length: 0\r\n\r\n"), Vec::new()),
                Some(file) => match range.and_then(|range| {
                    let (from, to) = range.split_once('-')?;
                    Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?))
                }) {
                    Some((from, to)) => {
                        let part = file[from..(to + 1).min(file.len())].to_vec();
                        let range = format!("Content-Range: bytes {from}-{}/{}\r\n", from + part.len() - 1, file.len());
                        let length = part.len();
                        (format!("HTTP/1.1 206 Partial\r\n{common}{range}Content-Length: {length}\r\n\r\n"), part)
                    }
                    None => {
                        (format!("HTTP/1.1 200 OK\r\n{common}Content-Length: {}\r\n\r\n", file.len()), file.clone())
                    }
                },
            };
            let body = if method == "HEAD" { Vec::new() } else { body };
            noted.lock().unwrap().push((method.to_owned(), path, body.len()));
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    (address, requests)
}

fn taken(requests: &Requests) -> Vec<(String, String, usize)> {
    std::mem::take(&mut requests.lock().unwrap())
}

#[test]
fn detection_asks_for_little_and_loading_once() {
    let dir = tempfile::tempdir().unwrap();
    // 4 MB of weights.
    let mut model = Sequential::new().add(Dense::new(1000).input_shape([1000]));
    model.compile("sgd", "mse", ()).unwrap();
    let mut files = HashMap::new();
    let expected = [
        ("m.keras", "keras-v3"),
        ("m.h5", "keras-h5"),
        ("m.safetensors", "safetensors"),
        ("m.json", "keras-json"),
        ("w.weights.h5", "keras-weights-h5"),
        ("w.h5", "keras-h5"),
        ("w.ckpt", "tf-checkpoint"),
    ];
    for (name, _) in expected {
        let path = dir.path().join(name);
        match name.starts_with('m') {
            true => model.save(&path).unwrap(),
            false => model.save_weights(&path).unwrap(),
        }
    }
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // Names that say nothing: the content decides.
        let hidden = name.replace("m.keras", "a").replace("m.h5", "b").replace("w.weights.h5", "c");
        let content = std::fs::read(entry.path()).unwrap();
        files.insert(format!("/{hidden}"), content.clone());
        files.insert(format!("/{name}"), content);
    }
    files.insert("/text".into(), b"some text".to_vec());
    let (address, requests) = serve(files);
    let at = |name: &str| format!("{address}/{name}");
    let more = [("a", "keras-v3"), ("b", "keras-h5"), ("c", "keras-weights-h5")];
    for (name, format) in expected.into_iter().chain(more) {
        assert_eq!(detect(at(name)).unwrap().name, format, "{name}");
        let asked = taken(&requests);
        let bytes: usize = asked.iter().map(|(_, _, bytes)| bytes).sum();
        assert!(bytes < 200_000, "{name}: {bytes} bytes, {asked:?}");
    }
    assert!(detect(at("text")).unwrap_err().to_string().contains("found bytes 73 6f 6d 65"));
    assert!(detect(at("none")).unwrap_err().to_string().contains("found nothing"));
    taken(&requests);
    for name in ["m.keras", "m.h5", "m.safetensors", "a"] {
        let again = load_model(at(name), LoadOptions::new()).unwrap();
        assert_eq!(again.get_weights(), model.get_weights(), "{name}");
        let asked = taken(&requests);
        assert_eq!(asked.iter().filter(|(_, _, bytes)| *bytes > 0).count(), 1, "{name}: {asked:?}");
    }
}

#[test]
fn file_addresses_are_paths() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("with space");
    std::fs::create_dir(&root).unwrap();
    let at = |name: &str| format!("file://{}/{name}", root.display().to_string().replace(' ', "%20"));
    let mut model = Sequential::new().add(Dense::new(2).input_shape([3]));
    model.compile("sgd", "mse", ()).unwrap();
    for name in ["m.keras", "m.h5", "m.safetensors", "deep/model"] {
        model.save(at(name)).unwrap();
        assert!(root.join(name).exists(), "{name}");
        assert_eq!(detect(at(name)).unwrap(), detect(root.join(name)).unwrap());
        assert_eq!(load_model(at(name), LoadOptions::new()).unwrap().get_weights(), model.get_weights());
        let refused = model.save_with(at(name), &SaveOptions::new().overwrite(false)).unwrap_err();
        assert!(refused.to_string().contains("expected no file of that name, found one"), "{refused}");
    }
    model.save_weights(at("run/cp.ckpt")).unwrap();
    model.load_weights(at("run/cp.ckpt")).unwrap();
    // As for paths: old content stays where nothing new can be put in its place, and nothing is left beside it.
    std::fs::write(root.join("file"), b"old").unwrap();
    assert!(model.save(at("file/m.keras")).is_err());
    assert!(check_target(at("file/m.keras"), Target::Model(&SaveOptions::new())).is_err());
    assert!(check_target("s3://bucket/m.keras", Target::Model(&SaveOptions::new())).is_ok());
    assert_eq!(std::fs::read(root.join("file")).unwrap(), b"old");
    let mut names: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["deep", "file", "m.h5", "m.keras", "m.safetensors", "run"]);
    let error = detect("file://other/m.keras").unwrap_err().to_string();
    assert!(error.contains("no absolute path of this machine"), "{error}");
}
