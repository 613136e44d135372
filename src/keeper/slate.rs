//! Memory that outlives the keeper: what it shares, and the call it is answering. The recorder holds
//! it, and so the next keeper finds it as this one left it, at whatever instruction it died.
//!
//! The first page is the call: the kernel itself writes into it when a call is taken, so there is no
//! moment at which a call is taken and not noted. The second page says where the content is, which
//! is always written beside the former one before this is changed.
#![expect(
    unsafe_code,
    reason = "shared memory has no safe wrapper in rustix without more features"
)]

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::fs::FileExt as _,
    },
    ptr,
};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

const PAGE: usize = 4096;
/// Where it is said where the content is.
const INDEX: u64 = 4096;
/// Where contents may lie.
const FIRST: u64 = 8192;
const MAGIC: u64 = 0x6f63_736c_6174_6531;
/// More than is ever shared; a larger one is not believed.
const MOST: u64 = 64 << 20;

/// The memory.
#[derive(Debug)]
pub(super) struct Slate {
    file: std::fs::File,
    page: *mut u8,
    /// What was written last, and where it lies.
    content: Vec<u8>,
    at: u64,
}

impl Slate {
    /// An empty one.
    pub(super) fn new() -> io::Result<Self> {
        let memory = memfd_create("eco-slate", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, FIRST)?;
        Self::map(memory)
    }

    /// The one an earlier keeper left.
    pub(super) fn open(memory: OwnedFd) -> io::Result<Self> {
        let mut slate = Self::map(memory)?;
        let mut index = [0; 24];
        slate.file.read_exact_at(&mut index, INDEX)?;
        let mut numbers = index.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let (magic, at, length) = (next(), next(), next());
        if magic != MAGIC {
            return Ok(slate);
        }
        let length = usize::try_from(length.min(MOST)).unwrap_or_default();
        let mut content = vec![0; length];
        slate.file.read_exact_at(&mut content, at)?;
        (slate.content, slate.at) = (content, at);
        Ok(slate)
    }

    fn map(memory: OwnedFd) -> io::Result<Self> {
        let file = std::fs::File::from(memory);
        if file.metadata()?.len() < FIRST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let (fd, nowhere) = (file.as_raw_fd(), ptr::null_mut());
        // SAFETY: a new mapping of a file that is long enough and that nobody shortens.
        let page = unsafe { libc::mmap(nowhere, PAGE, access, libc::MAP_SHARED, fd, 0) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { file, page: page.cast(), content: Vec::new(), at: FIRST })
    }

    /// What was written last.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Replaces the content; says whether it was another one.
    pub(super) fn write(&mut self, content: Vec<u8>) -> io::Result<bool> {
        if content == self.content {
            return Ok(false);
        }
        let wide = |length: usize| u64::try_from(length).unwrap_or(MOST);
        let (new, old) = (wide(content.len()), wide(self.content.len()));
        let before = FIRST.saturating_add(new) <= self.at;
        let at = if before { FIRST } else { self.at.saturating_add(old) };
        self.file.write_all_at(&content, at)?;
        let index = [MAGIC, at, new].map(u64::to_le_bytes).concat();
        self.file.write_all_at(&index, INDEX)?;
        (self.content, self.at) = (content, at);
        Ok(true)
    }

    /// The page for the call that is being answered, aligned as pages are. Valid as long as this.
    pub(super) fn page(&self) -> *mut u8 {
        self.page
    }
}

impl AsFd for Slate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Slate {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own, and nobody has its address any more.
        unsafe { libc::munmap(self.page.cast(), PAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_content_is_found_whatever_came_before() {
        let mut slate = Slate::new().unwrap();
        for length in [0, 1, 10_000, 3, 70_000, 9_000, 9_001, 0, 5] {
            let content = vec![u8::try_from(length % 251).unwrap(); length];
            slate.write(content.clone()).unwrap();
            assert!(!slate.write(content.clone()).unwrap());
            let again = Slate::open(slate.as_fd().try_clone_to_owned().unwrap()).unwrap();
            assert_eq!(again.content(), content);
        }
        assert!(slate.file.metadata().unwrap().len() < 400_000);
    }

    #[test]
    fn the_page_is_shared() {
        let slate = Slate::new().unwrap();
        let again = Slate::open(slate.as_fd().try_clone_to_owned().unwrap()).unwrap();
        // SAFETY: both point to a whole mapped page.
        let read = unsafe {
            slate.page().write(7);
            again.page().read()
        };
        assert_eq!(read, 7);
    }
}
