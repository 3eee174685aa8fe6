//! Replacing one file.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::recover::name_of;
use crate::staging::Staging;
use crate::{Error, Result, SaveOptions, abandon, fault, platform, target};

/// A file under construction, which replaces its target in one step when it is whole.
///
/// Writes are not buffered. Dropping it without [`AtomicFile::commit`] leaves the target as it was.
///
/// # Example
/// See the crate's documentation.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    staged: PathBuf,
    target: PathBuf,
    options: SaveOptions,
    staging: Staging,
    /// Bytes for which the disk has given room.
    room: u64,
}

/// Writes of so many bytes have room made for them first.
const LARGE: usize = 1 << 20;

impl AtomicFile {
    /// Starts a replacement of `path`, which need not exist. Where it is a symbolic link, what it points to is
    /// replaced.
    ///
    /// # Errors
    /// [`Error::Exists`] without [`SaveOptions::overwrite`]; [`Error::Kind`] where the path is a directory, device,
    /// pipe or socket; [`Error::ReadOnly`]; [`Error::Io`].
    pub fn create(path: impl AsRef<Path>, options: &SaveOptions) -> Result<AtomicFile> {
        let target = target::follow_links(path.as_ref())?;
        if target.file_name().is_none() {
            return Err(Error::Kind { path: target, expected: "a file", found: "a directory" });
        }
        target::check_file(&target, options)?;
        let parent = target::parent_of(&target);
        target::create_dirs(&parent, options)?;
        let staging = Staging::create(&parent, name_of(&target))?;
        let staged = staging.new_dir().join(name_of(&target));
        fault::step("create file").map_err(Error::io("create", &target))?;
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&staged)
            .map_err(Error::io("create", &staged))?;
        Ok(AtomicFile { file, staged, target, options: options.clone(), staging, room: 0 })
    }

    /// Where the new content lies until it is committed, for libraries that open files by name. They may truncate it
    /// and must have closed it before [`AtomicFile::commit`].
    pub fn staged_path(&self) -> &Path {
        &self.staged
    }

    /// What will be replaced, symbolic links followed.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Makes room on the disk for `len` more bytes of a large file that will not be flushed: ext4 would write out all of a file
    /// with blocks that have no place yet before it lets that replace another.
    fn make_room(&mut self, len: usize) -> io::Result<()> {
        if self.options.durable || (self.room == 0 && len < LARGE) {
            return Ok(());
        }
        let end = self.file.stream_position()?.saturating_add(len as u64);
        if end > self.room {
            platform::make_room(&self.file, self.room, end);
            self.room = end;
        }
        Ok(())
    }

    /// Puts the new content in place.
    ///
    /// # Errors
    /// [`Error::Exists`] where the target came into being meanwhile and may not be replaced; [`Error::Io`]. The
    /// target is as it was then.
    pub fn commit(self) -> Result<()> {
        let AtomicFile { file, staged, target, options, staging, room: _ } = self;
        drop(file);
        if let Ok(metadata) = fs::metadata(&target) {
            platform::copy_attributes(&metadata, &staged).map_err(Error::io("set permissions of", &staged))?;
        }
        if options.durable {
            // Whoever wrote by name may have replaced the file: it is opened anew.
            fault::step("flush file").map_err(Error::io("flush", &staged))?;
            File::open(&staged).and_then(|f| f.sync_all()).map_err(Error::io("flush", &staged))?;
        }
        let _in_place = abandon::putting_in_place();
        fault::step("rename into place").map_err(Error::io("rename", &target))?;
        if options.overwrite {
            fs::rename(&staged, &target).map_err(Error::io("rename into place", &target))?;
        } else {
            platform::rename_new(&staged, &target).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Error::Exists { path: target.clone() },
                _ => Error::io("rename into place", &target)(error),
            })?;
        }
        if options.durable {
            let parent = target::parent_of(&target);
            fault::step("flush directory").map_err(Error::io("flush directory", &parent))?;
            platform::sync_dir(&parent).map_err(Error::io("flush directory", &parent))?;
        }
        drop(staging);
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        fault::step("write")?;
        self.make_room(bytes.len())?;
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Read for AtomicFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Replaces a file's content in one step.
///
/// # Errors
/// As [`AtomicFile::create`] and [`AtomicFile::commit`].
///
/// # Example
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("config.json");
/// kerox_fs::write_file(&path, b"{}", &kerox_fs::SaveOptions::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8], options: &SaveOptions) -> Result<()> {
    let mut file = AtomicFile::create(path, options)?;
    let staged = file.staged.clone();
    file.write_all(bytes).map_err(Error::io("write", &staged))?;
    file.commit()
}
