//! Writing and reading of single fields: little-endian numbers and counted bytes, never trusting
//! a length.

use std::fmt;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They end too early.
    Short,
    /// There are more of them than a message of this kind has, or than any may have.
    Long,
    /// They are of a version not spoken here.
    Version(u16),
    /// This kind is not known.
    Kind(u16),
    /// A field has a value it cannot have.
    Value,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the message ends too early"),
            Self::Long => f.write_str("the message is too long"),
            Self::Version(version) => write!(f, "the message is of unknown version {version}"),
            Self::Kind(kind) => write!(f, "the message is of unknown kind {kind}"),
            Self::Value => f.write_str("a field of the message has an impossible value"),
        }
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for std::io::Error {
    fn from(fault: Malformed) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, fault)
    }
}

/// Collects the bytes of a message.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends a number.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a number.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a number.
    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a number.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends the number of bytes, then the bytes. What is longer than a number can say is cut.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(count);
        self.bytes.extend(bytes.iter().take(usize::try_from(count).unwrap_or(usize::MAX)));
    }

    /// Appends the number of elements of a list that follows.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// What was collected.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes the fields of a message, one after the other.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Short)
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// Takes one byte that is 0 or 1.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            2.. => Err(Malformed::Value),
        }
    }

    /// Takes a number.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Takes a number.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes a number.
    pub fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// Takes a number.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Takes counted bytes, at most `max` of them.
    pub fn bytes(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed::Long)?;
        if max < count { Err(Malformed::Long) } else { self.take(count) }
    }

    /// Takes the number of elements of a list, each at least `size` bytes long: a count that the
    /// remaining bytes cannot hold is refused before anything is reserved for it.
    pub fn count(&mut self, size: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed::Long)?;
        if self.rest.len() / size.max(1) < count { Err(Malformed::Short) } else { Ok(count) }
    }

    /// Takes a list of elements, each at least `size` bytes long.
    pub fn list<T>(
        &mut self,
        size: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.count(size)?;
        (0..count).map(|_| read(self)).collect()
    }

    /// Takes so many bytes, to be read on their own.
    pub fn part(&mut self, count: usize) -> Result<Self, Malformed> {
        Ok(Self { rest: self.take(count)? })
    }

    /// Leaves the rest unread: fields of a kind that is known by name only.
    pub fn skip(&mut self) {
        self.rest = &[];
    }

    /// Makes sure that nothing is left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}
