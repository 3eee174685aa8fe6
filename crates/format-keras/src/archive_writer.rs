//! Zip archives of stored members, written from front to back.

use std::io::{self, Write};

/// 1980-01-01 in MS-DOS form: the same model gives the same bytes.
const DATE: u16 = 0x0021;

/// Writes members one after another, then the directory.
pub(crate) struct ArchiveWriter<'a> {
    out: &'a mut dyn Write,
    at: u64,
    directory: Vec<u8>,
    count: u64,
}

impl<'a> ArchiveWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> ArchiveWriter<'a> {
        ArchiveWriter { out, at: 0, directory: Vec::new(), count: 0 }
    }

    /// Writes one member whose length and CRC-32 are known; `write` must write just those bytes.
    pub(crate) fn member<E: From<io::Error>>(
        &mut self,
        name: &str,
        size: u64,
        crc32: u32,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let large = size >= 0xffff_ffff;
        let far = self.at >= 0xffff_ffff;
        let short = |value: u64, is_long: bool| if is_long { u32::MAX } else { value as u32 };
        // Version needed (4.5 with zip64), flag for names in UTF-8, method stored, time and date, CRC, sizes.
        let mut common = Vec::new();
        common.extend(if large || far { 45u16 } else { 20 }.to_le_bytes());
        common.extend(if name.is_ascii() { 0u16 } else { 0x0800 }.to_le_bytes());
        common.extend([0; 4]);
        common.extend(DATE.to_le_bytes());
        common.extend(crc32.to_le_bytes());
        common.extend(short(size, large).to_le_bytes());
        common.extend(short(size, large).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        let extra = |values: &[u64]| {
            let mut extra = Vec::new();
            if !values.is_empty() {
                extra.extend(1u16.to_le_bytes());
                extra.extend((8 * values.len() as u16).to_le_bytes());
                values.iter().for_each(|value| extra.extend(value.to_le_bytes()));
            }
            extra
        };
        let sizes = if large { vec![size, size] } else { Vec::new() };
        let local_extra = extra(&sizes);
        let mut local = b"PK\x03\x04".to_vec();
        local.extend(&common);
        local.extend((local_extra.len() as u16).to_le_bytes());
        local.extend(name.as_bytes());
        local.extend(local_extra);
        self.out.write_all(&local)?;

        let mut places = sizes;
        if far {
            places.push(self.at);
        }
        let central_extra = extra(&places);
        // Made by Unix, so that the mode in the external attributes counts.
        self.directory.extend(b"PK\x01\x02\x14\x03");
        self.directory.extend(&common);
        self.directory.extend((central_extra.len() as u16).to_le_bytes());
        // No comment, disk 0, no internal attributes; a file that its owner may read and write.
        self.directory.extend([0; 6]);
        self.directory.extend((0o100_600u32 << 16).to_le_bytes());
        self.directory.extend(short(self.at, far).to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.directory.extend(central_extra);
        self.count += 1;

        let mut counted = Counted { out: self.out, crc: None, len: 0 };
        write(&mut counted)?;
        debug_assert_eq!(counted.len, size);
        self.at += local.len() as u64 + size;
        Ok(())
    }

    /// Writes the directory.
    pub(crate) fn finish(self) -> io::Result<()> {
        let (start, len, count) = (self.at, self.directory.len() as u64, self.count);
        let mut end = self.directory;
        if start >= 0xffff_ffff || len >= 0xffff_ffff || count >= 0xffff {
            let at = start + len;
            end.extend(b"PK\x06\x06");
            end.extend(44u64.to_le_bytes());
            end.extend([45, 3, 45, 0]);
            end.extend([0; 8]);
            for value in [count, count, len, start] {
                end.extend(value.to_le_bytes());
            }
            end.extend(b"PK\x06\x07\0\0\0\0");
            end.extend(at.to_le_bytes());
            end.extend(1u32.to_le_bytes());
        }
        end.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            end.extend((count.min(0xffff) as u16).to_le_bytes());
        }
        end.extend((len.min(0xffff_ffff) as u32).to_le_bytes());
        end.extend((start.min(0xffff_ffff) as u32).to_le_bytes());
        end.extend([0; 2]);
        self.out.write_all(&end)?;
        self.out.flush()
    }
}

/// Counts bytes and takes their CRC-32 on the way.
pub(crate) struct Counted<'a> {
    out: &'a mut dyn Write,
    pub(crate) crc: Option<crc32fast::Hasher>,
    pub(crate) len: u64,
}

impl<'a> Counted<'a> {
    pub(crate) fn with_crc(out: &'a mut dyn Write) -> Counted<'a> {
        Counted { out, crc: Some(crc32fast::Hasher::new()), len: 0 }
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        if let (Some(crc), Some(part)) = (&mut self.crc, bytes.get(..n)) {
            crc.update(part);
        }
        self.len += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
