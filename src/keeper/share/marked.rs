//! A value that knows whether somebody may have changed it.

use std::ops::{Deref, DerefMut};

/// Marked when it is made, and by whoever borrows it to change it, whether or not he then does.
#[derive(Debug)]
pub(super) struct Marked<T> {
    value: T,
    is_marked: bool,
}

impl<T> Marked<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value, is_marked: true }
    }

    pub(super) fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// What it is now has been taken note of.
    pub(super) fn unmark(&mut self) {
        self.is_marked = false;
    }
}

impl<T> Deref for Marked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Marked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.is_marked = true;
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_change_it_marks_it() {
        let mut list = Marked::new(vec![1]);
        assert!(list.is_marked());
        list.unmark();
        assert_eq!((list.len(), list.first()), (1, Some(&1)));
        assert!(!list.is_marked());
        list.push(2);
        assert!(list.is_marked());
    }
}
