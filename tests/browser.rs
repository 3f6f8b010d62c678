//! The HTML page in a real browser: wide and narrow, light and dark, with and without scripts. It
//! complains of nothing, scrolls down only, asks nobody for anything, and its flame graphs run.
//!
//! The page is looked at from a page around it, which says what it saw; scripts are off where the
//! frame's sandbox forbids them.

use crate::capability;
use crate::executable::{heard, root, tool_says, word};
use caxton_model::record::Profiles;
use caxton_model::record::store::{RECORD_FILE, RunFolder, SAMPLES_FILE};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const HEIGHT: u32 = 2000;

/// What is around the page. It opens every fold, and tries the button that changes colours.
const AROUND: &str = r#"<!doctype html><meta charset="utf-8">
<style>body{margin:0}iframe{border:0;width:WIDTHpx;height:1500px}</style>
<iframe id="page" SANDBOX src="report.html"></iframe><pre id="seen"></pre>
<script>
const frame = document.getElementById("page");
// By WCAG 2.2: <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>.
const light = (element, what) => {
  const style = frame.contentWindow.getComputedStyle(element)[what];
  const parts = style.match(/[0-9.]+/g).slice(0, 3).map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const contrast = (text, ground) => {
  const [one, other] = [light(text, "color"), light(ground, "backgroundColor")];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
frame.addEventListener("load", async () => {
  const page = frame.contentDocument, root = page.documentElement;
  const ground = () => frame.contentWindow.getComputedStyle(root).backgroundColor;
  const over = () => Math.max(root.scrollWidth, page.body.scrollWidth) - root.clientWidth;
  const seen = { closed: over(), ground: ground(), width: root.clientWidth };
  const top = (what) => page.querySelector(what).getBoundingClientRect().top;
  seen.answer = page.querySelector(".answer").getBoundingClientRect().bottom;
  seen.run = page.querySelector(".runs").textContent;
  const is_shown = (chart) => chart.getClientRects().length > 0;
  const charts = [...page.querySelectorAll("svg.chart")].filter(is_shown);
  seen.chart = charts[0].getBoundingClientRect().top;
  seen.contrast = contrast(page.querySelector(".answer"), page.querySelector(".verdict"));
  const button = page.querySelector("button.theme");
  seen.button = button !== null;
  if (button) { button.click(); seen.changed = ground(); button.click(); }
  for (const fold of page.querySelectorAll("details")) fold.open = true;
  for (const flame of page.querySelectorAll("iframe")) flame.scrollIntoView();
  await wait(1000);
  seen.opened = over();
  seen.charts = charts.length;
  // Words beside the screen, and such as nobody can read.
  const words = charts.flatMap((chart) => [...chart.querySelectorAll("text")]);
  const boxes = words.map((text) => [text.textContent.trim(), text.getBoundingClientRect()]);
  const is_off = ([, box]) => box.left < 0 || box.right > root.clientWidth || box.height < 9;
  seen.off = boxes.filter(is_off).map(([text, box]) => `${text}: ${box.left} to ${box.right}`);
  seen.flames = page.querySelectorAll("iframe").length;
  seen.ink = frame.contentWindow.getComputedStyle(charts[0].querySelector("rect")).fill;
  const asked = frame.contentWindow.performance.getEntriesByType("resource");
  seen.asked = asked.map((entry) => entry.name);
  document.getElementById("seen").textContent = "SEEN" + JSON.stringify(seen) + "SEEN";
});
</script>
"#;

/// A browser of this machine.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|file| file.is_file());
    if found.is_none() {
        capability::absent("chromium", "no chromium on PATH: apt-get install chromium");
    }
    found
}

/// A page of a run with a flame graph and of a comparison, in `folder`.
fn make(folder: &Path) {
    let fixtures = root().join("tests/fixtures");
    let run = folder.join("run");
    fs::create_dir_all(run.join("cpu")).expect("a fresh folder");
    let mut record = RunFolder::load_record(&fixtures.join("record-v1")).expect("it loads");
    let files = vec!["flame.svg".to_owned(), "gone.svg".to_owned()];
    let folder_of = "cpu".to_owned();
    record.cases[0].profiles = Profiles { folder: folder_of, files, ..Profiles::default() };
    let json = serde_json::to_vec(&record).expect("finite numbers");
    fs::write(run.join(RECORD_FILE), json).expect("a fresh folder");
    let copy = |from: PathBuf, to: &str| fs::copy(from, run.join(to)).expect("a fixture");
    copy(fixtures.join("record-v1").join(SAMPLES_FILE), SAMPLES_FILE);
    copy(root().join("profiles/example/split-wasm.svg"), "cpu/flame.svg");
    let comparison = word(&fixtures.join("comparison-v1"));
    let (run, out) = (word(&run), word(&folder.join("report.html")));
    tool_says(&["report", "--html", &run, &comparison, "--out", &out]).ended(0);
}

/// What is seen of the page in `folder`.
fn seen(browser: &Path, folder: &Path, (width, is_dark, has_scripts): (u32, bool, bool)) -> Value {
    let sandbox = if has_scripts { "" } else { "sandbox=\"allow-same-origin\"" };
    let around = AROUND.replace("WIDTH", &width.to_string()).replace("SANDBOX", sandbox);
    fs::write(folder.join("around.html"), around).expect("a fresh folder");
    // A browser of its own each time: the page remembers the colours that were chosen.
    let own = tempfile::tempdir_in(folder).expect("a fresh folder");
    let profile = format!("--user-data-dir={}", word(own.path()));
    let size = format!("--window-size={},{HEIGHT}", width.max(600));
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark));
    let address = format!("file://{}", word(&folder.join("around.html")));
    let words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-extensions",
        "--hide-scrollbars",
        "--no-first-run",
        "--allow-file-access-from-files",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        "--virtual-time-budget=20000",
        &profile,
        &size,
        &scheme,
        "--dump-dom",
        &address,
    ];
    let said = heard(browser, &words);
    // That scripts are off is what was asked for.
    let is_meant = |line: &&str| !has_scripts && line.contains("Blocked script execution");
    let complaints = said.stderr.lines().filter(|line| line.contains("CONSOLE"));
    let complaints: Vec<&str> = complaints.filter(|line| !is_meant(line)).collect();
    assert!(complaints.is_empty(), "{width} {is_dark} {has_scripts}: {complaints:?}");
    let json = said.stdout.split("SEEN").nth(1);
    let json = json.unwrap_or_else(|| panic!("nothing was seen: {}\n{}", said.stdout, said.stderr));
    serde_json::from_str(json).expect("what the page around it wrote")
}

#[test]
fn a_page_is_readable_in_every_light() {
    let Some(browser) = chromium() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(folder.path());
    let mut grounds = Vec::new();
    for width in [1280, 400] {
        for is_dark in [false, true] {
            for has_scripts in [true, false] {
                let how = (width, is_dark, has_scripts);
                let seen = seen(&browser, folder.path(), how);
                assert_eq!(seen["width"], width, "{how:?}: {seen}");
                assert_eq!(seen["closed"], 0, "{how:?} scrolls sideways: {seen}");
                assert_eq!(seen["opened"], 0, "{how:?} scrolls sideways: {seen}");
                assert_eq!(seen["asked"], Value::Array(Vec::new()), "{how:?}: {seen}");
                assert_eq!(seen["button"], has_scripts, "{how:?}: {seen}");
                assert_ne!(seen["changed"], seen["ground"], "{how:?}: {seen}");
                assert_eq!(seen["flames"], 1, "{how:?}: {seen}");
                assert!(seen["charts"].as_u64() > Some(3), "{how:?}: {seen}");
                assert_eq!(seen["off"], Value::Array(Vec::new()), "{how:?}: {seen}");
                // On the first screen: what was found, which run, and on a wide one a chart.
                let first_screen = |what: &str| seen[what].as_f64().is_some_and(|at| at < 900.0);
                assert!(first_screen("answer"), "{how:?}: {seen}");
                assert!(width < 1000 || first_screen("chart"), "{how:?}: {seen}");
                let run = seen["run"].as_str().expect("a text");
                assert!(run.contains("-wasm: "), "{how:?}: {run}");
                assert!(seen["contrast"].as_f64() >= Some(4.5), "{how:?}: {seen}");
                grounds.push((is_dark, seen["ground"].clone(), seen["ink"].clone()));
            }
        }
    }
    grounds.sort_by_key(|(is_dark, ..)| *is_dark);
    grounds.dedup();
    assert_eq!(grounds.len(), 2, "one light and one dark page, charts with them: {grounds:?}");
}
