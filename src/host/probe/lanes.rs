//! How many connections may be open at once, and that those which hang delay no other.
//!
//! A try begins in the quick lane. What it has not finished there after a moment goes on in the
//! slow lane if that has a place; if not, it is broken off and begun again there, once there is
//! one. So the quick lane moves on whatever hangs. Who was slow last time begins in the slow lane.

use std::{pin::pin, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

/// So many connections in the quick lane.
const QUICK: usize = 32;
/// So many in the slow lane.
const SLOW: usize = 224;
/// How long a try may stay in the quick lane.
const MOMENT: Duration = Duration::from_millis(50);

/// The two lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    quick: Semaphore,
    slow: Semaphore,
}

/// Where one who asks again and again begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lane {
    #[default]
    Quick,
    Slow,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { quick: Semaphore::new(QUICK), slow: Semaphore::new(SLOW) }
    }
}

impl Lanes {
    /// Does `try_once` when there is room for it, maybe twice; `lane` is kept by the caller from
    /// one try to the next.
    pub(super) async fn pass<T, F: Future<Output = T>>(
        &self,
        lane: &mut Lane,
        try_once: impl Fn() -> F,
    ) -> T {
        // The semaphores are never closed, so every permit is one.
        if *lane == Lane::Quick {
            let place = self.quick.acquire().await;
            let mut trying = pin!(try_once());
            if let Ok(done) = timeout(MOMENT, &mut trying).await {
                return done;
            }
            *lane = Lane::Slow;
            if let Ok(_slow) = self.slow.try_acquire() {
                drop(place);
                return trying.await;
            }
        }
        let _place = self.slow.acquire().await;
        let mut trying = pin!(try_once());
        if let Ok(done) = timeout(MOMENT, &mut trying).await {
            *lane = Lane::Quick;
            return done;
        }
        trying.await
    }
}
