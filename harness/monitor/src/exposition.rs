//! What is counted, as Prometheus reads it: text 0.0.4 or OpenMetrics. No label is an agent's name:
//! 10,000 of them are 3.7 MB a scrape.

use crate::host::PoolFigures;
use crate::metrics::{Distribution, Failure, Metrics, Totals};
use caxton_model::slo::GoodMessage;
use procfs::process::Process;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, MetricEncoder, prometheus_text, text as open,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::{CounterWithExemplar, Exemplar};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The types of the two formats, as HTTP names them.
pub const TEXT: &str = prometheus_text::CONTENT_TYPE;
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything in text format 0.0.4.
pub fn text(metrics: &Arc<Metrics>) -> String {
    encoded(metrics, prometheus_text::encode)
}

/// Everything in OpenMetrics 1.0, in which slow messages are named.
pub fn openmetrics(metrics: &Arc<Metrics>) -> String {
    encoded(metrics, open::encode)
}

fn encoded(
    metrics: &Arc<Metrics>,
    encode: fn(&mut String, &Registry) -> Result<(), fmt::Error>,
) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition(Arc::clone(metrics))));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes every character");
    text
}

/// Characters of a run's name in an exemplar, whose labels have room for 128.
const RUN_MAX: usize = 64;

/// Names and values of a series.
type Series = Vec<(String, String)>;

fn label(name: &str, value: &str) -> Series {
    vec![(name.to_owned(), value.to_owned())]
}

/// A family of counters or gauges.
#[derive(Debug)]
struct Family<'a> {
    /// Without `_total`.
    name: &'a str,
    help: &'a str,
    kind: MetricType,
}

impl Family<'_> {
    /// Writes all series of it; nothing where there is none.
    fn write(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        series: &[(Series, f64)],
    ) -> Result<(), fmt::Error> {
        if series.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        for (labels, value) in series {
            if labels.is_empty() {
                self.write_one(&mut family, *value)?;
            } else {
                self.write_one(&mut family.encode_family(labels)?, *value)?;
            }
        }
        Ok(())
    }

    fn write_one(&self, one: &mut MetricEncoder<'_>, value: f64) -> Result<(), fmt::Error> {
        let none = None::<&Exemplar<Series, f64>>;
        // A whole number is written as one.
        let whole = (value.fract() == 0.0).then_some(value as u64);
        match (self.kind, whole) {
            (MetricType::Counter, Some(whole)) => one.encode_counter(&whole, none),
            (MetricType::Counter, None) => one.encode_counter(&value, none),
            (_, Some(whole)) => one.encode_gauge(&whole),
            (_, None) => one.encode_gauge(&value),
        }
    }
}

const fn counter<'a>(name: &'a str, help: &'a str) -> Family<'a> {
    Family { name, help, kind: MetricType::Counter }
}

const fn gauge<'a>(name: &'a str, help: &'a str) -> Family<'a> {
    Family { name, help, kind: MetricType::Gauge }
}

#[derive(Debug)]
struct Exposition(Arc<Metrics>);

const NS_PER_S: f64 = 1e9;

impl Exposition {
    fn messages(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let totals = self.0.totals();
        let mut outcomes = vec![(label("outcome", "ok"), totals.answered.count() as f64)];
        let failed = Failure::ALL.iter().zip(totals.failed);
        outcomes.extend(failed.map(|(how, n)| (label("outcome", how.name()), n as f64)));
        counter("caxton_messages", "Messages by what became of them").write(encoder, &outcomes)?;
        let redelivered = [(Vec::new(), totals.redelivered as f64)];
        counter("caxton_messages_redelivered", "Messages handed out again after a death")
            .write(encoder, &redelivered)?;
        self.events(encoder, &totals)?;
        let names =
            ["caxton_message_duration_seconds", "From when a message was due to its good answer"];
        histogram(encoder, names, &totals.answered)
    }

    /// Good and bad messages of each objective; of those that were too slow, the last one is named.
    fn events(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        totals: &Totals,
    ) -> Result<(), fmt::Error> {
        if self.0.slos.is_empty() {
            return Ok(());
        }
        let (name, help) = ("caxton_slo_events", "Messages that are good or bad for an objective");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for slo in &self.0.slos {
            let counts = totals.of(slo);
            let named = match slo.good {
                GoodMessage::AnsweredWithin(limit) => totals.slow.get(&limit.0),
                GoodMessage::Answered => None,
            };
            let example = CounterWithExemplar::<Series, f64, AtomicU64>::default();
            if let Some(message) = named {
                let run: String = self.0.labels.run.chars().take(RUN_MAX).collect();
                let labels = [label("run", &run), label("sequence", &message.sequence.to_string())];
                let seconds = message.response_ns as f64 / NS_PER_S;
                example.inc_by(seconds, Some(labels.concat()), None);
            }
            let (_, example) = example.get();
            for (outcome, n) in [("good", counts.good), ("bad", counts.bad)] {
                let labels = [label("slo", &slo.name), label("outcome", outcome)].concat();
                let example = example.as_ref().filter(|_| outcome == "bad");
                family.encode_family(&labels)?.encode_counter(&n, example)?;
            }
        }
        Ok(())
    }

    fn rare(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let restarts = self.0.restarts().into_iter();
        let restarts: Vec<_> =
            restarts.map(|(reason, n)| (label("reason", reason.name()), n as f64)).collect();
        counter("caxton_agent_restarts", "Agents started again by why they died")
            .write(encoder, &restarts)?;
        let recoveries = self.0.recoveries();
        if recoveries.count() == 0 {
            return Ok(());
        }
        let names = ["caxton_recovery_seconds", "From an agent's death until it was there again"];
        histogram(encoder, names, &recoveries)
    }

    fn host(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let host = self.0.host_figures();
        let states = host.agents.iter();
        let states: Vec<_> =
            states.map(|(state, n)| (label("state", state.name()), *n as f64)).collect();
        gauge("caxton_agents", "Agents by state").write(encoder, &states)?;
        let kinds = host.memory_bytes.iter();
        let kinds: Vec<_> =
            kinds.map(|(kind, n)| (label("kind", kind.name()), *n as f64)).collect();
        gauge("caxton_memory_bytes", "Memory of all agents by kind").write(encoder, &kinds)?;
        let pool = |of: fn(&PoolFigures) -> u64| host.pool.as_ref().map(of);
        let own = [
            (
                gauge("caxton_mailbox_messages", "Messages waiting in mailboxes"),
                host.mailbox_messages,
            ),
            (
                counter("caxton_memory_growth_denied", "Growths of memory beyond a limit"),
                host.growths_denied,
            ),
            (counter("caxton_wasm_fuel", "Fuel that guests used"), host.fuel),
            (
                gauge("caxton_pool_live_memories", "Slots of the engine's pool in use"),
                pool(|p| p.live_memories),
            ),
            (
                gauge("caxton_pool_warm_memories", "Free slots that are still mapped"),
                pool(|p| p.warm_memories),
            ),
            (
                gauge("caxton_pool_warm_bytes", "Bytes that free slots keep resident"),
                pool(|p| p.warm_bytes),
            ),
        ];
        for (family, value) in own {
            let series = value.map(|value| (Vec::new(), value as f64));
            family.write(encoder, series.as_slice())?;
        }
        let compile = host.compile_s.map(|s| (Vec::new(), s));
        gauge("caxton_compile_seconds", "How long the guest's module took to compile")
            .write(encoder, compile.as_slice())
    }

    /// What the kernel says of the process, under the names that every client has.
    fn process(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Ok(process) = Process::myself() else { return Ok(()) };
        let stat = process.stat().ok();
        let cpu =
            stat.as_ref().map(|s| (s.utime + s.stime) as f64 / procfs::ticks_per_second() as f64);
        let resident = stat.as_ref().map(|s| (s.rss * procfs::page_size()) as f64);
        let threads = stat.as_ref().map(|s| s.num_threads as f64);
        let files = process.fd_count().ok().map(|n| n as f64);
        let own = [
            (counter("process_cpu_seconds", "CPU time of the process"), cpu),
            (gauge("process_resident_memory_bytes", "Resident memory"), resident),
            (gauge("process_threads", "Threads"), threads),
            (gauge("process_open_fds", "Open files"), files),
        ];
        for (family, value) in own {
            let series = value.map(|value| (Vec::new(), value));
            family.write(encoder, series.as_slice())?;
        }
        Ok(())
    }

    fn build(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let own = label("monitor", env!("CARGO_PKG_VERSION"));
        let labels = [own, self.0.labels.build.clone()].concat();
        gauge("caxton_build_info", "What is running").write(encoder, &[(labels, 1.0)])
    }
}

/// A histogram of times in seconds.
fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name_and_help: [&str; 2],
    times: &Distribution,
) -> Result<(), fmt::Error> {
    let [name, help] = name_and_help;
    let seconds = |edge: u64| if edge == u64::MAX { f64::INFINITY } else { edge as f64 / NS_PER_S };
    let buckets: Vec<(f64, u64)> =
        times.buckets.iter().map(|(edge, count)| (seconds(*edge), *count)).collect();
    let mut one = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    one.encode_histogram::<Series>(times.sum_ns as f64 / NS_PER_S, times.count(), &buckets, None)
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.messages(&mut encoder)?;
        self.rare(&mut encoder)?;
        self.host(&mut encoder)?;
        self.process(&mut encoder)?;
        self.build(&mut encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{AgentState, HostFigures, MemoryKind, RestartReason};
    use crate::metrics::Labels;
    use crate::objectives;
    use std::collections::BTreeMap;

    /// Two good answers, a slow one, and one that came to nothing.
    fn metrics() -> Arc<Metrics> {
        let slos = objectives(&["response_time p(99)<10ms"]).unwrap();
        let build = vec![("version".to_owned(), "1.2 \"beta\"".to_owned())];
        let metrics = Metrics::new(slos, Labels { run: "r7".to_owned(), build }).unwrap();
        let mut recorder = metrics.recorder();
        recorder.answered(1_000_000, 1);
        recorder.answered(10_000_000, 2);
        recorder.answered(20_000_000, 3);
        recorder.failed(Failure::TimedOut);
        metrics
    }

    /// The lines of `page` that begin so.
    fn lines<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
        page.lines().filter(|line| line.starts_with(start)).collect()
    }

    #[test]
    fn what_was_counted_can_be_read_in_both_formats() {
        let metrics = metrics();
        let page = text(&metrics);
        let bucket = |le: &str| {
            let line =
                lines(&page, &format!("caxton_message_duration_seconds_bucket{{le=\"{le}\"}}"));
            line[0].split(' ').next_back().unwrap().to_owned()
        };
        assert_eq!(
            ["0.0005", "0.001", "0.005", "0.01", "0.025", "+Inf"].map(bucket),
            ["0", "1", "1", "2", "3", "3"]
        );
        assert_eq!(
            lines(&page, "caxton_message_duration_seconds_sum"),
            ["caxton_message_duration_seconds_sum 0.031"]
        );
        let events = lines(&page, "caxton_slo_events_total");
        let slo = "slo=\"response_time_p99_10ms\"";
        assert_eq!(
            events,
            [
                format!("caxton_slo_events_total{{{slo},outcome=\"good\"}} 2"),
                format!("caxton_slo_events_total{{{slo},outcome=\"bad\"}} 2"),
            ]
        );
        let outcomes = lines(&page, "caxton_messages_total{");
        assert_eq!(outcomes.len(), 5, "each outcome from the start on: {outcomes:?}");
        assert!(page.contains(r#"version="1.2 \"beta\"""#), "{page}");
        let open = openmetrics(&metrics);
        let bad = format!("caxton_slo_events_total{{{slo},outcome=\"bad\"}} 2");
        assert_eq!(lines(&open, &bad)[0], format!("{bad} # {{run=\"r7\",sequence=\"3\"}} 0.02"));
        assert!(open.ends_with("# EOF\n"));
    }

    #[test]
    fn what_a_host_does_not_say_is_absent_and_no_0() {
        let metrics = metrics();
        let before = text(&metrics);
        for name in ["caxton_agents", "caxton_memory_bytes", "caxton_pool", "caxton_recovery"] {
            assert_eq!(lines(&before, name), [""; 0], "{name}");
        }
        metrics.set_host(HostFigures {
            agents: BTreeMap::from([(AgentState::Running, 7)]),
            memory_bytes: BTreeMap::from([(MemoryKind::Linear, 65_536)]),
            fuel: Some(3),
            ..HostFigures::default()
        });
        metrics.restarted(RestartReason::Trap, Some(1_000_000));
        metrics.restarted(RestartReason::Trap, None);
        let after = text(&metrics);
        for line in [
            "caxton_agents{state=\"running\"} 7",
            "caxton_memory_bytes{kind=\"linear\"} 65536",
            "caxton_wasm_fuel_total 3",
            "caxton_agent_restarts_total{reason=\"trap\"} 2",
            "caxton_recovery_seconds_count 1",
        ] {
            assert!(after.lines().any(|l| l == line), "{line}: {after}");
        }
        assert_eq!(lines(&after, "caxton_mailbox_messages"), [""; 0]);
    }
}
