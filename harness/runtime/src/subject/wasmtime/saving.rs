//! Saving a live agent, and putting a checkpoint into one.

use super::checkpoint::{Checkpoint, RestoreBy, WASM_PAGE_BYTES, Written};
use super::checkpoint_error::CheckpointError;
use super::instance::GuestInstance;
use caxton_sys::memfd::Image;
use std::sync::Arc;

impl GuestInstance {
    /// The state as it is now. With a `previous` checkpoint only what was written since the last
    /// base is copied where the kernel tells; without one, everything.
    pub(super) fn checkpoint(
        &mut self,
        previous: Option<&Checkpoint>,
    ) -> Result<Checkpoint, CheckpointError> {
        let savable = self.savable.as_mut().ok_or(CheckpointError::NotPrepared)?;
        let access = savable.access(&mut self.store, &self.instance);
        let variables = access.read(&mut self.store)?;
        let module = savable.places.module;
        let base = savable.base.clone().filter(|_| previous.is_some());
        let memory = self.memory.data(&self.store);
        let memory_bytes = memory.len() as u64;
        let kept = base.and_then(|base| Some((base, Written::to(memory)?)));
        let is_full = kept.is_none();
        let (base, written) = match kept {
            Some(kept) => kept,
            None => (self.new_base()?, Written::default()),
        };
        let channel = self.channel;
        let mut made = Checkpoint {
            base,
            written,
            memory_bytes,
            channel,
            variables,
            module,
            is_full,
            checksum: 0,
        };
        made.checksum = made.sum();
        Ok(made)
    }

    /// Copies memory, and maps the copy over it if that can be.
    fn new_base(&mut self) -> Result<Arc<Image>, CheckpointError> {
        let image = Image::of(self.memory.data(&self.store)).map_err(CheckpointError::system)?;
        let image = Arc::new(image);
        self.show(&image);
        Ok(image)
    }

    /// Maps `image` over memory; false if it cannot be, and then memory is as it was.
    fn show(&mut self, image: &Arc<Image>) -> bool {
        let Some(savable) = &mut self.savable else { return false };
        let shown = savable.slab.as_ref().is_some_and(|slab| {
            slab.show(&self.memory, &mut self.store, image).is_ok_and(|shown| shown)
        });
        savable.base = shown.then(|| Arc::clone(image));
        shown
    }

    /// Makes this instance of the same module what `from` was. What fails leaves it unusable.
    pub(super) fn restore(
        &mut self,
        from: &Checkpoint,
        by: RestoreBy,
    ) -> Result<(), CheckpointError> {
        let savable = self.savable.as_ref().ok_or(CheckpointError::NotPrepared)?;
        from.verify(&savable.places.module)?;
        self.restore_memory(from, by)?;
        let savable = self.savable.as_mut().ok_or(CheckpointError::NotPrepared)?;
        let access = savable.access(&mut self.store, &self.instance);
        access.write(&mut self.store, &from.variables)?;
        self.channel = from.channel;
        self.find_again();
        Ok(())
    }

    fn restore_memory(&mut self, from: &Checkpoint, by: RestoreBy) -> Result<(), CheckpointError> {
        let own_bytes = self.memory.data_size(&self.store);
        let missing = from.memory_bytes.checked_sub(own_bytes as u64);
        let missing = missing.ok_or_else(|| CheckpointError::Unfit {
            place: "memory".to_owned(),
            why: format!("of {} bytes, already {own_bytes}", from.memory_bytes),
        })?;
        if missing > 0 {
            self.memory
                .grow(&mut self.store, missing / WASM_PAGE_BYTES)
                .map_err(|error| CheckpointError::unfit("memory", &error))?;
        }
        let is_mapped = by == RestoreBy::Map && self.show(&from.base);
        let memory = self.memory.data_mut(&mut self.store);
        if !is_mapped {
            from.base.copy_to(memory).map_err(CheckpointError::system)?;
        }
        // Beyond the base memory was zero; what this instance had there, its constructors wrote.
        if let Some(rest) = memory.get_mut(from.base.bytes()..own_bytes) {
            rest.fill(0);
        }
        from.written.write(memory)?;
        if !is_mapped && let Some(savable) = &mut self.savable {
            savable.base = None;
        }
        Ok(())
    }
}
