//! Places for connections, and who gives his up.
//!
//! A connection that waits for a place asks one of those that have had their time to leave, the longest of them first; no more
//! than wait leave, and nobody leaves while nobody waits.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many connections at a time.
pub(super) struct Places {
    number: u32,
    free: Arc<Semaphore>,
    wanted: Semaphore,
}

/// A wish for one place, taken back where it was not needed.
struct Wish<'a>(&'a Semaphore);

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.0.forget_permits(1);
    }
}

impl Places {
    pub(super) fn new(number: usize) -> Self {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Self { number, free: Arc::new(Semaphore::new(number as usize)), wanted: Semaphore::new(0) }
    }

    /// A place, which is free again when it is dropped. `None` never: there is no way to close them.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        self.wanted.add_permits(1);
        let _wish = Wish(&self.wanted);
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Completes for one of those who wait here, for each connection that waits for a place.
    pub(super) async fn are_wanted(&self) {
        match self.wanted.acquire().await {
            Ok(wish) => wish.forget(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Completes when all are free.
    pub(super) async fn are_free(&self) {
        let _ = self.free.acquire_many(self.number).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_leaves_for_each_that_waits_and_nobody_otherwise() {
        let places = Places::new(1);
        let first = places.take().await.unwrap();
        let asked = async || tokio::time::timeout(std::time::Duration::ZERO, places.are_wanted()).await.is_ok();
        assert!(!asked().await, "nobody waits");
        {
            let mut waits = std::pin::pin!(places.take());
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waits.as_mut().poll(cx).is_pending())).await);
            assert!(asked().await);
            assert!(!asked().await, "one is enough");
        }
        {
            let mut waits = std::pin::pin!(places.take());
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waits.as_mut().poll(cx).is_pending())).await);
        }
        assert!(!asked().await, "who waited has gone");
        drop(first);
        places.are_free().await;
    }
}
