//! Lists of integers in a pickled numpy array, read without running anything.
//!
//! numpy keeps an array of lists as a pickle behind the header of the `.npy` file. A pickle is a program; this reader
//! knows the few instructions that make up lists of integers and the array around them, and refuses every other.
//! Names of Python functions are compared with those that numpy writes and otherwise ignored.

use std::collections::HashMap;

use super::{Error, Result};

/// Things on the stack at one time; Python writes lists in pieces of 1,000.
const MAX_STACK: usize = 1 << 16;
/// Remembered names.
const MAX_MEMO: usize = 1 << 10;
/// What numpy names to put an array together.
const KNOWN: [&str; 7] = [
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray _reconstruct",
    "numpy ndarray",
    "numpy dtype",
    "_codecs encode",
    "numpy.core.numeric _frombuffer",
    "numpy._core.numeric _frombuffer",
];

/// What an instruction leaves on the stack.
enum Item {
    Mark,
    /// A name, a call, anything whose value does not matter.
    Opaque,
    Text(String),
    Int(i64),
    /// A list of integers, or an empty list.
    Ints(Vec<i32>),
    Lists(Vec<Vec<i32>>),
    Tuple(Vec<Item>),
    Array(Vec<Vec<i32>>),
}

/// Reads the bytes of an `.npy` file of dtype object whose elements are lists of integers.
///
/// # Errors
/// [`Error::Content`] for anything else.
pub(crate) fn read(bytes: &[u8], file: &str) -> Result<Vec<Vec<i32>>> {
    let mut machine = Machine { bytes, at: 0, file, stack: Vec::new(), memo: HashMap::new(), remembered: 0 };
    machine.header()?;
    machine.run()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    file: &'a str,
    stack: Vec<Item>,
    memo: HashMap<u32, Option<String>>,
    /// How many things were remembered by instructions that count for themselves.
    remembered: u32,
}

impl<'a> Machine<'a> {
    fn wrong<T>(&self, expected: &str, found: impl Into<String>) -> Result<T> {
        Err(Error::Content {
            file: self.file.to_string(),
            expected: format!("{expected} at byte {}", self.at),
            found: format!(
                "{}; pickles are not executed: in Python, store the lists one after another as `train_ids` with \
                 `train_offsets` and `train_labels`, and `test_...` alike",
                found.into()
            ),
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let bytes = self.bytes;
        match bytes.get(self.at..).and_then(|rest| rest.get(..count)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => self.wrong(&format!("{count} more bytes"), "the end of the file"),
        }
    }

    /// An unsigned number of up to 8 bytes, the lowest first.
    fn unsigned(&mut self, count: usize) -> Result<u64> {
        Ok(self.take(count)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn line(&mut self) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.iter().take(256).position(|&byte| byte == b'\n') {
            Some(end) => {
                self.at += end + 1;
                Ok(&rest[..end])
            }
            None => self.wrong("a name of at most 255 bytes", "a longer one"),
        }
    }

    fn header(&mut self) -> Result<()> {
        let start = self.take(8)?;
        if start[..6] != *b"\x93NUMPY" {
            return self.wrong("an array file of numpy", "another kind of file");
        }
        let length = self.unsigned(if start[6] == 1 { 2 } else { 4 })?;
        let header = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        let text = String::from_utf8_lossy(header);
        if !text.contains("'descr': '|O'") {
            return self.wrong("an array of objects", format!("the header {}", text.trim()));
        }
        Ok(())
    }

    fn push(&mut self, item: Item) -> Result<()> {
        if self.stack.len() >= MAX_STACK {
            return self.wrong(&format!("at most {MAX_STACK} unfinished things"), "more");
        }
        self.stack.push(item);
        Ok(())
    }

    fn pop(&mut self) -> Result<Item> {
        match self.stack.pop() {
            Some(item) => Ok(item),
            None => self.wrong("something on the stack", "nothing"),
        }
    }

    /// Everything above the last mark.
    fn pop_to_mark(&mut self) -> Result<Vec<Item>> {
        let Some(mark) = self.stack.iter().rposition(|item| matches!(item, Item::Mark)) else {
            return self.wrong("a mark on the stack", "none");
        };
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn pop_tuple(&mut self, count: usize) -> Result<()> {
        if self.stack.len() < count {
            return self.wrong(&format!("{count} elements of a tuple"), "fewer");
        }
        let items = self.stack.split_off(self.stack.len() - count);
        self.push(Item::Tuple(items))
    }

    /// Adds elements to the list on top of the stack.
    fn append(&mut self, items: Vec<Item>) -> Result<()> {
        let mut list = self.pop()?;
        for item in items {
            match (&mut list, item) {
                (Item::Ints(ints), Item::Int(int)) => match i32::try_from(int) {
                    Ok(int) => ints.push(int),
                    Err(_) => return self.wrong("integers of 32 bits", int.to_string()),
                },
                (Item::Ints(ints), Item::Ints(inner)) if ints.is_empty() => list = Item::Lists(vec![inner]),
                (Item::Lists(lists), Item::Ints(inner)) => lists.push(inner),
                _ => return self.wrong("a list of integers, or of lists of integers", "other elements"),
            }
        }
        self.push(list)
    }

    /// Notes that numpy's own functions are named.
    fn name(&mut self, name: &str) -> Result<()> {
        match KNOWN.contains(&name) {
            true => self.push(Item::Opaque),
            false => self.wrong("the names by which numpy describes an array", format!("`{name}`")),
        }
    }

    /// Remembers the text on top of the stack. Lists are not remembered: one that is used twice is refused.
    fn remember(&mut self, number: u32) -> Result<()> {
        let entry = match self.stack.last() {
            Some(Item::Text(text)) => Some(text.clone()),
            Some(Item::Opaque) => None,
            _ => return Ok(()),
        };
        if self.memo.len() >= MAX_MEMO {
            return self.wrong(&format!("at most {MAX_MEMO} names"), "more");
        }
        self.memo.insert(number, entry);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<()> {
        match self.memo.get(&number) {
            Some(Some(text)) => self.push(Item::Text(text.clone())),
            Some(None) => self.push(Item::Opaque),
            None => self.wrong("a name met before", format!("number {number}")),
        }
    }

    fn text(&mut self, length: u64) -> Result<()> {
        let text = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        if text.len() > 255 {
            return self.wrong("a text of at most 255 bytes", text.len().to_string());
        }
        self.push(Item::Text(String::from_utf8_lossy(text).into_owned()))
    }

    fn run(&mut self) -> Result<Vec<Vec<i32>>> {
        loop {
            let code = self.take(1)?[0];
            match code {
                0x80 => {
                    let protocol = self.unsigned(1)?;
                    if !(2..=5).contains(&protocol) {
                        return self.wrong("a pickle of protocol 2 to 5", protocol.to_string());
                    }
                }
                0x95 => drop(self.take(8)?),
                b'(' => self.push(Item::Mark)?,
                b']' => self.push(Item::Ints(Vec::new()))?,
                b')' => self.push(Item::Tuple(Vec::new()))?,
                b'N' | 0x88 | 0x89 => self.push(Item::Opaque)?,
                b'K' => self.integer(1)?,
                b'M' => self.integer(2)?,
                b'J' => {
                    let number = self.unsigned(4)? as u32 as i32;
                    self.push(Item::Int(i64::from(number)))?;
                }
                0x8a => {
                    let length = self.unsigned(1)? as usize;
                    if length > 8 {
                        return self.wrong("an integer of at most 8 bytes", format!("{length} bytes"));
                    }
                    let number = self.unsigned(length)?;
                    // The highest bit is the sign.
                    let unused = 64 - 8 * length as u32;
                    let number = if length == 0 { 0 } else { ((number << unused) as i64) >> unused };
                    self.push(Item::Int(number))?;
                }
                0x8c | b'U' | b'C' => {
                    let length = self.unsigned(1)?;
                    self.text(length)?;
                }
                b'X' => {
                    let length = self.unsigned(4)?;
                    self.text(length)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let name = [module, b" ", name].concat();
                    self.name(&String::from_utf8_lossy(&name))?;
                }
                0x93 => match (self.pop()?, self.pop()?) {
                    (Item::Text(name), Item::Text(module)) => self.name(&format!("{module} {name}"))?,
                    _ => return self.wrong("two names", "something else"),
                },
                b'q' => {
                    let number = self.unsigned(1)? as u32;
                    self.remember(number)?;
                }
                b'r' => {
                    let number = self.unsigned(4)? as u32;
                    self.remember(number)?;
                }
                0x94 => {
                    let number = self.remembered;
                    self.remembered = self.remembered.saturating_add(1);
                    self.remember(number)?;
                }
                b'h' => {
                    let number = self.unsigned(1)? as u32;
                    self.recall(number)?;
                }
                b'j' => {
                    let number = self.unsigned(4)? as u32;
                    self.recall(number)?;
                }
                b't' => {
                    let items = self.pop_to_mark()?;
                    self.push(Item::Tuple(items))?;
                }
                0x85..=0x87 => self.pop_tuple(usize::from(code) - 0x84)?,
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_to_mark()?;
                    self.append(items)?;
                }
                b'R' => match (self.pop()?, self.pop()?) {
                    (Item::Tuple(_), Item::Opaque) => self.push(Item::Opaque)?,
                    _ => return self.wrong("the making of an array", "another call"),
                },
                b'b' => self.build()?,
                b'.' => {
                    return match self.pop()? {
                        Item::Array(lists) if self.stack.is_empty() => Ok(lists),
                        _ => self.wrong("an array of lists", "something else"),
                    };
                }
                other => return self.wrong("an instruction of lists and arrays", format!("byte {other:#04x}")),
            }
        }
    }

    fn integer(&mut self, bytes: usize) -> Result<()> {
        let number = self.unsigned(bytes)?;
        self.push(Item::Int(number as i64))
    }

    /// The state `(version, shape, dtype, order, elements)` of an array; the states of other things do not matter.
    fn build(&mut self) -> Result<()> {
        let (state, object) = (self.pop()?, self.pop()?);
        let (Item::Tuple(mut state), Item::Opaque) = (state, object) else {
            return self.wrong("the state of an array", "another");
        };
        let lists = match state.pop() {
            Some(Item::Lists(lists)) => lists,
            Some(Item::Ints(empty)) if empty.is_empty() => Vec::new(),
            Some(Item::Ints(_)) => return self.wrong("lists of integers", "integers"),
            _ => return self.push(Item::Opaque),
        };
        match state.get(1) {
            Some(Item::Tuple(shape)) if matches!(shape[..], [Item::Int(length)] if length == lists.len() as i64) => {
                self.push(Item::Array(lists))
            }
            _ => self.wrong(&format!("one axis of {} lists", lists.len()), "another shape"),
        }
    }
}
