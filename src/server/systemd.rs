//! Tells systemd how far we are (sd_notify(3)); does nothing without it.

use sd_notify::{NotifyState, notify};

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// `Type=notify-reload` wants to know when the reload began.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(since) => tell(&[NotifyState::Reloading, since]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        log::warn!("cannot tell systemd: {error}");
    }
}
