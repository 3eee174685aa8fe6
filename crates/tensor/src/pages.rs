//! Pages of fresh memory.

/// Bytes from which large pages pay.
#[cfg(all(target_os = "linux", not(miri)))]
const LARGE: usize = 4 << 20;

/// Tells the system that all of this memory will be used: where it lets programs ask for large pages, it gives them, and
/// fetching memory page by page no longer takes as long as filling it.
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) fn expect_use(bytes: &[u8]) {
    if bytes.len() < LARGE {
        return;
    }
    let page = rustix::param::page_size();
    let skipped = bytes.as_ptr().align_offset(page).min(bytes.len());
    let inside = &bytes[skipped..];
    let len = inside.len() / page * page;
    // SAFETY: the range consists of whole pages of memory that `bytes` borrows, and the advice changes how the system backs
    // them, not what they hold. Gain: no other way to give it. An answer that the system knows no large pages changes nothing.
    let _ = unsafe { rustix::mm::madvise(inside.as_ptr().cast_mut().cast(), len, rustix::mm::Advice::LinuxHugepage) };
}

/// Elsewhere there is nothing to say.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) fn expect_use(_: &[u8]) {}
