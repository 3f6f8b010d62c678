//! When a module's code comes and goes, for those who watch.
//!
//! The last reference to a module must go in a moment that the watch chooses, so it is the watch
//! that gets it: a [`Lease`] hands it over when the subject and its last agent are gone.

use caxton_model::profile::code::{Code, CodeWatch};
use std::sync::Arc;

/// Held by all who can call the code.
pub(super) struct Lease {
    watch: Arc<dyn CodeWatch>,
    /// There until it is handed over.
    code: Option<Arc<dyn Code>>,
}

impl Lease {
    /// Tells `watch` that `code` is there.
    pub(super) fn of(code: Arc<dyn Code>, watch: Arc<dyn CodeWatch>) -> Arc<Self> {
        watch.loaded(code.clone());
        Arc::new(Self { watch, code: Some(code) })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Moved, not cloned: a reference kept here would go after the watch's, and outside of its
        // quiet moment.
        if let Some(code) = self.code.take() {
            self.watch.retired(code);
        }
    }
}

/// Does `change` in a moment that `watch` keeps quiet; none if it gives no such moment.
pub(super) fn quietly<T>(watch: &dyn CodeWatch, change: impl FnOnce() -> T) -> Option<T> {
    let (mut change, mut done) = (Some(change), None);
    watch.while_quiet(&mut || {
        if let Some(change) = change.take() {
            done = Some(change());
        }
    });
    done
}
