//! IMDB: film reviews as numbers of words, good or bad.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use kerox_tensor::{DType, Tensor, npz::Npz};

use super::numpy_random::RandomState;
use super::{Error, Result, folders, object_array, read};

/// Reviews as numbers of words, and their labels: i64 `[reviews]`, 1 is a good one.
pub type Reviews = (Vec<Vec<i32>>, Tensor);

/// A word that is not among those the file numbers.
const UNKNOWN: i32 = i32::MAX;
/// A member larger than this when unpacked is no part of IMDB.
const MAX_BYTES: u64 = 128 << 20;
/// Files that are looked for, as Keras names them and as a smaller set may be named.
const FILES: [&str; 2] = ["imdb.npz", "imdb-5000.npz"];

/// The arguments of [`load_data`].
///
/// # Example
/// ```
/// let options = kerox::datasets::imdb::Options::new().num_words(5000).maxlen(200).seed(1);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    num_words: Option<usize>,
    skip_top: usize,
    maxlen: Option<usize>,
    seed: u32,
    start_char: Option<i32>,
    oov_char: Option<i32>,
    index_from: i32,
}

impl Options {
    /// Keras's defaults.
    pub fn new() -> Options {
        Options {
            num_words: None,
            skip_top: 0,
            maxlen: None,
            seed: 113,
            start_char: Some(1),
            oov_char: Some(2),
            index_from: 3,
        }
    }

    /// Numbers from here on become `oov_char`; all words are kept by default.
    #[must_use]
    pub fn num_words(mut self, num_words: usize) -> Options {
        self.num_words = Some(num_words);
        self
    }

    /// Numbers below this become `oov_char`; 0 by default.
    #[must_use]
    pub fn skip_top(mut self, skip_top: usize) -> Options {
        self.skip_top = skip_top;
        self
    }

    /// Reviews of this many words or more are left out; none by default.
    #[must_use]
    pub fn maxlen(mut self, maxlen: usize) -> Options {
        self.maxlen = Some(maxlen);
        self
    }

    /// Decides the order of the reviews; 113 by default.
    #[must_use]
    pub fn seed(mut self, seed: u32) -> Options {
        self.seed = seed;
        self
    }

    /// The number that starts a review; 1 by default, `None` for none.
    #[must_use]
    pub fn start_char(mut self, start_char: impl Into<Option<i32>>) -> Options {
        self.start_char = start_char.into();
        self
    }

    /// The number in place of words that are left out; 2 by default, with `None` they leave no trace.
    #[must_use]
    pub fn oov_char(mut self, oov_char: impl Into<Option<i32>>) -> Options {
        self.oov_char = oov_char.into();
        self
    }

    /// The number of the most frequent word is one more than this; 3 by default.
    #[must_use]
    pub fn index_from(mut self, index_from: i32) -> Options {
        self.index_from = index_from;
        self
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

/// Loads reviews for training and for testing. They come from the first that is there:
///
/// 1. `imdb.npz` (25,000 and 25,000 reviews) as Keras keeps it, or a smaller set as `datasets/README.md` describes it,
///    in `$KEROX_HOME/datasets`, `$KERAS_HOME/datasets`, `~/.keras/datasets` or `$KEROX_SHARED/data`, or in their folder
///    `imdb`;
/// 2. with the feature `download`, Keras's file, which is fetched once and its checksum verified;
/// 3. the 1,200 and 300 reviews that ship with the crate ([`load_slice`]).
///
/// # Shapes
/// lists of numbers of words; labels i64 `[reviews]`.
///
/// # Errors
/// [`Error::Content`] where a file is something else, [`Error::Argument`] where no review is left; with the feature
/// `download`, [`Error::Download`].
///
/// # Source
/// `keras.datasets.imdb.load_data`. Differs: without `num_words` the rarest word is kept too.
pub fn load_data(options: &Options) -> Result<(Reviews, Reviews)> {
    let folders = folders("imdb");
    if let Some(path) = find(&folders, &FILES) {
        return load_file(&path, options);
    }
    #[cfg(feature = "download")]
    return load_file(&super::download::fetch(&super::download::IMDB)?, options);
    #[cfg(not(feature = "download"))]
    load_slice(options)
}

/// Loads the reviews that ship with the crate: 1,200 for training and 300 for testing, of at most 250 words, words beyond
/// the 5,000 most frequent ones unknown.
///
/// # Errors
/// [`Error::Argument`] where no review is left.
///
/// # Example
/// ```
/// use kerox::datasets::imdb;
/// let ((x_train, y_train), (x_test, _)) = imdb::load_slice(&imdb::Options::new().num_words(1000))?;
/// assert_eq!((x_train.len(), x_test.len()), (1200, 300));
/// assert_eq!(y_train.shape()[..], [1200]);
/// assert!(x_train.iter().all(|review| review[0] == 1 && review.iter().all(|&word| word < 1000)));
/// # Ok::<(), kerox::datasets::Error>(())
/// ```
///
/// # Source
/// "Large Movie Review Dataset", A. Maas et al., Learning Word Vectors for Sentiment Analysis, 2011.
pub fn load_slice(options: &Options) -> Result<(Reviews, Reviews)> {
    load_bytes(include_bytes!("../../data/imdb-slice.npz"), "imdb-slice.npz", options)
}

/// Loads reviews from a file of one of the two forms that [`load_data`] reads.
///
/// # Errors
/// As [`load_data`].
pub fn load_file(path: impl AsRef<Path>, options: &Options) -> Result<(Reviews, Reviews)> {
    let path = path.as_ref();
    load_bytes(&read(path)?, &path.display().to_string(), options)
}

/// The number of each word, 1 for the most frequent: add `index_from` to compare it with the reviews. Read from
/// `imdb_word_index.json` where [`load_data`] looks for its file, with the feature `download` fetched otherwise.
///
/// # Errors
/// [`Error::NotFound`] where there is none; [`Error::Content`] where it is something else.
///
/// # Source
/// `keras.datasets.imdb.get_word_index`.
pub fn get_word_index() -> Result<HashMap<String, usize>> {
    let folders = folders("imdb");
    let name = "imdb_word_index.json";
    match find(&folders, &[name]) {
        Some(path) => parse_word_index(&read(&path)?, &path.display().to_string()),
        #[cfg(feature = "download")]
        None => {
            let path = super::download::fetch(&super::download::IMDB_WORD_INDEX)?;
            parse_word_index(&read(&path)?, &path.display().to_string())
        }
        #[cfg(not(feature = "download"))]
        None => Err(super::not_found("the words of IMDB", name, &folders)),
    }
}

fn find(folders: &[PathBuf], names: &[&str]) -> Option<PathBuf> {
    folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).find(|path| path.is_file())
}

fn parse_word_index(bytes: &[u8], file: &str) -> Result<HashMap<String, usize>> {
    let wrong = |found: String| Error::Content {
        file: file.into(),
        expected: "an object of words and their numbers".into(),
        found,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("bytes that are no text".into()))?;
    let json = kerox_config_json::Value::parse(text).map_err(|error| wrong(error.to_string()))?;
    let map = json.as_map().ok_or_else(|| wrong(json.describe()))?;
    let entry = |(word, number): (&str, &kerox_config_json::Value)| {
        let known = number.as_i64().and_then(|number| usize::try_from(number).ok());
        known
            .map(|number| (word.to_string(), number))
            .ok_or_else(|| wrong(format!("{} for `{word}`", number.describe())))
    };
    map.iter().map(entry).collect()
}

/// Reviews as ranks of words, the most frequent 1.
type Ranks = (Vec<Vec<i32>>, Vec<i64>);

fn load_bytes(bytes: &[u8], file: &str, options: &Options) -> Result<(Reviews, Reviews)> {
    let mut npz = Npz::open(Cursor::new(bytes), file)?;
    let names = npz.names();
    let has = |name: &str| names.iter().any(|n| n == name);
    let mut part = |part: &str| -> Result<Ranks> {
        let (ranks, labels) = match has(&format!("x_{part}")) {
            true => {
                let name = format!("x_{part}");
                let lists = object_array::read(&npz.member(&name, MAX_BYTES)?, &format!("{file}:{name}"))?;
                (lists, npz.read(&format!("y_{part}"))?)
            }
            false => (plain_ranks(&mut npz, file, part)?, npz.read(&format!("{part}_labels"))?),
        };
        let labels = labels.cast(DType::I64)?.as_slice::<i64>()?.to_vec();
        if labels.len() != ranks.len() {
            return Err(Error::Content {
                file: file.into(),
                expected: format!("a label for each of {} reviews", ranks.len()),
                found: labels.len().to_string(),
            });
        }
        Ok((ranks, labels))
    };
    let (train, test) = (part("train")?, part("test")?);
    prepare(train, test, options)
}

/// Reviews that are numbered already: 1 starts a review, 2 is an unknown word, 4 the most frequent one.
fn plain_ranks(npz: &mut Npz<Cursor<&[u8]>>, file: &str, part: &str) -> Result<Vec<Vec<i32>>> {
    let ids = npz.read(&format!("{part}_ids"))?.cast(DType::I64)?;
    let offsets = npz.read(&format!("{part}_offsets"))?.cast(DType::I64)?;
    let (ids, offsets) = (ids.as_slice::<i64>()?, offsets.as_slice::<i64>()?);
    let mut reviews = Vec::with_capacity(offsets.len().saturating_sub(1));
    for pair in offsets.windows(2) {
        let range = usize::try_from(pair[0]).ok().zip(usize::try_from(pair[1]).ok());
        let review = range.and_then(|(from, to)| ids.get(from..to)).ok_or_else(|| Error::Content {
            file: format!("{file}:{part}_offsets"),
            expected: format!("offsets that grow up to {}", ids.len()),
            found: format!("{} and {}", pair[0], pair[1]),
        })?;
        let words = match review {
            [1, words @ ..] => words,
            words => words,
        };
        let rank = |&id: &i64| if id > 3 { i32::try_from(id - 3).unwrap_or(UNKNOWN) } else { UNKNOWN };
        reviews.push(words.iter().map(rank).collect());
    }
    Ok(reviews)
}

/// What Keras does with the reviews of its file.
fn prepare(train: Ranks, test: Ranks, options: &Options) -> Result<(Reviews, Reviews)> {
    let mut random = RandomState::new(options.seed);
    let mut parts = Vec::with_capacity(2);
    for (reviews, labels) in [train, test] {
        let mut order: Vec<usize> = (0..reviews.len()).collect();
        random.shuffle(&mut order);
        let start = options.start_char.is_some() as usize;
        let order = order.into_iter().filter(|&i| options.maxlen.is_none_or(|most| reviews[i].len() + start < most));
        let (mut kept, mut kept_labels) = (Vec::new(), Vec::new());
        for i in order {
            kept.push(numbered(&reviews[i], options));
            kept_labels.push(labels[i]);
        }
        if kept.is_empty() && !reviews.is_empty() {
            return Err(Error::Argument {
                dataset: "IMDB".into(),
                argument: "maxlen".into(),
                expected: "a length that some reviews are below".into(),
                found: options.maxlen.unwrap_or_default().to_string(),
            });
        }
        let count = kept_labels.len();
        parts.push((kept, Tensor::from_vec(kept_labels, [count])?));
    }
    let test = parts.pop().unwrap_or_else(|| (Vec::new(), Tensor::scalar(0i64)));
    let train = parts.pop().unwrap_or_else(|| (Vec::new(), Tensor::scalar(0i64)));
    Ok((train, test))
}

fn numbered(ranks: &[i32], options: &Options) -> Vec<i32> {
    let least = i64::try_from(options.skip_top).unwrap_or(i64::MAX);
    let most = options.num_words.map_or(i64::MAX, |words| i64::try_from(words).unwrap_or(i64::MAX));
    let kept = |number: i64| {
        let number = if (least..most).contains(&number) { i32::try_from(number).ok() } else { None };
        number.or(options.oov_char)
    };
    let words = ranks.iter().map(|&rank| match rank {
        UNKNOWN => i64::MAX,
        rank => i64::from(rank) + i64::from(options.index_from),
    });
    options.start_char.map(i64::from).into_iter().chain(words).filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use kerox_config_json::Value as Json;

    fn golden(name: &str) -> PathBuf {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/datasets")).join(name)
    }

    fn lists(json: &Json) -> Vec<Vec<i32>> {
        let ints = |list: &Json| list.as_list().unwrap().iter().map(|n| n.as_i64().unwrap() as i32).collect();
        json.as_list().unwrap().iter().map(ints).collect()
    }

    #[test]
    fn keras_and_kerox_load_the_same() {
        let json = Json::parse(&fs::read_to_string(golden("imdb.json")).unwrap()).unwrap();
        for protocol in 2..=5 {
            let bytes = fs::read(golden(&format!("object_{protocol}.npy"))).unwrap();
            assert_eq!(object_array::read(&bytes, "x").unwrap(), lists(json.get("reviews").unwrap()), "{protocol}");
        }
        for case in json.get("cases").unwrap().as_list().unwrap() {
            let mut options = Options::new();
            for (key, value) in case.get("arguments").unwrap().as_map().unwrap().iter() {
                let number = value.as_i64().map(|n| n as usize);
                let small = number.map(|n| n as i32);
                options = match key {
                    "num_words" => options.num_words(number.unwrap()),
                    "skip_top" => options.skip_top(number.unwrap()),
                    "maxlen" => options.maxlen(number.unwrap()),
                    "seed" => options.seed(number.unwrap() as u32),
                    "start_char" => options.start_char(small),
                    "oov_char" => options.oov_char(small),
                    "index_from" => options.index_from(small.unwrap()),
                    other => panic!("{other}"),
                };
            }
            let ((x_train, y_train), (x_test, y_test)) = load_file(golden("imdb.npz"), &options).unwrap();
            let labels =
                |json: &Json| -> Vec<i64> { json.as_list().unwrap().iter().filter_map(Json::as_i64).collect() };
            assert_eq!(x_train, lists(case.get("x_train").unwrap()), "{options:?}");
            assert_eq!(x_test, lists(case.get("x_test").unwrap()), "{options:?}");
            assert_eq!(y_train.as_slice::<i64>().unwrap(), labels(case.get("y_train").unwrap()), "{options:?}");
            assert_eq!(y_test.as_slice::<i64>().unwrap(), labels(case.get("y_test").unwrap()), "{options:?}");
        }
    }

    #[test]
    fn pickles_that_are_more_than_lists_are_refused() {
        let bytes = fs::read(golden("object_2.npy")).unwrap();
        let body = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
        let with = |body_bytes: &[u8]| [&bytes[..body], body_bytes].concat();
        let fails = |bytes: &[u8], expected: &str| {
            let error = object_array::read(bytes, "x").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(&with(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."), "found `os system`; pickles are not executed");
        fails(&with(b"\x80\x02]q\0(h\0h\0e."), "expected a name met before");
        fails(&with(b"\x80\x00."), "protocol 2 to 5");
        fails(&with(b"\x80\x02]."), "expected an array of lists");
        fails(b"nothing", "8 more bytes");
        // Cut anywhere, changed anywhere: an error or other numbers, never a panic.
        for end in 0..bytes.len() {
            assert!(object_array::read(&bytes[..end], "x").is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                let _ = object_array::read(&other, "x");
            }
        }
    }

    #[test]
    fn reviews_that_are_not_there() {
        let error = load_slice(&Options::new().maxlen(3)).unwrap_err().to_string();
        assert_eq!(error, "load IMDB argument `maxlen`: expected a length that some reviews are below, found 3");
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("imdb.npz"), b"no archive").unwrap();
        let error = load_file(dir.path().join("imdb.npz"), &Options::new()).unwrap_err().to_string();
        assert!(error.contains("imdb.npz"), "{error}");
        assert_eq!(parse_word_index(b"{\"the\": 1, \"film\": 19}", "x").unwrap()["film"], 19);
        let error = parse_word_index(b"{\"the\": -1}", "x").unwrap_err().to_string();
        assert!(error.contains("an object of words and their numbers"), "{error}");
    }
}
