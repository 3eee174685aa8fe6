//! Zip archives, read in place.
//!
//! ```text
//! { local header (30 bytes) | name | extra | data } ... | central directory | [zip64 end | locator] | end (22 bytes)
//! ```
//! The central directory is what counts; local headers must agree with it. Read: stored and deflated members, zip64.
//! Refused: encryption, other methods, archives in several parts, names that lead outside, two members of one name,
//! members that overlap.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use kerox_format_h5::{FileAt, ReadAt, Window};
use kerox_tensor::parallel;

use crate::error::{Error, Result};

/// Bounds on what an archive may claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Members, default 65,536.
    pub max_members: usize,
    /// Bytes a deflated member may expand to, as a multiple of its bytes (plus 1 MiB), default 1100.
    pub max_expansion: u64,
    /// Bytes all deflated members may expand to together, default 64 GiB.
    pub max_inflated_bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> ArchiveLimits {
        ArchiveLimits { max_members: 65_536, max_expansion: 1100, max_inflated_bytes: 64 << 30 }
    }
}

/// An open zip archive: its directory in memory, its members where they are.
#[derive(Clone, Debug)]
pub struct Archive {
    name: String,
    source: Arc<dyn ReadAt>,
    members: Vec<Member>,
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Bytes when unpacked.
    pub size: u64,
    /// Bytes in the archive.
    pub stored_size: u64,
    /// CRC-32 of the unpacked bytes.
    pub crc32: u32,
    deflated: bool,
    header: u64,
    data: u64,
}

const END: u32 = 0x0605_4b50;
const END_LEN: usize = 22;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
/// The longest comment an archive may end with.
const MAX_COMMENT: usize = 65_535;
/// Bytes read at a time to check a CRC: they stay in a near cache.
const BLOCK: usize = 1 << 18;
/// Blocks that are worth a thread.
const PART_BLOCKS: usize = 8;

/// Little-endian fields of a record, each bounded by what is left.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn uint(&mut self, size: usize) -> Option<u64> {
        let (head, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(head.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn skip(&mut self, size: usize) -> Option<()> {
        self.0 = self.0.get(size..)?;
        Some(())
    }
}

impl Archive {
    /// Opens an archive and checks its directory.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Archive`] for what is no zip archive, [`Error::Member`] for members no sound archive
    /// has.
    pub fn open(path: impl AsRef<Path>) -> Result<Archive> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let io = |source| Error::Io { operation: "open archive", file: name.clone(), source };
        let file = File::open(path).and_then(FileAt::new).map_err(io)?;
        Archive::from_source(name, Arc::new(file), &ArchiveLimits::default())
    }

    /// Opens an archive that lies anywhere. `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_source(name: impl Into<String>, source: Arc<dyn ReadAt>, limits: &ArchiveLimits) -> Result<Archive> {
        let mut archive = Archive { name: name.into(), source, members: Vec::new() };
        let (start, len, count) = archive.end()?;
        archive.members = archive.directory(start, len, count, limits)?;
        archive.place(start)?;
        Ok(archive)
    }

    /// The members in the directory's order, without folders.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of that name.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn member(&self, name: &str) -> Result<&Member> {
        self.members.iter().find(|member| member.name == name).ok_or_else(|| {
            let names: Vec<String> = self.members.iter().take(8).map(|m| format!("`{}`", m.name)).collect();
            let more = if self.members.len() > 8 { ", ..." } else { "" };
            let found =
                if names.is_empty() { "an empty archive".into() } else { format!("{}{more}", names.join(", ")) };
            Error::Missing { file: self.name.clone(), member: name.to_string(), found }
        })
    }

    /// Reads a member, its CRC-32 checked.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Member`] for damaged data, [`Error::Io`].
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let member = self.member(name)?;
        if member.deflated {
            return self.inflate(member);
        }
        let size = usize::try_from(member.size).map_err(|_| self.too_large(member))?;
        let mut bytes = vec![0; size];
        self.fill(&mut bytes, member.data)?;
        self.check_crc(member, crc32fast::hash(&bytes))?;
        Ok(bytes)
    }

    /// A member's bytes as a source of their own: in place where it is stored, unpacked in memory where it is
    /// deflated. Its CRC-32 is checked now, in blocks.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub fn source(&self, name: &str) -> Result<Arc<dyn ReadAt>> {
        let member = self.member(name)?;
        if member.deflated {
            return Ok(Arc::new(self.inflate(member)?));
        }
        self.check_crc(member, self.crc_in_place(member)?)?;
        let window = Window::new(self.source.clone(), member.data, member.size);
        Ok(Arc::new(window.ok_or_else(|| self.too_large(member))?))
    }

    /// The CRC-32 of a stored member, read in blocks; threads share what is large.
    fn crc_in_place(&self, member: &Member) -> Result<u32> {
        let blocks = usize::try_from(member.size.div_ceil(BLOCK as u64)).map_err(|_| self.too_large(member))?;
        let parts = parallel::parts_for(blocks, PART_BLOCKS);
        let each = blocks.div_ceil(parts).max(1);
        let mut sums: Vec<Result<crc32fast::Hasher>> = (0..parts).map(|_| Ok(crc32fast::Hasher::new())).collect();
        parallel::split_each(parts, [(&mut sums, 1)], |part, [sum]| {
            let Some(sum) = sum.first_mut() else { return };
            let begin = ((part * each) as u64).saturating_mul(BLOCK as u64).min(member.size);
            let end = begin.saturating_add((each as u64).saturating_mul(BLOCK as u64)).min(member.size);
            *sum = self.crc_of(member.data, begin..end);
        });
        let mut whole = crc32fast::Hasher::new();
        for sum in sums {
            whole.combine(&sum?);
        }
        Ok(whole.finalize())
    }

    /// The checksum of some bytes of a member whose data begin at `data`.
    fn crc_of(&self, data: u64, range: std::ops::Range<u64>) -> Result<crc32fast::Hasher> {
        let mut crc = crc32fast::Hasher::new();
        let mut block = vec![0; BLOCK.min(usize::try_from(range.end - range.start).unwrap_or(BLOCK))];
        let mut at = range.start;
        while at < range.end {
            let len = (range.end - at).min(BLOCK as u64) as usize;
            let part = block.get_mut(..len).unwrap_or_default();
            self.fill(part, data + at)?;
            crc.update(part);
            at += len as u64;
        }
        Ok(crc)
    }

    /// The name given when the archive was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn inflate(&self, member: &Member) -> Result<Vec<u8>> {
        let stored = usize::try_from(member.stored_size).map_err(|_| self.too_large(member))?;
        let mut bytes = vec![0; stored];
        self.fill(&mut bytes, member.data)?;
        let size = usize::try_from(member.size).map_err(|_| self.too_large(member))?;
        let mut out = Vec::with_capacity(size);
        let read = DeflateDecoder::new(bytes.as_slice()).take(member.size.saturating_add(1)).read_to_end(&mut out);
        match read {
            Err(error) => return Err(self.bad(member, "deflated data".into(), error.to_string())),
            Ok(_) if out.len() as u64 != member.size => {
                let found = if out.len() as u64 > member.size { "more".into() } else { out.len().to_string() };
                return Err(self.bad(member, format!("{} bytes", member.size), found));
            }
            Ok(_) => {}
        }
        self.check_crc(member, crc32fast::hash(&out))?;
        Ok(out)
    }

    fn check_crc(&self, member: &Member, found: u32) -> Result<()> {
        if found == member.crc32 {
            return Ok(());
        }
        Err(self.bad(member, format!("CRC-32 {:08x}", member.crc32), format!("{found:08x}")))
    }

    fn bad(&self, member: &Member, expected: String, found: String) -> Error {
        self.refuse(&member.name, expected, found, "the archive is damaged, copy it again")
    }

    fn too_large(&self, member: &Member) -> Error {
        self.bad(member, "data inside the archive that fit memory".into(), format!("{} bytes", member.size))
    }

    fn refuse(
        &self,
        member: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
        advice: &'static str,
    ) -> Error {
        let (expected, found) = (expected.into(), found.into());
        Error::Member { file: self.name.clone(), member: member.to_string(), expected, found, advice }
    }

    fn fail(&self, at: u64, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Archive { file: self.name.clone(), at, expected: expected.into(), found: found.into() }
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<()> {
        let io = |source| Error::Io { operation: "read archive", file: self.name.clone(), source };
        self.source.read_exact_at(buffer, at).map_err(io)
    }

    fn bytes(&self, at: u64, len: usize) -> Result<Vec<u8>> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.source.len()) {
            let left = self.source.len().saturating_sub(at);
            return Err(self.fail(at, format!("{len} bytes"), format!("{left} left")));
        }
        let mut bytes = vec![0; len];
        self.fill(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Start, length and number of entries of the central directory.
    fn end(&self) -> Result<(u64, u64, u64)> {
        let len = self.source.len();
        let tail_len = len.min((END_LEN + MAX_COMMENT) as u64);
        let tail_at = len - tail_len;
        let tail = self.bytes(tail_at, tail_len as usize)?;
        // The last signature whose comment ends with the file.
        let found = (0..(tail.len() + 1).saturating_sub(END_LEN)).rev().find(|&at| {
            tail.get(at..at + 4) == Some(END.to_le_bytes().as_slice())
                && tail.get(at + 20..at + 22).is_some_and(|comment| {
                    at + END_LEN + comment.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b)) == tail.len()
                })
        });
        let Some(at) = found else {
            let head = self.bytes(0, len.min(8) as usize)?;
            let found = if head.is_empty() { "an empty file".into() } else { format!("`{}`", head.escape_ascii()) };
            return Err(self.fail(0, "a zip archive", found));
        };
        let end_at = tail_at + at as u64;
        let mut fields = Fields(tail.get(at + 4..).unwrap_or(&[]));
        let mut field = |size| fields.uint(size).ok_or_else(|| self.fail(end_at, "an end record", "less"));
        let (disk, first_disk) = (field(2)?, field(2)?);
        let (here, count, len, start) = (field(2)?, field(2)?, field(4)?, field(4)?);
        let zip64 = count == 0xffff || len == 0xffff_ffff || start == 0xffff_ffff;
        if zip64 && let Some(locator_at) = end_at.checked_sub(20) {
            let locator = self.bytes(locator_at, 20)?;
            let mut fields = Fields(&locator);
            if fields.uint(4) == Some(u64::from(LOCATOR64)) {
                fields.skip(4);
                return self.end64(fields.uint(8).unwrap_or(u64::MAX));
            }
        }
        if disk != 0 || first_disk != 0 || here != count {
            return Err(self.fail(end_at, "an archive in one part", "one of several"));
        }
        Ok((start, len, count))
    }

    fn end64(&self, at: u64) -> Result<(u64, u64, u64)> {
        let record = self.bytes(at, 56)?;
        let mut fields = Fields(&record);
        let mut field = |size| fields.uint(size).ok_or_else(|| self.fail(at, "a zip64 end record", "less"));
        if field(4)? != u64::from(END64) {
            return Err(self.fail(at, "a zip64 end record", "another signature"));
        }
        let _ = (field(8)?, field(4)?);
        let (disk, first_disk, here, count) = (field(4)?, field(4)?, field(8)?, field(8)?);
        if disk != 0 || first_disk != 0 || here != count {
            return Err(self.fail(at, "an archive in one part", "one of several"));
        }
        let (len, start) = (field(8)?, field(8)?);
        Ok((start, len, count))
    }

    fn directory(&self, start: u64, len: u64, count: u64, limits: &ArchiveLimits) -> Result<Vec<Member>> {
        if count > limits.max_members as u64 {
            return Err(self.fail(start, format!("at most {} members", limits.max_members), format!("{count}")));
        }
        if start.checked_add(len).is_none_or(|end| end > self.source.len()) {
            return Err(self.fail(start, format!("a directory of {len} bytes"), "the end of the file"));
        }
        let bytes = self.bytes(start, usize::try_from(len).unwrap_or(usize::MAX))?;
        let mut rest = Fields(&bytes);
        let mut members: Vec<Member> = Vec::new();
        let mut names = HashSet::new();
        let mut inflated = 0u64;
        for _ in 0..count {
            let at = start + (bytes.len() - rest.0.len()) as u64;
            let member =
                central(&mut rest).ok_or_else(|| self.fail(at, "an entry of the directory", "less or another"))?;
            let Ok((member, flags, method)) = member else {
                return Err(self.fail(at, "a name in UTF-8", "another"));
            };
            let name = member.name.as_str();
            self.check_name(name)?;
            if !names.insert(name.replace('\\', "/")) {
                return Err(self.refuse(name, "one member of that name", "two", "make the archive again"));
            }
            if flags & 1 != 0 {
                return Err(self.refuse(name, "data that are not encrypted", "encryption", "decrypt the archive"));
            }
            let advice = "pack the archive again with stored or deflated members";
            match method {
                0 if member.size != member.stored_size => {
                    let expected = format!("{} bytes, as a stored member has", member.size);
                    return Err(self.bad(&member, expected, member.stored_size.to_string()));
                }
                0 => {}
                8 => {
                    let most = member.stored_size.saturating_mul(limits.max_expansion).saturating_add(1 << 20);
                    inflated = inflated.saturating_add(member.size);
                    if member.size > most || inflated > limits.max_inflated_bytes {
                        let expected = format!("at most {} unpacked bytes", most.min(limits.max_inflated_bytes));
                        return Err(self.refuse(
                            name,
                            expected,
                            format!("a claim of {}", member.size),
                            "do not trust this archive",
                        ));
                    }
                }
                other => return Err(self.refuse(name, "method 0 (stored) or 8 (deflated)", other.to_string(), advice)),
            }
            members.push(member);
        }
        Ok(members)
    }

    /// Refuses names that lead out of a folder.
    fn check_name(&self, name: &str) -> Result<()> {
        let outside = name.is_empty()
            || name.contains('\0')
            || name.starts_with(['/', '\\'])
            || name.as_bytes().get(1) == Some(&b':')
            || name.split(['/', '\\']).any(|part| part == "..");
        if outside {
            let found = format!("`{}`", name.escape_debug());
            return Err(self.refuse(name, "a relative name without `..`", found, "do not trust this archive"));
        }
        Ok(())
    }

    /// Finds the members' data behind their local headers; no two may overlap.
    fn place(&mut self, directory: u64) -> Result<()> {
        let mut members = std::mem::take(&mut self.members);
        let mut ranges = Vec::with_capacity(members.len());
        for member in &mut members {
            let header =
                self.bytes(member.header, 30).map_err(|_| self.bad(member, "a local header".into(), "none".into()))?;
            let mut fields = Fields(&header);
            let local = (|| {
                let signature = fields.uint(4)?;
                fields.skip(4)?;
                let method = fields.uint(2)?;
                fields.skip(16)?;
                Some((signature, method, fields.uint(2)?, fields.uint(2)?))
            })();
            let Some((signature, method, name_len, extra_len)) = local.filter(|l| l.0 == u64::from(LOCAL)) else {
                return Err(self.bad(member, "a local header".into(), "another signature".into()));
            };
            let name_at = member.header + 30;
            let name = self.bytes(name_at, name_len as usize)?;
            let same_method = (method == 8) == member.deflated;
            if name != member.name.as_bytes() || !same_method || signature == 0 {
                let found = format!("the name `{}` and method {method}", name.escape_ascii());
                return Err(self.bad(member, "a local header that agrees with the directory".into(), found));
            }
            member.data = name_at + name_len + extra_len;
            match member.data.checked_add(member.stored_size) {
                Some(end) if end <= directory => ranges.push((member.header, end, member.name.clone())),
                _ => {
                    let left = directory.saturating_sub(member.data);
                    return Err(self.bad(member, format!("{} bytes", member.stored_size), format!("{left} left")));
                }
            }
        }
        ranges.sort();
        for (before, after) in ranges.iter().zip(ranges.iter().skip(1)) {
            if after.0 < before.1 {
                let found = format!("one that overlaps `{}`", before.2);
                return Err(self.refuse(&after.2, "data of its own", found, "do not trust this archive"));
            }
        }
        members.retain(|member| !member.name.ends_with('/'));
        self.members = members;
        Ok(())
    }
}

/// One entry of the directory with its flags and method; an inner error for a name that is no UTF-8.
#[allow(clippy::type_complexity)]
fn central(rest: &mut Fields<'_>) -> Option<std::result::Result<(Member, u64, u64), std::string::FromUtf8Error>> {
    if rest.uint(4)? != u64::from(CENTRAL) {
        return None;
    }
    rest.skip(4)?;
    let (flags, method) = (rest.uint(2)?, rest.uint(2)?);
    rest.skip(4)?;
    let crc32 = rest.uint(4)? as u32;
    let (mut stored_size, mut size) = (rest.uint(4)?, rest.uint(4)?);
    let (name_len, extra_len, comment_len) = (rest.uint(2)?, rest.uint(2)?, rest.uint(2)?);
    rest.skip(8)?;
    let mut header = rest.uint(4)?;
    let name = rest.0.get(..name_len as usize)?.to_vec();
    rest.skip(name_len as usize)?;
    let mut extra = Fields(rest.0.get(..extra_len as usize)?);
    rest.skip(extra_len as usize + comment_len as usize)?;
    while let (Some(id), Some(len)) = (extra.uint(2), extra.uint(2)) {
        let mut field = Fields(extra.0.get(..len as usize)?);
        extra.skip(len as usize)?;
        if id == 1 {
            // zip64: those of the values that did not fit, in this order.
            for value in [&mut size, &mut stored_size, &mut header] {
                if *value == 0xffff_ffff {
                    *value = field.uint(8)?;
                }
            }
        }
    }
    let deflated = method == 8;
    Some(
        String::from_utf8(name)
            .map(|name| (Member { name, size, stored_size, crc32, deflated, header, data: 0 }, flags, method)),
    )
}
