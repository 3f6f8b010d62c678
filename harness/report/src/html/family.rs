//! What pages of this project have in common: inks for light and dark, letters, tables, and a
//! button that chooses between light and dark.

use crate::chart::paper::page_style;

const LIGHT: &str = "color-scheme:light;--page:#f6f8fa;--card:#fff;--head:#eef1f4;--border:#d0d7de;\
    --words:#1f2328;--aside:#59636e;--link:#0757b8;--well:#176f30;--watch:#8f4700;--ill:#b81c27;";
const DARK: &str = "color-scheme:dark;--page:#0d1117;--card:#161b22;--head:#1d2530;\
    --border:#3d444d;--words:#e6edf3;--aside:#9aa4af;--link:#6cb2ff;--well:#46c25c;\
    --watch:#f0a04b;--ill:#ff8a82;";

/// The script of the button; a page without it is as its reader's system wants it.
pub(crate) const SCRIPT: &str = include_str!("family.js");

/// The style: values for light and dark pages, and the rules that all pages share.
pub(crate) fn style() -> String {
    let [light, dark, _] = page_style();
    format!(
        ":root{{{LIGHT}{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light])\
         {{{DARK}{dark}}}}}\n\
         @media screen{{:root[data-theme=dark]{{{DARK}{dark}}}}}\n{}",
        include_str!("family.css")
    )
}
