//! A flame graph of one profile as SVG: a box is a function as called from the boxes below it, its
//! width the share of the weight, its colour whose code it is.

use super::picture::{Head, ORIGINS, draw};
use caxton_model::profile::folded::{NO_STACK, escaped};
use caxton_model::profile::{Frame, Origin, Profile, ProfileError, SampleWeight, health};
use inferno::flamegraph::Options;
use inferno::flamegraph::color::{Color, PaletteMap};
use std::collections::BTreeMap;

pub use super::picture::Caption;

/// Boxes narrower than this share of the picture, in per cent, are left out: half a pixel.
const WIDTH_MIN: f64 = 0.04;
const ALL: Color = Color { r: 225, g: 225, b: 225 };
/// Shades of one colour: boxes side by side would look like one.
const SHADES: u64 = 6;

/// The flame graph of `profile`.
///
/// # Errors
/// [`ProfileError`] when there is no weight in it, or when it is damaged.
pub fn svg(profile: &Profile, caption: &Caption) -> Result<String, ProfileError> {
    profile.check()?;
    let mut palette = PaletteMap::default();
    palette.insert("", ALL);
    let mut sums: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for (stack, sum) in profile.by_stack() {
        let mut boxes: Vec<String> = Vec::new();
        for frame in profile.frames_of(stack) {
            let name = marked(frame);
            palette.insert(&name, colour(frame.origin, &name));
            boxes.push(name);
        }
        if boxes.is_empty() {
            boxes.push(format!("{NO_STACK}{}", mark(Origin::Unknown)));
        }
        *sums.entry(boxes).or_default() += sum.weight;
    }
    let heavy = sums.iter().filter(|(_, weight)| **weight > 0);
    let lines: Vec<String> =
        heavy.map(|(boxes, weight)| format!("{} {weight}", boxes.join(";"))).collect();
    if lines.is_empty() {
        let why = "the profile has no samples".to_owned();
        return Err(ProfileError::Cannot { what: "a flame graph", why });
    }
    let mut options = Options::default();
    (options.factor, options.count_name) = match profile.weight {
        SampleWeight::CpuNs => (1e-3, "µs".to_owned()),
        SampleWeight::Bytes | SampleWeight::PeakBytes => (1.0, "bytes".to_owned()),
        SampleWeight::Instructions => (1.0, "instructions".to_owned()),
    };
    options.palette_map = Some(&mut palette);
    options.min_width = WIDTH_MIN;
    draw(&lines, options, caption, &head(profile))
}

fn head(profile: &Profile) -> Head {
    let about = &profile.about;
    let total = profile.weight.amount(profile.total() as f64);
    let mut first = format!("{}, {}: {total}", about.case, about.side);
    if about.messages > 0 {
        let each = profile.weight.unit().show(profile.total() as f64 / about.messages as f64);
        first.push_str(&format!(", {each} per message"));
    }
    let mut lines = vec![first];
    lines.extend(health::lines(&profile.health));
    lines.extend(health::counters(about));
    let legend = ORIGINS.iter().map(|(_, colour, words)| (*colour, (*words).to_owned())).collect();
    Head { warnings: health::warnings(&profile.health), lines, legend }
}

/// A frame's name with a mark that inferno takes off again before it shows it: it knows four. What
/// is neither the agent's nor wasmtime's shares one, for a name of the host has one origin only.
fn marked(frame: &Frame) -> String {
    format!("{}{}", escaped(&frame.name), mark(frame.origin))
}

const fn mark(origin: Origin) -> &'static str {
    match origin {
        Origin::Wasmtime => "_[w]",
        Origin::Guest => "_[j]",
        Origin::GuestInlined => "_[i]",
        Origin::Host | Origin::Boundary | Origin::Unknown => "_[k]",
    }
}

/// The colour of `origin` in a shade that `name` always has.
fn colour(origin: Origin, name: &str) -> Color {
    let found = ORIGINS.iter().find(|(known, ..)| *known == origin);
    let (_, Color { r, g, b }, _) = found.expect("each origin has a colour");
    // FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let percent = 100 - 4 * ((hash >> 32) % SHADES);
    let shade = |channel: u8| {
        let darker = u64::from(channel) * percent / 100;
        u8::try_from(darker).expect("it is no brighter than before")
    };
    Color { r: shade(*r), g: shade(*g), b: shade(*b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture::profiles::{self as fixture, drawn};
    use expect_test::expect_file;

    fn caption() -> Caption {
        Caption { title: "json <as WASM> & more".to_owned() }
    }

    #[test]
    fn the_scripted_profile_looks_as_it_did() {
        let svg = svg(&fixture::wasm(), &caption()).unwrap();
        expect_file!["goldens/wasm.svg.txt"].assert_eq(&drawn(&svg));
    }

    #[test]
    fn a_box_is_whole_though_a_name_begins_with_another() {
        let script = "3 h:main > g:f\n2 h:main > g:f::{closure#0}\n4 h:main > g:f > g:x";
        let svg = svg(&fixture::profile(SampleWeight::CpuNs, script), &caption()).unwrap();
        assert_eq!(svg.matches("<title>f (").count(), 1, "{}", drawn(&svg));
        assert_eq!(svg.matches("<title>f::{closure#0} (").count(), 1);
        assert!(svg.contains("<title>f (7,021 µs, 77.78%)"), "{}", drawn(&svg));
    }

    #[test]
    fn an_inlined_copy_is_another_box_than_a_called_one() {
        let script = "1 h:main > g:f > i:g\n1 h:main > g:f > g:g";
        let svg = svg(&fixture::profile(SampleWeight::CpuNs, script), &caption()).unwrap();
        assert_eq!(svg.matches("<title>g (").count(), 2);
        assert!(!svg.contains("_["), "{}", drawn(&svg));
    }

    #[test]
    fn a_bad_profile_says_so_in_red_and_only_then() {
        let mut profile = fixture::wasm();
        let red = "fill=\"#b00020\"";
        assert!(!svg(&profile, &caption()).unwrap().contains(red));
        profile.health.unresolved = 100;
        let svg = svg(&profile, &caption()).unwrap();
        assert!(svg.contains("WARNING: 10.00 % of the samples have no name"));
        assert!(svg.contains(red));
    }

    #[test]
    fn a_heap_profile_is_in_bytes() {
        let mut profile =
            fixture::profile(SampleWeight::PeakBytes, "3 h:main > w:compile\n1 h:main");
        profile.about.messages = 0;
        let svg = svg(&profile, &caption()).unwrap();
        assert!(svg.contains("<title>all (4,012,036 bytes, 100%)"), "{}", drawn(&svg));
        assert!(svg.contains("3.83 MiB of bytes held when most were held</text>"));
    }

    #[test]
    fn nothing_can_be_drawn_of_nothing() {
        let mut profile = fixture::wasm();
        profile.samples.clear();
        let error = svg(&profile, &caption()).unwrap_err().to_string();
        assert_eq!(error, "cannot make a flame graph: the profile has no samples");
        profile.stacks[0][0] = u32::MAX;
        assert!(matches!(svg(&profile, &caption()), Err(ProfileError::Damaged(_))));
    }

    #[test]
    fn hostile_names_stay_texts() {
        let script = "1 h:main > g:NAME 12 > i:</title><script>alert(1)</script>&;\u{1}\u{202e}";
        let svg = svg(&fixture::profile(SampleWeight::CpuNs, script), &caption()).unwrap();
        assert_eq!(svg.matches("<script").count(), 1);
        assert!(svg.contains("&lt;/title&gt;&lt;script&gt;"));
        assert!(!svg.contains(['\u{1}', '\u{202e}']));
        assert!(svg.contains("<title>NAME 12 ("));
    }
}
