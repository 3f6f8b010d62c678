//! Which cores a generator and its target run on.

use caxton_model::case::Outcome;
use caxton_runtime::subject::Attempt;
use caxton_sys::affinity;

/// Who runs where. A generator turns without a pause: what is woken on its core waits until the
/// kernel takes that away from it, for milliseconds.
#[derive(Debug)]
pub struct Cores {
    pub generator: Option<usize>,
    /// Those of further generators, where there are several.
    pub others: Vec<usize>,
    pub all: Vec<usize>,
    /// Threads that can run at once.
    pub at_once: u32,
    /// Threads of the target that can run at once beside the generator.
    pub for_target: u32,
    /// Why the generator has no core of its own; none where it has one.
    pub shared: Option<String>,
}

impl Cores {
    /// The generator on `core`, if there is another one and the kernel lets it be so.
    pub fn of(core: Option<usize>) -> Self {
        let all = affinity::allowed_cores().unwrap_or_default();
        let cores = Self::divided(core, all, affinity::at_once());
        let Some(own) = cores.generator else { return cores };
        match affinity::pin_to(own).and_then(|()| affinity::run_on(&cores.all)) {
            Ok(()) => cores,
            Err(error) => {
                let shared = Some(format!("the kernel binds no thread to one: {error}"));
                Self { generator: None, shared, ..cores }
            }
        }
    }

    /// Of `all` cores, of which `at_once` may be used at a time.
    fn divided(core: Option<usize>, all: Vec<usize>, at_once: Option<usize>) -> Self {
        let at_once = at_once.unwrap_or(all.len());
        let for_target = at_once.saturating_sub(1).max(1) as u32;
        let own = core.filter(|core| all.contains(core));
        let shared = match (own, all.len()) {
            (None, _) => Some("it is not known which cores are allowed".to_owned()),
            (_, 1) => Some("1 core is allowed".to_owned()),
            (_, cores) if at_once < 2 => {
                Some(format!("{cores} cores are allowed, and a CPU quota of less than 2"))
            }
            _ => None,
        };
        let generator = own.filter(|_| shared.is_none());
        let others = Vec::new();
        Self { generator, others, all, at_once: at_once as u32, for_target, shared }
    }

    /// The same with so many generators, each on a core of its own as far as there are any.
    pub fn with_generators(mut self, generators: u32) -> Self {
        let Some(own) = self.generator.filter(|_| generators > 1) else { return self };
        let others = self.all.iter().copied().filter(|core| *core != own).rev();
        self.others = others.take(generators as usize - 1).collect();
        self.for_target = self.at_once.saturating_sub(generators).max(1);
        if generators >= self.at_once {
            let cores = self.at_once;
            self.shared = Some(format!("{generators} generators on {cores} cores"));
        }
        self
    }

    /// The core of generator `number`, from 0; none if it has none.
    pub fn of_generator(&self, number: usize) -> Option<usize> {
        match number {
            0 => self.generator,
            number => self.others.get(number - 1).copied(),
        }
    }

    /// Starts a target whose threads leave the generator its core.
    pub fn without<T>(&self, start: &dyn Fn() -> Attempt<T>) -> Attempt<T> {
        let refused = |error: std::io::Error| Outcome::Failed(format!("CPU affinity: {error}"));
        let Some(own) = self.generator else { return start() };
        let is_left = |core: &usize| *core != own && !self.others.contains(core);
        let mut left: Vec<usize> = self.all.iter().copied().filter(is_left).collect();
        if left.is_empty() {
            left.clone_from(&self.others);
        }
        affinity::run_on(&left).map_err(refused)?;
        let started = start();
        affinity::run_on(&self.all).map_err(refused)?;
        started
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_generators_leave_the_target_what_they_do_not_take() {
        let of = |cores: usize, generators: u32| {
            let cores = Cores::divided(Some(0), (0..cores).collect(), Some(cores));
            cores.with_generators(generators)
        };
        let four = of(4, 3);
        let own = [0, 1, 2, 3].map(|number| four.of_generator(number));
        assert_eq!(own, [Some(0), Some(3), Some(2), None]);
        assert_eq!((four.for_target, four.shared), (1, None));
        let two = of(2, 2);
        assert_eq!([0, 1].map(|number| two.of_generator(number)), [Some(0), Some(1)]);
        assert_eq!(two.shared.as_deref(), Some("2 generators on 2 cores"));
        let one = of(1, 2);
        assert_eq!([0, 1].map(|number| one.of_generator(number)), [None, None]);
        assert_eq!(of(4, 1).for_target, 3);
    }

    #[test]
    fn a_generator_has_a_core_of_its_own_where_two_can_run_at_once_and_else_it_is_said_why() {
        let table = [
            ((Some(1), vec![0, 1], Some(2)), (Some(1), 1, None)),
            ((Some(1), vec![0, 1, 2, 3], Some(4)), (Some(1), 3, None)),
            // A quota of two: one for the generator.
            ((Some(1), vec![0, 1, 2, 3], Some(2)), (Some(1), 1, None)),
            ((Some(1), vec![0, 1, 2, 3], None), (Some(1), 3, None)),
            ((Some(0), vec![0], Some(1)), (None, 1, Some("1 core is allowed"))),
            ((Some(0), vec![0, 1, 2, 3], Some(1)), (None, 1, Some("quota of less than 2"))),
            ((Some(7), vec![0, 1], Some(2)), (None, 1, Some("not known"))),
            ((None, vec![], None), (None, 1, Some("not known"))),
        ];
        for ((core, all, at_once), (generator, for_target, why)) in table {
            let cores = Cores::divided(core, all, at_once);
            assert_eq!((cores.generator, cores.for_target), (generator, for_target), "{cores:?}");
            let is_said = match (&cores.shared, why) {
                (Some(said), Some(why)) => said.contains(why),
                (said, why) => said.is_none() && why.is_none(),
            };
            assert!(is_said, "{cores:?}");
        }
    }
}
