//! Profiles: what a sampler or an allocator saw, DHAT's files, and how a guest's memory grew.

use caxton_analysis::sites;
use caxton_model::profile::changes::NATIVE_AND_WASM;
use caxton_model::profile::growth::HeapGrowth;
use caxton_model::profile::{About, Profile, SampleWeight};
use caxton_model::profile::{folded, health};
use caxton_profiler::callgrind::CallgrindDump;
use caxton_profiler::dhat as dhat_file;
use caxton_report::profile::differential::{Caption, Differential};
use caxton_report::profile::{firefox, flame, pb};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::LazyLock;

static NATIVE: LazyLock<Profile> = LazyLock::new(|| {
    let text = include_bytes!("../seeds/profile/native.json");
    serde_json::from_slice(text).expect("the seed of profiles is one")
});

/// A profile in JSON.
pub(crate) fn profile(bytes: &[u8]) -> bool {
    let Ok(profile) = serde_json::from_slice::<Profile>(bytes) else { return false };
    if profile.check().is_err() {
        return false;
    }
    draw(&profile);
    if let Ok(pair) = Differential::between(NATIVE_AND_WASM, [&NATIVE, &profile]) {
        let _ = black_box(pair.svg(&caption()));
        black_box(pair.changes());
    }
    let half = profile.samples.get(profile.samples.len() / 2).map_or(0, |sample| sample.time_ns);
    let first = 0..half;
    black_box(profile.during(std::slice::from_ref(&first), half, profile.about.clone()));
    true
}

/// A file of the `dhat` crate.
pub(crate) fn dhat(bytes: &[u8]) -> bool {
    let about = About {
        case: "heap/allocations/wasmtime/json".to_owned(),
        side: "native".to_owned(),
        messages: 10,
        counters: BTreeMap::new(),
    };
    let Ok(heaps) = dhat_file::parse(bytes, &about) else { return false };
    draw(&heaps.total);
    draw(&heaps.peak);
    true
}

/// What callgrind counted.
pub(crate) fn callgrind(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    CallgrindDump::parse(text).is_ok_and(|dump| dump.sum == dump.total)
}

/// How linear memory grew, in JSON.
pub(crate) fn growth(bytes: &[u8]) -> bool {
    let Ok(growth) = serde_json::from_slice::<HeapGrowth>(bytes) else { return false };
    caxton_report::profile::growth::svg(&growth, "memory").is_ok()
}

fn caption() -> Caption {
    Caption { title: "json".to_owned() }
}

/// Everything that is made of one profile; what it cannot be made into is told.
fn draw(profile: &Profile) {
    let _ = black_box(flame::svg(profile, &caption()));
    black_box(folded::text(profile));
    let _ = black_box(pb::encode(profile));
    if profile.weight == SampleWeight::CpuNs {
        let _ = black_box(firefox::json(profile));
    } else {
        let _ = black_box(dhat_file::write(profile));
    }
    black_box((profile.shares(), profile.total(), sites::call_sites(profile).len()));
    let health = &profile.health;
    black_box((health::lines(health), health::warnings(health), health::counters(&profile.about)));
    black_box((health.lost_share(), health.unresolved_share(), health.rooted_share()));
}
