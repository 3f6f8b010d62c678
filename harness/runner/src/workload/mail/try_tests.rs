use super::runtime::start;
use super::traffic::Traffic;
use crate::measure::protocol::*;
use crate::orchestrator::{Setup, WhenFull};
use crate::subject::mail::Shape;
use crate::sys::clock::*;
#[test]
#[ignore = "x"]
fn figures() {
    let dir = std::env::var("COURIER").unwrap();
    let files = AgentFiles {
        name: "courier".into(),
        wasm: format!("{dir}/courier.wasm").into(),
        native: Some(format!("{dir}/courier.so").into()),
        expected: None,
        variants: Default::default(),
    };
    for agents in std::env::var("AGENTS").unwrap().split(",").map(|a| a.parse::<u32>().unwrap()) {
        let setup = Setup {
            agents,
            shards: 2,
            shape: Shape::of(32, 1024),
            batch: 32,
            when_full: WhenFull::Block,
        };
        let mut sides = Vec::new();
        for (system, crew) in [
            (System::Reference, Crew::Guests),
            (System::Reference, Crew::Twins),
            (System::Tokio, Crew::Twins),
            (System::Tokio, Crew::Guests),
            (System::Reference, Crew::Idle),
        ] {
            if (system, crew) == (System::Tokio, Crew::Guests) && agents > 1000 {
                continue;
            }
            let t = Monotonic.now().0;
            let s = match start(Runtime::new(system, crew), &files, setup) {
                Ok(s) => s,
                Err(e) => {
                    eprintln!("{e:?}");
                    continue;
                }
            };
            let up = (Monotonic.now().0 - t) as f64 / 1e6;
            let mut rng = fastrand::Rng::with_seed(1);
            let mut tr = Traffic::new((agents, 8), 1024, &mut rng);
            tr.set_hops((200_000 / (agents * 8)).clamp(15, 5000) | 1);
            sides.push((format!("{system:?} {crew:?}"), s, tr, up, Vec::new()));
        }
        for _ in 0..9 {
            for (_, s, tr, _, out) in &mut sides {
                let (c, t) = (CpuTime::of_process(), Monotonic.now().0);
                tr.window(s.orchestrator.as_mut()).unwrap();
                let wall = (Monotonic.now().0 - t) as f64;
                let cpu = CpuTime::of_process().since(c).total_ns() as f64;
                out.push((wall / tr.deliveries() as f64, cpu / tr.deliveries() as f64));
            }
        }
        for (n, mut s, tr, up, mut out) in sides {
            let v = tr.verify(s.orchestrator.as_mut());
            let d = s.orchestrator.stats();
            out.sort_by(|a, b| a.0.total_cmp(&b.0));
            let best = out[0];
            let med = out[out.len() / 2];
            eprintln!(
                "{agents} {n}: up {up:.1} ms; best {:.2} M/s {:.0} ns cpu; median {:.2} M/s {:.0} ns cpu; batch {:.1} {:?}",
                1e3 / best.0,
                best.1,
                1e3 / med.0,
                med.1,
                d.delivered as f64 / d.drains.max(1) as f64,
                v.err()
            );
        }
    }
}
