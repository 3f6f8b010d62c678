//! Where the compiler's time goes, in a launch of its own.

use super::run::{Run, RunError, Tally};
use crate::guest::files::AgentFiles;
use crate::job::Job;
use crate::job::task::Task;
use caxton_model::case::CaseKey;

impl Run<'_> {
    /// Where the compiler's time goes. What it cannot tell costs nothing else.
    pub(super) fn compiling(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        let order = self.order(Task::new(case.clone(), Job::Compiling), vec![files.clone()], 0);
        let mut compiling = Tally::default();
        self.one_launch(&order, &mut compiling)?;
        self.observer.launch_done(self.settings.expected(&Job::Compiling));
        tally.events.append(&mut compiling.events);
        Ok(())
    }
}
