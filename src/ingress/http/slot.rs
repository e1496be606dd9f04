//! Something that a reload replaces as a whole: whoever has begun with the old one ends with it.

use std::sync::{Arc, PoisonError, RwLock};

/// What the next connection gets.
pub struct Slot<T>(Arc<RwLock<Arc<T>>>);

impl<T> Slot<T> {
    /// Starts with `content`.
    #[must_use]
    pub fn new(content: Arc<T>) -> Self {
        Self(Arc::new(RwLock::new(content)))
    }

    /// Uses `content` from the next connection on.
    pub fn swap(&self, content: Arc<T>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = content;
    }

    pub(super) fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
