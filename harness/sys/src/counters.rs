//! Hardware and software counters of this thread, by `perf_event_open`.
//!
//! Two groups, each started and stopped at once: hardware and software. An event that cannot be
//! opened is missing with a reason a user can act on; it never reads 0. Counts of a group that
//! shared the hardware with others are scaled by enabled/running time, and the factor is told.
//! They cover the calling thread, which in a worker is the one that runs the agent.

use caxton_model::reading::{Missing, Reading};
use perf_event::events::{Cache, CacheOp, CacheResult, Event, Hardware, Software, WhichCache};
use perf_event::{Builder, Counter, Group};
use serde::{Deserialize, Serialize};
use std::io;

/// Which of the two groups an event is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupName {
    Hardware,
    Software,
}

struct EventRow {
    name: &'static str,
    group: GroupName,
    event: Event,
    /// The kernel raises it in its own context: hidden unless kernel counting is permitted.
    in_kernel: bool,
}

fn read_misses(which: WhichCache) -> Event {
    Cache { which, operation: CacheOp::READ, result: CacheResult::MISS }.into()
}

/// All events, under the names that metrics carry after `native_` and `wasm_`.
fn rows() -> [EventRow; 12] {
    use GroupName::{Hardware as Hw, Software as Sw};
    let row = |name, group, event: Event| EventRow { name, group, event, in_kernel: false };
    let kernel =
        |name, event: Software| EventRow { name, group: Sw, event: event.into(), in_kernel: true };
    [
        row("cycles", Hw, Hardware::CPU_CYCLES.into()),
        row("instructions", Hw, Hardware::INSTRUCTIONS.into()),
        row("branches", Hw, Hardware::BRANCH_INSTRUCTIONS.into()),
        row("branch_misses", Hw, Hardware::BRANCH_MISSES.into()),
        row("cache_references", Hw, Hardware::CACHE_REFERENCES.into()),
        row("cache_misses", Hw, Hardware::CACHE_MISSES.into()),
        row("l1d_misses", Hw, read_misses(WhichCache::L1D)),
        row("dtlb_misses", Hw, read_misses(WhichCache::DTLB)),
        row("task_clock_ns", Sw, Software::TASK_CLOCK.into()),
        row("page_faults", Sw, Software::PAGE_FAULTS.into()),
        kernel("context_switches", Software::CONTEXT_SWITCHES),
        kernel("cpu_migrations", Software::CPU_MIGRATIONS),
    ]
}

/// The names of all events.
pub fn event_names() -> impl Iterator<Item = &'static str> {
    rows().into_iter().map(|row| row.name)
}

/// Opens an event for the calling thread, alone or in a group.
fn open(row: &EventRow, group: Option<&mut Group>) -> io::Result<Counter> {
    let mut builder = Builder::new().observe_self().any_cpu().kind(row.event.clone());
    if let Some(group) = group {
        builder = builder.group(group);
    }
    if row.in_kernel {
        builder.include_kernel();
    }
    builder.build()
}

/// Why an event could not be opened.
fn missing(row: &EventRow, error: &io::Error, paranoid: Option<i32>) -> Missing {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => {
            Missing::NotPermitted(refusal(paranoid, if row.in_kernel { 1 } else { 2 }))
        }
        Some(libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV | libc::EINVAL)
            if row.group == GroupName::Hardware =>
        {
            Missing::Unsupported(
                "no usable PMU: this CPU or hypervisor offers no such hardware counter".to_owned(),
            )
        }
        Some(libc::ENOSYS) => {
            Missing::Unsupported("this kernel or sandbox has no perf_event_open".to_owned())
        }
        _ => Missing::Failed(error.to_string()),
    }
}

/// Why the kernel refuses an event that it permits at a `perf_event_paranoid` of up to `needed`,
/// and what lifts that where it is `paranoid` now. To set what it has already lifts nothing.
pub fn refusal(paranoid: Option<i32>, needed: i32) -> String {
    match paranoid {
        Some(level) if level > needed => format!(
            "kernel.perf_event_paranoid is {level}: `sysctl kernel.perf_event_paranoid={needed}` \
             or run with CAP_PERFMON"
        ),
        Some(level) => format!(
            "kernel.perf_event_paranoid is {level}, which permits it: a container's seccomp \
             profile or a security module refuses perf_event_open; allow that system call there"
        ),
        None => format!(
            "perf_event_open is refused: it takes kernel.perf_event_paranoid of {needed} or less, \
             and a container that allows that system call"
        ),
    }
}

/// What the kernel lets unprivileged programs watch; none where it does not tell.
pub fn paranoid() -> Option<i32> {
    kernel_setting("perf_event_paranoid")
}

/// A number of `/proc/sys/kernel`; none where there is none.
pub fn kernel_setting(name: &str) -> Option<i32> {
    std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}

/// One reading of a group, as the kernel gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawGroup {
    pub group: GroupName,
    /// Nanoseconds for which the group was enabled.
    pub time_enabled_ns: u64,
    /// Nanoseconds of them in which it really counted.
    pub time_running_ns: u64,
    /// Raw counts by event.
    pub counts: Vec<(String, u64)>,
}

impl RawGroup {
    /// Enabled over running time: 1 when the group had its counters to itself.
    pub fn scaling(&self) -> Option<f64> {
        let (enabled, running) = (self.time_enabled_ns as f64, self.time_running_ns as f64);
        (running > 0.0).then(|| enabled / running)
    }

    /// The counts, scaled for the time in which the group did not count.
    pub fn scaled(&self) -> Vec<(String, Reading<u64>)> {
        let scale = |count: u64| match self.scaling() {
            Some(factor) => Reading::Known((count as f64 * factor).round() as u64),
            None => Reading::Missing(Missing::Failed(
                "the kernel never ran this group: all hardware counters are taken".to_owned(),
            )),
        };
        self.counts.iter().map(|(name, count)| (name.clone(), scale(*count))).collect()
    }
}

struct OpenGroup {
    name: GroupName,
    group: Group,
    members: Vec<(&'static str, Counter)>,
}

/// The counters that could be opened, and why the others could not.
pub struct Counters {
    groups: Vec<OpenGroup>,
    missing: Vec<(&'static str, Missing)>,
}

impl Counters {
    /// Opens what this machine offers, for the calling thread.
    pub fn open() -> Self {
        let mut counters = Self { groups: Vec::new(), missing: Vec::new() };
        for name in [GroupName::Hardware, GroupName::Software] {
            let rows = rows().into_iter().filter(|row| row.group == name);
            counters.open_group(name, rows);
        }
        counters
    }

    fn open_group(&mut self, name: GroupName, rows: impl Iterator<Item = EventRow>) {
        let paranoid = paranoid();
        // Each alone first: in a group, one that fails to open would spoil the reading of all.
        let (fit, unfit): (Vec<_>, Vec<_>) = rows
            .map(|row| {
                let tried = open(&row, None).map(drop);
                (row, tried)
            })
            .partition(|(_, tried)| tried.is_ok());
        for (row, tried) in unfit {
            let error = tried.err().unwrap_or_else(|| io::Error::other("did not open"));
            self.missing.push((row.name, missing(&row, &error, paranoid)));
        }
        if fit.is_empty() {
            return;
        }
        let Ok(mut group) = Group::new() else {
            let why = Missing::Failed("no group of counters can be opened".to_owned());
            self.missing.extend(fit.iter().map(|(row, _)| (row.name, why.clone())));
            return;
        };
        let mut members = Vec::new();
        for (row, _) in fit {
            match open(&row, Some(&mut group)) {
                Ok(counter) => members.push((row.name, counter)),
                Err(error) => self.missing.push((row.name, missing(&row, &error, paranoid))),
            }
        }
        self.groups.push(OpenGroup { name, group, members });
    }

    /// What could not be opened, and why.
    pub fn missing(&self) -> &[(&'static str, Missing)] {
        &self.missing
    }

    /// Counts while `work` runs. Groups are stopped in the reverse order of their start.
    pub fn count<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<(T, Vec<RawGroup>)> {
        for open in &mut self.groups {
            open.group.reset()?;
        }
        for open in &mut self.groups {
            open.group.enable()?;
        }
        let result = work();
        for open in self.groups.iter_mut().rev() {
            open.group.disable()?;
        }
        let read = self.groups.iter_mut().map(OpenGroup::read).collect::<io::Result<Vec<_>>>()?;
        Ok((result, read))
    }
}

impl OpenGroup {
    fn read(&mut self) -> io::Result<RawGroup> {
        let counts = self.group.read()?;
        let of = |(name, counter): &(&'static str, Counter)| ((*name).to_owned(), counts[counter]);
        Ok(RawGroup {
            group: self.name,
            time_enabled_ns: counts.time_enabled(),
            time_running_ns: counts.time_running(),
            counts: self.members.iter().map(of).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One reading of the hardware group as a kernel with a PMU gives it, multiplexed to 40 %.
    const RECORDED: &str = r#"{"group":"hardware",
        "time_enabled_ns":5000000,"time_running_ns":2000000,"counts":[
        ["cycles",7340032],["instructions",14680064],["branches",1200000],
        ["branch_misses",9000],["cache_references",40000],["cache_misses",800],
        ["l1d_misses",64000],["dtlb_misses",120]]}"#;

    #[test]
    fn a_recorded_hardware_group_is_scaled_for_the_time_it_did_not_count() {
        let raw: RawGroup = serde_json::from_str(RECORDED).expect("recorded");
        assert_eq!(raw.scaling(), Some(2.5));
        let scaled = raw.scaled();
        assert_eq!(scaled[0], ("cycles".to_owned(), Reading::Known(18_350_080)));
        assert_eq!(scaled[1], ("instructions".to_owned(), Reading::Known(36_700_160)));
        let expected: Vec<&str> = rows()
            .iter()
            .filter(|row| row.group == GroupName::Hardware)
            .map(|row| row.name)
            .collect();
        assert_eq!(scaled.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_group_that_never_ran_has_no_counts() {
        let counts = vec![("cycles".to_owned(), 0)];
        let group = GroupName::Hardware;
        let raw = RawGroup { group, time_enabled_ns: 1_000, time_running_ns: 0, counts };
        assert!(matches!(raw.scaled()[0].1, Reading::Missing(Missing::Failed(_))));
    }

    #[test]
    fn software_counters_count_this_thread() {
        let mut counters = Counters::open();
        // So large that the allocator always maps it anew: each page written to is a fault.
        let mut block = vec![0u8; 64 << 20];
        let ((), groups) = counters
            .count(|| {
                let pages = std::hint::black_box(&mut block).iter_mut().step_by(4096);
                pages.take(64).for_each(|byte| *byte = 1);
            })
            .expect("opened counters can be read");
        let counts: Vec<_> = groups.iter().flat_map(RawGroup::scaled).collect();
        let value = |name: &str| counts.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        match value("page_faults") {
            Some(Reading::Known(faults)) => assert!(faults >= 16, "{faults} page faults"),
            other => crate::capability::absent("counters", &format!("page faults: {other:?}")),
        }
        drop(block);
        // Counted or missing with a reason, never silently absent.
        for name in rows().map(|row| row.name) {
            let told = counters.missing().iter().any(|(n, _)| *n == name);
            assert!(told != value(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_refusal_names_the_setting_that_lifts_it() {
        let [cycles, .., migrations] = rows();
        let denied = io::Error::from_raw_os_error(libc::EACCES);
        let why = missing(&migrations, &denied, Some(2)).to_string();
        assert!(why.contains("perf_event_paranoid is 2"), "{why}");
        assert!(why.contains("sysctl kernel.perf_event_paranoid=1"), "{why}");
        for (level, row, advice) in [
            (4, &cycles, "is 4: `sysctl kernel.perf_event_paranoid=2`"),
            (3, &migrations, "is 3: `sysctl kernel.perf_event_paranoid=1`"),
            (2, &cycles, "is 2, which permits it: a container's"),
            (1, &migrations, "is 1, which permits it: a container's"),
            (-1, &cycles, "is -1, which permits it: a container's"),
        ] {
            let why = missing(row, &denied, Some(level)).to_string();
            assert!(why.contains(advice), "{level}: {why}");
        }
        assert!(missing(&cycles, &denied, None).to_string().contains("of 2 or less"));
        let absent = io::Error::from_raw_os_error(libc::ENOENT);
        assert!(matches!(missing(&cycles, &absent, Some(2)), Missing::Unsupported(_)));
    }
}
