//! The machine's fingerprint: fixed properties only, nothing measured.

use super::memory;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::Host;
use std::collections::BTreeMap;
use std::fs;

/// Reads the fingerprint of this machine, with the load at the start.
pub fn fingerprint() -> Host {
    let file = |path: &str| -> Reading<String> {
        let text = fs::read_to_string(path).map(|text| text.trim().to_owned());
        text.map_err(|error| Missing::Unsupported(format!("{path}: {error}"))).into()
    };
    let cores = super::affinity::allowed_cores()
        .map(|cores| cores.len().to_string())
        .map_err(|error| Missing::Failed(error.to_string()));
    let entries: [(&str, Reading<String>); 12] = [
        ("cpu_model", memory::cpu_field("model name").into()),
        ("cpu_family_model_stepping", cpu_identity().into()),
        ("cores_allowed", cores.into()),
        ("architecture", Reading::Known(std::env::consts::ARCH.to_owned())),
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("hypervisor", hypervisor().into()),
        ("governor", file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("smt", file("/sys/devices/system/cpu/smt/control")),
        ("aslr", file("/proc/sys/kernel/randomize_va_space")),
        ("transparent_huge_pages", file("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("perf_event_paranoid", file("/proc/sys/kernel/perf_event_paranoid")),
        ("max_map_count", file("/proc/sys/vm/max_map_count")),
    ];
    Host {
        fingerprint: entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect::<BTreeMap<_, _>>(),
        memory_bytes: memory::physical().into(),
        load_at_start: memory::load_average().into(),
        load_at_end: memory::load_average().into(),
    }
}

fn cpu_identity() -> Result<String, Missing> {
    let parts = ["cpu family", "model", "stepping"].map(memory::cpu_field);
    let [family, model, stepping] = parts;
    Ok(format!("{}/{}/{}", family?, model?, stepping?))
}

fn hypervisor() -> Result<String, Missing> {
    let flags = memory::cpu_field("flags")?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Ok("none".to_owned());
    }
    let product = fs::read_to_string("/sys/class/dmi/id/sys_vendor");
    Ok(product.map_or_else(|_| "yes, unnamed".to_owned(), |name| name.trim().to_owned()))
}
